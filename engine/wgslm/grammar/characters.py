"""Sets of characters as sorted ranges of code points, Unicode's classes, and their UTF-8.

Surrogates belong to no set: no UTF-8 can write them.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType

Ranges = tuple[tuple[int, int], ...]  # inclusive, sorted, apart

ANY: Ranges = ((0, 0xD7FF), (0xE000, 0x10FFFF))
DIGIT: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
# White_Space, and U+FEFF, as ECMAScript's \s has it.
SPACE: Ranges = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
    (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
LONG_NAMES = {
    "letter": "L", "lowercase_letter": "Ll", "uppercase_letter": "Lu", "titlecase_letter": "Lt",
    "modifier_letter": "Lm", "other_letter": "Lo", "mark": "M", "number": "N", "digit": "Nd",
    "decimal_number": "Nd", "letter_number": "Nl", "other_number": "No", "punctuation": "P",
    "symbol": "S", "separator": "Z", "space_separator": "Zs", "other": "C", "control": "Cc",
}  # fmt: skip


def union(sets: Iterable[Ranges]) -> Ranges:
    """Return what is in any of the sets, given as ranges in any order."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(pair for ranges in sets for pair in ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return intersection(tuple(joined), ANY)


def intersection(a: Ranges, b: Ranges) -> Ranges:
    """Return what is in both."""
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        low, high = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if low <= high:
            found.append((low, high))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def complement(ranges: Ranges) -> Ranges:
    """Return every other character."""
    rest: list[tuple[int, int]] = []
    start = 0
    for low, high in ranges:
        if start < low:
            rest.append((start, low - 1))
        start = high + 1
    if start <= 0x10FFFF:
        rest.append((start, 0x10FFFF))
    return intersection(tuple(rest), ANY)


def single(character: str) -> Ranges:
    """Return the set of one character."""
    return ((ord(character), ord(character)),)


def category(name: str) -> Ranges | None:
    """Return a general category by its short or long name; None if Unicode has no such."""
    short = LONG_NAMES.get(name.lower(), name)
    if short == "Any":
        return ANY
    parts = [ranges for code, ranges in _categories().items() if code.startswith(short)]
    return union(parts) if short and parts else None


@cache
def _categories() -> Mapping[str, Ranges]:
    """Return the general categories; the scan takes about 0.2 s, once."""
    found: dict[str, list[tuple[int, int]]] = {}
    begun, last = 0, ""
    for point in range(0x110001):
        code = unicodedata.category(chr(point)) if point < 0x110000 else ""
        if code != last:
            if last:
                found.setdefault(last, []).append((begun, point - 1))
            begun, last = point, code
    del found["Cs"]
    return MappingProxyType({code: tuple(ranges) for code, ranges in found.items()})


def utf8(ranges: Ranges) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield sequences of byte ranges that together write exactly the set."""
    for low, high in intersection(ranges, ANY):
        for first, last in ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, 0x10FFFF)):
            if max(low, first) <= min(high, last):
                start = chr(max(low, first)).encode()
                yield from digits(tuple(start), tuple(chr(min(high, last)).encode()), 0x80, 0xBF)


def digits(
    low: tuple[int, ...], high: tuple[int, ...], least: int, most: int
) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield ranges, digit by digit, of the numbers from `low` to `high` of one length.

    Every digit but the first goes from `least` to `most`.
    """
    rest = len(low) - 1
    if not rest:
        yield ((low[0], high[0]),)
        return
    bottom, top = (least,) * rest, (most,) * rest
    if low[0] == high[0]:
        for tail in digits(low[1:], high[1:], least, most):
            yield ((low[0], low[0]), *tail)
        return
    first, last = low[0], high[0]
    if low[1:] != bottom:
        for tail in digits(low[1:], top, least, most):
            yield ((first, first), *tail)
        first += 1
    if high[1:] != top:
        last -= 1
    if first <= last:
        yield ((first, last), *(((least, most),) * rest))
    if last < high[0]:
        for tail in digits(bottom, high[1:], least, most):
            yield ((high[0], high[0]), *tail)
