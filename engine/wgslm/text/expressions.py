r"""Runs the expressions that models publish in the standard `re`, which knows no `\p{L}`.

Of their syntax it translates what differs: `\p{...}`, `\s`, `\S` and `\d` (as Unicode defines
them), and classes with `&&`. All else means the same in both, and is passed on.
"""

import re
from collections.abc import Iterator
from functools import cache, cached_property
from itertools import islice

from wgslm.text.characters import (
    LAST,
    SPACES,
    Ranges,
    complement,
    intersection,
    named,
    union,
)

BASIC = 0xFFFF
AT_ONCE = 4096  # characters, which take no time to speak of
BATCH = 256  # matches of a longer text that are looked for at once
BEYOND = re.compile(f"[{chr(BASIC + 1)}-{chr(LAST)}]")
CONTROLS = {"r": "\r", "n": "\n", "t": "\t"}


class Expression:
    """Cuts text into matches and what lies between them."""

    def __init__(self, source: str) -> None:
        """Take a published expression; its groups must not capture."""
        self._source = source

    def split(self, text: str, *, beyond: bool) -> Iterator[str]:
        """Return the pieces of a text in order; `beyond` as it has characters above U+FFFF.

        `re` looks a character up in a set at once, but asks one range after the other above
        U+FFFF; so most texts get sets without those.
        """
        pattern = self._all if beyond else self._basic
        if len(text) <= AT_ONCE:
            return filter(None, pattern.split(text))
        return filter(None, _lazily(pattern, text))

    @cached_property
    def _basic(self) -> re.Pattern[str]:
        return re.compile(f"({translated(self._source, BASIC)})")

    @cached_property
    def _all(self) -> re.Pattern[str]:
        return re.compile(f"({translated(self._source, LAST)})")


def _lazily(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Split a text as `pattern.split` does, but look for matches only when it is their turn."""
    matches, done = pattern.finditer(text), 0
    while some := tuple(islice(matches, BATCH)):
        words = list(map(re.Match.group, some))
        if sum(map(len, words)) == some[-1].end() - done:  # nothing between, as nearly always
            yield from words
        else:
            for match in some:
                yield text[done : match.start()]
                yield match.group()
                done = match.end()
        done = some[-1].end()
    yield text[done:]


def translated(source: str, last: int) -> str:
    """Return an expression for `re` that means the same for characters up to `last`."""
    parts, position = [], 0
    while position < len(source):
        if source[position] == "[":
            ranges, position = _class(source, position)
            parts.append(_written(ranges, last))
        elif source.startswith(r"\Z", position):
            parts.append(r"\Z")
            position += 2
        elif source[position] == "\\":
            ranges, stop = _escape(source, position)
            literal = len(ranges) == 1 and ranges[0][0] == ranges[0][1]
            parts.append(source[position:stop] if literal else _written(ranges, last))
            position = stop
        else:
            parts.append(source[position])
            position += 1
    return "".join(parts)


def _class(source: str, position: int) -> tuple[Ranges, int]:
    """Return the characters of the class that starts at a `[`, and where it stops."""
    negated = source[position + 1] == "^"
    position += 1 + negated
    found: list[Ranges] = []
    common: Ranges | None = None
    while source[position] != "]":
        if source.startswith("&&[", position):
            common, position = _class(source, position + 2)
            continue
        ranges, position = _member(source, position)
        if source[position] == "-" and source[position + 1] != "]":
            (last,), position = _member(source, position + 1)
            ranges = ((ranges[0][0], last[1]),)
        found.append(ranges)
    ranges = union(found)
    if common is not None:
        ranges = intersection(ranges, common)
    return (complement(ranges) if negated else ranges), position + 1


def _member(source: str, position: int) -> tuple[Ranges, int]:
    if source[position] == "\\":
        return _escape(source, position)
    return _one(source[position]), position + 1


def _escape(source: str, position: int) -> tuple[Ranges, int]:
    r"""Return what an escape such as `\s`, `\p{L}` or `\u3000` means, and where it stops."""
    kind = source[position + 1]
    if kind == "p":
        stop = source.index("}", position) + 1
        return _property(source[position + 3 : stop - 1]), stop
    if kind in "uU":
        stop = position + (6 if kind == "u" else 10)
        return _one(chr(int(source[position + 2 : stop], 16))), stop
    stop = position + 2
    if kind == "s":
        return SPACES, stop
    if kind == "S":
        return complement(SPACES), stop
    if kind == "d":
        return _property("Nd"), stop
    assert kind in CONTROLS or not kind.isalnum(), (
        f"\\{kind} of {source[:60]!r} has no meaning here"
    )
    return _one(CONTROLS.get(kind, kind)), stop


def _one(character: str) -> Ranges:
    return ((ord(character), ord(character)),)


_property = cache(named)


def _written(ranges: Ranges, last: int) -> str:
    """Return a class of `re`, without what is above `last`.

    `re` asks the ranges above BASIC one after the other, so the largest come first.
    """
    kept = [(first, min(end, last)) for first, end in ranges if first <= last]
    kept.sort(key=lambda each: each[0] - each[1] if each[0] > BASIC else -LAST)
    shown = (f"\\U{first:08x}-\\U{end:08x}" for first, end in kept)
    return f"[{''.join(shown)}]"
