"""Cuts text where no piece can reach across, so that what a word becomes can be kept."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from wgslm.pauses import Pausing

SPACE = "\u2581"  # stands for a space inside pieces
CACHED_CHARACTERS = 64  # longer words do not come twice
CACHED_WORDS = 16384
SEPARATOR = "\ud800"  # half a character, which no piece has
PAUSE = 128  # words between two pauses
SLICE = 4096  # symbols

Ids = tuple[int, ...]


class Words:
    """Makes ids of words, and keeps those of short ones."""

    def __init__(self, short: Callable[[str], Ids], long: Callable[[str], Pausing[Ids]]) -> None:
        """Encode words of up to CACHED_CHARACTERS with `short`, others with `long`."""
        self._short = lru_cache(CACHED_WORDS)(short)
        self._long = long

    def encode(self, words: Iterable[str]) -> Pausing[list[Ids]]:
        """Return the ids of each word, one after the other."""
        found: list[Ids] = []
        short, long = self._short, self._long
        for count, word in enumerate(words, 1):
            found.append(short(word) if len(word) <= CACHED_CHARACTERS else (yield from long(word)))
            if not count % PAUSE:
                yield
        return found


def in_slices(ids_of: Callable[[Sequence[str]], Ids], symbols: Sequence[str]) -> Pausing[Ids]:
    """Make ids of many symbols, of some at a time."""
    found: list[int] = []
    for start in range(0, len(symbols), SLICE):
        found += ids_of(symbols[start : start + SLICE])
        yield
    return tuple(found)


def lengths_by_beginning(pieces: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return how long the pieces with two first characters are, by these; the shortest first."""
    found: dict[str, set[int]] = {}
    for piece in pieces:
        if len(piece) > 1:
            found.setdefault(piece[:2], set()).add(len(piece))
    kept: dict[tuple[int, ...], tuple[int, ...]] = {}  # most beginnings share them
    ordered = ((beginning, tuple(sorted(lengths))) for beginning, lengths in found.items())
    return {beginning: kept.setdefault(lengths, lengths) for beginning, lengths in ordered}


def word_splitter(pieces: Iterable[str]) -> Callable[[str], Iterator[str]]:
    """Return how to cut text before its spaces, if no piece has one after another character."""
    joined = SEPARATOR.join(pieces)  # so that one scan at C speed looks at all of them
    if re.search(f"[^{SPACE}{SEPARATOR}]{SPACE}", joined):
        return lambda text: iter((text,))
    words = re.compile(f"{SPACE}+[^{SPACE}]*|[^{SPACE}]+")
    return lambda text: map(re.Match.group, words.finditer(text))
