"""Sets of characters as ranges of code points: Unicode's categories, White_Space and Han."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

Ranges = tuple[tuple[int, int], ...]  # first and last of each, in order, never touching

LAST = 0x10FFFF
# Asking for every character takes time. Beyond these there is Han, and what no expression asks for.
SCANNED = (*range(0xD800), *range(0xF900, 0x20000), *range(0xE0000, 0xE0200))
IDEOGRAPHIC_PLANES = 0x20000

# White_Space of PropList.txt; Python's own \s has four control characters more.
SPACES: Ranges = (
    (0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
    (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip
# Script=Han of Scripts.txt, which unicodedata does not have.
HAN: Ranges = (
    (0x2E80, 0x2E99), (0x2E9B, 0x2EF3), (0x2F00, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007),
    (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFA6D),
    (0xFA70, 0xFAD9), (0x16FE2, 0x16FE3), (0x16FF0, 0x16FF1), (0x20000, 0x2A6DF),
    (0x2A700, 0x2B739), (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0),
    (0x2EBF0, 0x2EE5D), (0x2F800, 0x2FA1D), (0x30000, 0x3134A), (0x31350, 0x323AF),
)  # fmt: skip


def named(name: str) -> Ranges:
    r"""Return what `\p{name}` means: a category such as L or Lu, or Han."""
    if name == "Han":
        return HAN
    return union(r for category, r in _categories().items() if category.startswith(name))


def union(sets: Iterable[Ranges]) -> Ranges:
    """Return the characters that are in any of the sets."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(pair for ranges in sets for pair in ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def complement(ranges: Ranges) -> Ranges:
    """Return all other characters."""
    edges = [0, *(edge for first, last in ranges for edge in (first, last + 1)), LAST + 1]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple((first, stop - 1) for first, stop in pairs if first < stop)


def intersection(left: Ranges, right: Ranges) -> Ranges:
    """Return the characters that are in both."""
    return complement(union((complement(left), complement(right))))


@cache
def _categories() -> dict[str, Ranges]:
    """Return the ranges of every general category (without those that nobody assigned)."""
    found = list(map(unicodedata.category, map(chr, SCANNED)))
    letters = {category: chr(0x41 + order) for order, category in enumerate(sorted(set(found)))}
    runs: dict[str, list[tuple[int, int]]] = {category: [] for category in letters}
    # One letter per character, so that the runs are found at C speed.
    for run in re.finditer(r"(.)\1*", "".join(map(letters.__getitem__, found))):
        pair = (SCANNED[run.start()], SCANNED[run.end() - 1])
        runs[found[run.start()]].append(pair)
    del runs["Cn"]  # the only runs that reach over what is not scanned
    runs["Lo"] += (pair for pair in HAN if pair[0] >= IDEOGRAPHIC_PLANES)
    return {category: union([tuple(pairs)]) for category, pairs in runs.items()}
