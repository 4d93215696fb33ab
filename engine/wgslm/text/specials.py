"""Cuts text at the tokens that are never merged: special ones and those that a user defined."""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from wgslm.pauses import Pausing
from wgslm.text.segment import Segment

STRIPPED = " \t\n\v\f\r"
BEGINNING = 4  # characters
PAUSE = 4096  # places looked at between two pauses
SHIFT = 40  # bits for a place in a text


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
        self._texts = texts
        self._ids = {**controls, **user_defined}
        self._beginnings = frozenset(text[:BEGINNING] for text in texts)
        starts = "".join(map(re.escape, dict.fromkeys(text[0] for text in texts)))
        self._starts = re.compile(f"[{starts}]" if starts else "(?!)")  # the latter never matches

    def split(
        self, segments: Sequence[Segment], *, is_prompt: bool = False
    ) -> Pausing[list[str | int]]:
        """Return the segments' text in order, with ids in place of the special tokens.

        In a prompt a user-defined token is none either that lies in what is no template's.
        """
        text = "".join(segment.text for segment in segments)
        parts: list[str | int] = []
        done = 0
        for start, stop, id in (yield from self._chosen(text, segments, is_prompt)):
            if start > done:
                parts.append(text[done:start])
            parts.append(id)
            done = stop
        if done < len(text):
            parts.append(text[done:])
        return parts

    def _chosen(
        self, text: str, segments: Sequence[Segment], is_prompt: bool
    ) -> Pausing[list[tuple[int, int, int]]]:
        """Return the (start, stop, id) of tokens that do not overlap, in order of the text."""
        begun = yield from self._begun(text)
        taken = bytearray(len(text) if begun else 0)
        starts, limits = _template_runs(segments)
        chosen: list[tuple[int, int, int]] = []
        for group in self._groups(begun):
            found = yield from self._occurrences(text, group, begun)
            before = len(chosen)
            for count, each in enumerate(found, 1):
                if not count % PAUSE:
                    yield
                token, start = self._texts[each >> SHIFT], each & ((1 << SHIFT) - 1)
                stop = start + len(token)
                if taken.find(1, start, stop) >= 0:
                    continue
                run = bisect_right(starts, start)
                if token in self._controls and stop > limits[run - 1]:
                    continue
                if is_prompt and not limits[run - 1] and stop <= starts[run]:
                    continue
                id = self._ids[token]
                if id in self._strips:
                    while stop < len(text) and text[stop] in STRIPPED and not taken[stop]:
                        stop += 1
                taken[start:stop] = b"\1" * (stop - start)
                chosen.append((start, stop, id))
            if len(chosen) > before:
                for beginning in {token[:BEGINNING] for token in group}:
                    left = begun[beginning]
                    begun[beginning] = array("I", [at for at in left if not taken[at]])
                    yield
        return sorted(chosen)

    def _begun(self, text: str) -> Pausing[dict[str, "array[int]"]]:
        """Return where the beginnings of special tokens are."""
        begun: dict[str, array[int]] = {}
        for count, match in enumerate(self._starts.finditer(text), 1):
            if not count % PAUSE:
                yield
            start = match.start()
            for length in range(1, BEGINNING + 1):
                beginning = text[start : start + length]
                if beginning in self._beginnings and len(beginning) == length:
                    begun.setdefault(beginning, array("I")).append(start)
        return begun

    def _groups(self, begun: Mapping[str, object]) -> Iterator[list[str]]:
        """Yield the tokens that may occur: those of one length in bytes together."""
        present = (text for text in self._texts if text[:BEGINNING] in begun)
        for _, group in groupby(present, key=lambda text: len(text.encode())):
            yield list(group)

    def _occurrences(
        self, text: str, group: Sequence[str], begun: Mapping[str, "array[int]"]
    ) -> Pausing["array[int]"]:
        """Return where some tokens are, as order and start in one number, in order."""
        found, tokens = array("Q"), frozenset(group)
        for beginning, length in {(token[:BEGINNING], len(token)) for token in group}:
            for count, start in enumerate(begun[beginning], 1):
                if not count % PAUSE:
                    yield
                candidate = text[start : start + length]
                if candidate in tokens:
                    found.append(self._order[candidate] << SHIFT | start)
        return array("Q", sorted(found))


def _template_runs(segments: Sequence[Segment]) -> tuple[list[int], list[int]]:
    """Return where runs of the same kind start, the end too, and their ends (0: no template)."""
    starts, limits, position = [], [], 0
    for template, run in groupby(segments, key=lambda segment: segment.template):
        starts.append(position)
        position += sum(len(segment.text) for segment in run)
        limits.append(position if template else 0)
    return [*starts, position], limits
