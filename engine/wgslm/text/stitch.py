"""Merges a long word piece by piece, so that pieces that come again are merged only once.

Two neighbours of a merged text stay apart wherever they stand: what is merged inside of each of
them does not depend on what is outside. So a text is merged when each pair of neighbours, merged
on its own, stays a pair; where two pieces meet and do not, what is around is merged again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from wgslm.pauses import Pausing, whole
from wgslm.text.merge import merge_chain, merge_word
from wgslm.text.words import SPACE

PIECE = 48  # characters
SHORT = 64  # characters that are merged without keeping order
LONG = 1024  # characters that are merged without a pause
KEPT, KEPT_LONG = 4096, 128  # pieces, and pairs
PAUSE = 32  # pieces between two pauses
MOST_AGAIN = 8  # times the text that is merged again, before it is merged as a whole


class Stitcher:
    """Merges long texts, of which each character is a symbol, by the ranks of pairs."""

    def __init__(self, ranks: Mapping[str, int], joint: str) -> None:
        """Rank a pair by ranks[left + joint + right], as `merge_word` does."""
        self._ranks, self._joint = ranks, joint
        self._short = lru_cache(KEPT)(self._merge_short)
        self._long = lru_cache(KEPT_LONG)(self._merge_long)
        self._stay_apart = lru_cache(KEPT)(self._are_apart)

    def merge(self, pieces: Iterable[str]) -> Pausing[list[str]]:
        """Return the symbols of a text, given in pieces that were cut anywhere."""
        pieces = iter(pieces)
        done: list[str] = []
        allowed = MOST_AGAIN * SHORT
        for count, piece in enumerate(pieces, 1):
            if not count % PAUSE:
                yield
            found = self._merged(piece)
            allowed += MOST_AGAIN * len(piece)
            if not done or self._stay_apart(done[-1], found[0]):
                done += found
                continue
            spent = yield from self._join(done, found, allowed)
            if spent is None:
                whole_text = list("".join((*done, *found, *pieces)))
                return (yield from merge_chain(whole_text, self._ranks, self._joint))
            allowed -= spent
        return done

    def _join(self, done: list[str], found: Sequence[str], allowed: int) -> Pausing[int | None]:
        """Add what was found, and merge again what is around the seam, as far as it differs.

        Returns how many characters were merged; None where it gave up.
        """
        before = after = 1  # symbols around the seam
        again = 0
        while again <= allowed:
            text = "".join((*done[-before:], *found[:after]))
            again += len(text)
            middle: Sequence[str]
            if len(text) <= LONG:
                middle = self._merged(text)
            else:
                middle = yield from merge_chain(list(text), self._ranks, self._joint)
            is_begun = before == len(done) or self._stay_apart(done[-before - 1], middle[0])
            is_ended = after == len(found) or self._stay_apart(middle[-1], found[after])
            if is_begun and is_ended:
                done[-before:] = [*middle, *found[after:]]
                return again
            before = before if is_begun else min(2 * before, len(done))
            after = after if is_ended else min(2 * after, len(found))
        return None

    def _merged(self, text: str) -> tuple[str, ...]:
        return self._short(text) if len(text) <= SHORT else self._long(text)

    def _merge_short(self, text: str) -> tuple[str, ...]:
        return tuple(merge_word(list(text), self._ranks, self._joint))

    def _merge_long(self, text: str) -> tuple[str, ...]:
        return tuple(whole(merge_chain(list(text), self._ranks, self._joint)))

    def _are_apart(self, left: str, right: str) -> bool:
        return self._merged(left + right) == (left, right)


def in_pieces(text: str, most: int = PIECE) -> Iterator[str]:
    """Cut a text before spaces, so that words come again, and where it has none."""
    size = most if text.isascii() else max(1, most // 3)  # a character is up to four bytes
    words = re.compile(f"[ {SPACE}]?[^ {SPACE}]{{1,{size}}}|[ {SPACE}]{{1,{size}}}")
    return map(re.Match.group, words.finditer(text))
