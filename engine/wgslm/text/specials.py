"""Cuts text at the tokens that are never merged: special ones and those that a user defined."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import groupby

from wgslm.pauses import Pausing
from wgslm.text.segment import Segment

STRIPPED = " \t\n\v\f\r"
PAUSE = 512  # places looked at between two pauses


class SpecialTokens:
    """Finds special tokens as llama.cpp does: the longest first, then from left to right."""

    def __init__(
        self,
        controls: Mapping[str, int],
        user_defined: Mapping[str, int],
        strips: frozenset[int] = frozenset(),
    ) -> None:
        """Know the `controls`, for template text only, and the `user_defined`, for any text."""
        self._controls = controls
        self._strips = strips
        texts = sorted([*controls, *user_defined], key=lambda text: -len(text.encode()))
        self._order = {text: order for order, text in enumerate(texts)}
        self._ids = {**controls, **user_defined}
        lengths: dict[str, set[int]] = {}
        for text in texts:
            lengths.setdefault(text[0], set()).add(len(text))
        self._lengths = {first: sorted(found) for first, found in lengths.items()}
        starts = "".join(map(re.escape, lengths))
        self._starts = re.compile(f"[{starts}]" if starts else "(?!)")  # the latter never matches

    def split(self, segments: Sequence[Segment]) -> Pausing[list[str | int]]:
        """Return the segments' text in order, with ids in place of the special tokens."""
        text = "".join(segment.text for segment in segments)
        parts: list[str | int] = []
        done = 0
        for start, stop, id in (yield from self._chosen(text, segments)):
            if start > done:
                parts.append(text[done:start])
            parts.append(id)
            done = stop
        if done < len(text):
            parts.append(text[done:])
        return parts

    def _chosen(
        self, text: str, segments: Sequence[Segment]
    ) -> Pausing[list[tuple[int, int, int]]]:
        """Return the (start, stop, id) of tokens that do not overlap, in order of the text."""
        found = yield from self._occurrences(text, segments)
        found.sort()
        taken = bytearray(len(text) if found else 0)
        chosen = []
        for count, (_, start, stop) in enumerate(found, 1):
            if not count % PAUSE:
                yield
            if taken.find(1, start, stop) >= 0:
                continue
            id = self._ids[text[start:stop]]
            if id in self._strips:
                while stop < len(text) and text[stop] in STRIPPED and not taken[stop]:
                    stop += 1
            taken[start:stop] = b"\1" * (stop - start)
            chosen.append((start, stop, id))
        return sorted(chosen)

    def _occurrences(
        self, text: str, segments: Sequence[Segment]
    ) -> Pausing[list[tuple[int, int, int]]]:
        """Return (order, start, stop) of every special token, overlapping or not."""
        found: list[tuple[int, int, int]] = []
        starts, limits = _template_runs(segments)
        for count, match in enumerate(self._starts.finditer(text), 1):
            if not count % PAUSE:
                yield
            start = match.start()
            limit = limits[bisect_right(starts, start) - 1]
            for length in self._lengths[match.group()]:
                candidate = text[start : start + length]
                order = self._order.get(candidate)
                if order is None:
                    continue
                if start + length <= limit or candidate not in self._controls:
                    found.append((order, start, start + length))
        return found


def _template_runs(segments: Sequence[Segment]) -> tuple[list[int], list[int]]:
    """Return where runs of the same kind start, and where template ends there (0: it is none)."""
    starts, limits, position = [], [], 0
    for template, run in groupby(segments, key=lambda segment: segment.template):
        starts.append(position)
        position += sum(len(segment.text) for segment in run)
        limits.append(position if template else 0)
    return starts, limits
