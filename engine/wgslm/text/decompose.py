"""Unicode's canonical decomposition (NFD) in linear time, and with pauses.

Python's own sorts a run of combining marks in quadratic time: 1 MB of two marks in turn would take
it a quarter of an hour.
"""

import unicodedata
from unicodedata import combining

from wgslm.pauses import Pausing

SLICE = 256  # characters whose marks are sorted at once


def decomposed(text: str) -> Pausing[str]:
    """Return `unicodedata.normalize("NFD", text)`."""
    if unicodedata.is_normalized("NFD", text):
        return text
    parts: list[str] = []
    for start in range(0, len(text), SLICE):
        parts.append(unicodedata.normalize("NFD", text[start : start + SLICE]))
        if not len(parts) % SLICE:
            yield
    characters = list("".join(parts))
    done = seam = 0
    for part in parts[:-1]:
        seam += len(part)
        if seam > done and combining(characters[seam]):
            done = _sort(characters, done, seam)
            yield
    return "".join(characters)


def _sort(characters: list[str], start: int, seam: int) -> int:
    """Sort the run of marks around a seam, which begins at `start` or later; return its end."""
    first = last = seam
    while first > start and combining(characters[first - 1]):
        first -= 1
    while last < len(characters) and combining(characters[last]):
        last += 1
    characters[first:last] = sorted(characters[first:last], key=combining)
    return last
