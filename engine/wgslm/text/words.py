"""Cuts text where no piece can reach across, so that what a word becomes can be kept."""

import re
from collections.abc import Callable, Iterable

SPACE = "\u2581"  # stands for a space inside pieces
CACHED_CHARACTERS = 64  # longer words do not come twice
CACHED_WORDS = 16384
SEPARATOR = "\ud800"  # half a character, which no piece has


def word_splitter(pieces: Iterable[str]) -> Callable[[str], list[str]]:
    """Return how to cut text before its spaces, if no piece has one after another character."""
    joined = SEPARATOR.join(pieces)  # so that one scan at C speed looks at all of them
    if re.search(f"[^{SPACE}{SEPARATOR}]{SPACE}", joined):
        return lambda text: [text]
    return re.compile(f"{SPACE}+[^{SPACE}]*|[^{SPACE}]+").findall
