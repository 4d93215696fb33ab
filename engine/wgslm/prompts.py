"""Ids of prompts that grow turn by turn: only new turns are split, answers keep their own ids.

A prompt is cut where its template writes a control token. What follows a control token does not
depend on what was before it, so the ids of the pieces are those of the whole; and a piece that a
model has written itself has the ids that it was written with, which are in the cache of keys.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from wgslm.chat.specials import Specials
from wgslm.text import Segment, Tokenizer

MAX_CHARS = 4_000_000  # of the pieces whose ids are kept

Piece = tuple[Segment, ...]


class Prompts:
    """The pieces of the last prompts of one model."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Begin with none. Threads may share it."""
        self._lock = threading.Lock()
        self._tokenizer = tokenizer
        self._specials = Specials(tokenizer.specials)
        self._controls = frozenset(tokenizer.specials)
        self._ids: OrderedDict[Piece, list[int]] = OrderedDict()
        self._nchars = 0
        self._last: tuple[list[int], Piece, list[int]] = ([], (), [])  # ids, last piece, its ids

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a prompt: those of `Tokenizer.encode_segments`, or answers' own."""
        ids: list[int] = []
        piece: Piece = ()
        found: list[int] = []
        with self._lock:
            for index, piece in enumerate(self.pieces(segments)):
                found = self._encoded(piece, is_first=index == 0)
                ids += found
            self._last = (list(ids), piece, found)
        return ids

    def keep(self, prompt: Sequence[int], answer: Sequence[int]) -> None:
        """Keep the ids of the answer to the last prompt, for when it comes as a past turn.

        Kept only where the ids say the very text: an unfinished character would not.
        """
        ids, piece, before = self._last
        if list(prompt) != ids or len(piece) != 1 or not piece[0].template:
            return
        written = list(before)
        with self._lock:
            for id in answer:
                if self._tokenizer.tokens[id] in self._controls:
                    self._put(written)
                    written = []
                written.append(id)
            self._put(written)

    def pieces(self, segments: Sequence[Segment]) -> list[Piece]:
        """Cut a prompt before each control token of its template that overlaps no other."""
        pieces: list[Piece] = []
        piece: list[Segment] = []
        for segment in segments:
            start = 0
            for cut in self._cuts(segment):
                if cut > start:
                    piece.append(Segment(segment.text[start:cut], True))
                if piece:
                    pieces.append(tuple(piece))
                piece, start = [], cut
            if start < len(segment.text):
                piece.append(Segment(segment.text[start:], segment.template))
        return [*pieces, tuple(piece)] if piece else pieces

    def _cuts(self, segment: Segment) -> list[int]:
        if not segment.template:
            return []
        longest = dict(
            sorted(self._specials.occurrences(segment.text))
        )  # of those that start alike
        spans = sorted(longest.items())
        cuts: list[int] = []
        reached = 0
        for index, (start, stop) in enumerate(spans):
            following = spans[index + 1][0] if index + 1 < len(spans) else len(segment.text)
            if start >= reached and following >= stop:
                cuts.append(start)
            reached = max(reached, stop)
        return cuts

    def _encoded(self, piece: Piece, *, is_first: bool) -> list[int]:
        known = None if is_first else self._ids.get(piece)
        if known is not None:
            self._ids.move_to_end(piece)
            return known
        ids = self._tokenizer.encode_segments(piece, bos=None if is_first else False)
        if not is_first:
            self._add(piece, ids)
        return ids

    def _put(self, ids: list[int]) -> None:
        """Keep ids that a model wrote: as what a template would write, a control token first."""
        said = self._tokenizer.decode(ids, specials=True)
        if ids and "\ufffd" not in said and self._tokenizer.tokens[ids[0]] in self._controls:
            self._add((Segment(said, True),), ids)

    def _add(self, piece: Piece, ids: list[int]) -> None:
        if piece not in self._ids:
            self._nchars += sum(len(segment.text) for segment in piece)
        self._ids[piece] = ids
        self._ids.move_to_end(piece)
        while self._nchars > MAX_CHARS and len(self._ids) > 1:
            dropped, _ = self._ids.popitem(last=False)
            self._nchars -= sum(len(segment.text) for segment in dropped)
