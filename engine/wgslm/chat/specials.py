"""Keeps what people wrote from becoming special tokens once a template has put it in a prompt.

A character that occurs nowhere else, the marker, is put inside every special token's text found in
a conversation, and at its ends where it could complete one with the template's text. After
rendering, no special token that a marker cuts is one of the template's.
"""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain, pairwise

from wgslm.errors import RequestError
from wgslm.pauses import Pausing
from wgslm.text.segment import Segment

_PRIVATE = ((0xE000, 0xF900), (0xF0000, 0xFFFFE), (0x100000, 0x10FFFE))
PAUSE = 512  # places looked at between two pauses
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")


class Specials:
    """The texts of a vocabulary's special tokens, ready to be found."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Index the texts; the empty one is none."""
        self._texts = frozenset(texts) - {""}
        self._sorted = sorted(self._texts)
        self._backward = sorted(text[::-1] for text in self._texts)
        self._joined = "\0".join(self._sorted)
        self._longest = max(map(len, self._texts), default=0)
        lengths: dict[str, set[int]] = {}
        for text in self._texts:
            lengths.setdefault(text[0], set()).add(len(text))
        self._lengths = {first: sorted(found) for first, found in lengths.items()}
        self._first = re.compile(f"[{re.escape(''.join(lengths))}]") if lengths else None

    def occurrences(self, text: str) -> Pausing[list[tuple[int, int]]]:
        """Return start and stop of every special token's text, also where they overlap."""
        found: list[tuple[int, int]] = []
        for count, match in enumerate(self._first.finditer(text) if self._first else (), 1):
            if not count % PAUSE:
                yield
            start = match.start()
            for length in self._lengths[match.group()]:
                if text[start : start + length] in self._texts and start + length <= len(text):
                    found.append((start, start + length))
        return found

    def cuts(self, text: str) -> Pausing[list[int]]:
        """Where markers go in a text: inside special tokens, and at ends that begin or end one."""
        places: set[int] = set()
        for start, stop in (yield from self.occurrences(text)):
            places.update((start + 1,) if stop - start > 1 else (start, stop))
        left = len(text) - len(text.lstrip())
        right = len(text.rstrip())
        core = text[left:right]
        inside = len(core) <= self._longest and _has_signs(core) and core in self._joined
        if inside or _starts_within(core, self._backward, self._longest):
            places.add(left)
        if inside or _starts_within(core[::-1], self._sorted, self._longest):
            places.add(right)
        return sorted(places)


class Marker:
    """One conversation's marker character."""

    def __init__(self, specials: Specials, texts: Sequence[str]) -> None:
        """Choose a character that is in none of the texts, as itself or escaped in JSON."""
        self._specials = specials
        used = set("".join(texts))
        escaped = set(chain.from_iterable(map(_ESCAPE.findall, texts)))
        for code in chain.from_iterable(range(*bounds) for bounds in _PRIVATE):
            if chr(code) not in used and json.dumps(chr(code))[-7:-1] not in escaped:
                self.character = chr(code)
                return
        raise RequestError("the messages use every private-use character of Unicode", "messages")

    def mark(self, text: str) -> Pausing[str]:
        """Put the marker where a special token could arise."""
        cuts = yield from self._specials.cuts(text)
        bounds = [0, *cuts, len(text)]
        return self.character.join(text[a:b] for a, b in pairwise(bounds))

    def remove(self, text: str) -> str:
        """Give the text without markers."""
        return text.replace(self.character, "")

    def segments(self, rendered: str) -> Pausing[list[Segment]]:
        """Cut a rendered prompt so that special tokens with a marker in them are no template's."""
        pieces = rendered.split(self.character)
        text = "".join(pieces)
        cuts: list[int] = []
        place = 0
        for piece in pieces[:-1]:
            place += len(piece)
            cuts.append(place)
        segments: list[Segment] = []
        done = 0
        for start, stop in _merged((yield from self._broken(text, cuts))):
            segments += [Segment(text[done:start], True), Segment(text[start:stop], False)]
            done = stop
        segments.append(Segment(text[done:], True))
        return [segment for segment in segments if segment.text]

    def _broken(self, text: str, cuts: list[int]) -> Pausing[list[tuple[int, int]]]:
        """Return the special tokens' texts that a cut goes through or, of one character, around."""
        if not cuts:
            return []
        found = yield from self._specials.occurrences(text)
        broken: list[tuple[int, int]] = []
        for count, (start, stop) in enumerate(found, 1):
            if not count % PAUSE:
                yield
            within = bisect_left(cuts, stop) - bisect_right(cuts, start)
            around = stop - start == 1 and _has(cuts, start) and _has(cuts, stop)
            if within > 0 or around:
                broken.append((start, stop))
        return broken


def _starts_within(text: str, texts: list[str], longest: int) -> bool:
    """Whether the start of `text`, backwards, is a proper start of one of the sorted `texts`.

    Letters and digits alone do not count: every word would.
    """
    for length in range(1, min(len(text), longest - 1) + 1):
        head = text[:length][::-1]
        index = bisect_left(texts, head)
        found = index < len(texts) and texts[index].startswith(head)
        if found and texts[index] == head:
            found = index + 1 < len(texts) and texts[index + 1].startswith(head)
        if found and _has_signs(head):
            return True
    return False


def _has_signs(text: str) -> bool:
    return not text.replace("_", "").replace("-", "").isalnum() and bool(text)


def _has(places: list[int], place: int) -> bool:
    index = bisect_left(places, place)
    return index < len(places) and places[index] == place


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that overlap or touch."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
