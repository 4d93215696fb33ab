"""Ids of prompts that grow turn by turn: only new turns are split, answers keep their own ids.

A prompt is cut where its template writes a control token. What follows a control token does not
depend on what was before it, so the ids of the pieces are those of the whole. What a model has
written itself keeps the ids that it was written with, which are in the cache of keys; so it does
in a template that leaves out the thoughts before it.
"""

import threading
from array import array
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from wgslm.chat.specials import Specials
from wgslm.pauses import Pausing, whole
from wgslm.text import Segment, Tokenizer
from wgslm.written import Written

KEPT = 16  # prompts in a row that a piece may be missing from, until its ids are forgotten
MAX_CHARS = 4_000_000  # of the pieces whose ids are kept,
PIECE_CHARS = 256  # and what one costs besides its text
MAX_WRITTEN = 32  # runs of ids that await their turn to come as a past one

Piece = tuple[Segment, ...]
_Key = tuple[bool, Piece]  # whether it is the first of its prompt


@dataclass(frozen=True)
class _Known:
    """The ids of a piece, and the number of the last prompt that had it."""

    ids: "array[int]"  # 4 bytes each; a list of integers takes 20 to 36
    used: int


@dataclass(frozen=True)
class Prompt:
    """The ids of a prompt, and its last piece, which the answer goes on with."""

    ids: list[int]
    last: Piece


class Prompts:
    """The pieces of the last prompts of one model, and its last answers."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Begin with none. Threads may share it."""
        self._lock = threading.Lock()  # never held during a pause
        self._tokenizer = tokenizer
        self._specials = Specials(tokenizer.specials)
        self._controls = frozenset(tokenizer.specials)
        self._ids: OrderedDict[_Key, _Known] = OrderedDict()  # those used last are last
        self._nchars = 0
        self._nprompts = 0
        self._written: deque[Written] = deque(maxlen=MAX_WRITTEN)

    def encode(self, segments: Sequence[Segment]) -> Prompt:
        """Return the ids of a prompt: those of `Tokenizer.encode_segments`, or answers' own."""
        return whole(self.encoding(segments))

    def encoding(self, segments: Sequence[Segment]) -> Pausing[Prompt]:
        """Do `encode` with pauses."""
        with self._lock:
            self._nprompts += 1
            self._forget()
        ids: list[int] = []
        piece: Piece = ()
        for index, piece in enumerate((yield from self.pieces(segments))):
            ids += yield from self._encoded(piece, is_first=index == 0)
        return Prompt(ids, piece)

    def keep(self, prompt: Prompt, answer: Sequence[int]) -> None:
        """Keep the ids of an answer to a prompt, for when it comes as a past turn."""
        head, run = _text(prompt.last), list[int]()
        for id in answer:
            if self._tokenizer.tokens[id] in self._controls:
                self._keep(head, run)
                head, run = self._tokenizer.tokens[id], []
            else:
                run.append(id)
        self._keep(head, run)

    def pieces(self, segments: Sequence[Segment]) -> Pausing[list[Piece]]:
        """Cut a prompt before each control token of its template that overlaps no other."""
        pieces: list[Piece] = []
        piece: list[Segment] = []
        for segment in segments:
            start = 0
            for cut in (yield from self._cuts(segment)):
                if cut > start:
                    piece.append(Segment(segment.text[start:cut], True))
                if piece:
                    pieces.append(tuple(piece))
                piece, start = [], cut
            if start < len(segment.text):
                piece.append(Segment(segment.text[start:], segment.template))
        return [*pieces, tuple(piece)] if piece else pieces

    def _cuts(self, segment: Segment) -> Pausing[list[int]]:
        if not segment.template:
            return []
        found = yield from self._specials.occurrences(segment.text)
        spans = sorted(dict(sorted(found)).items())  # the longest of those that start alike
        cuts: list[int] = []
        reached = 0
        for index, (start, stop) in enumerate(spans):
            following = spans[index + 1][0] if index + 1 < len(spans) else len(segment.text)
            if start >= reached and following >= stop:
                cuts.append(start)
            reached = max(reached, stop)
        return cuts

    def _encoded(self, piece: Piece, *, is_first: bool) -> Pausing[list[int]]:
        key = (is_first, piece)
        with self._lock:
            if key in self._ids:
                return self._use(key, self._ids[key].ids).tolist()
        ids = yield from self._spliced(piece, is_first=is_first)
        if ids is None:
            bos = None if is_first else False
            ids = yield from self._tokenizer.encoding_segments(piece, bos=bos)
        with self._lock:
            if key not in self._ids:
                self._nchars += _cost(piece)
            self._use(key, array("i", ids))
            self._forget()
        return ids

    def _spliced(self, piece: Piece, *, is_first: bool) -> Pausing[list[int] | None]:
        """Return the ids of a piece that ends in what the model has written, if it does."""
        text = _text(piece)
        least = yield from self._controlled(piece)
        with self._lock:
            written = list(self._written)
        for one in reversed(written):
            place = one.place(text, least)
            if place is not None and place.start:
                head, tail = _cut(piece, place.start, place.stop)
                before = yield from self._encoded(head, is_first=is_first)
                after = yield from self._tokenizer.encoding_segments(tail, bos=False, starts=False)
                return [*before, *place.ids, *after]
        return None

    def _controlled(self, piece: Piece) -> Pausing[int]:
        """Return where the last control token ends that the template writes in a piece."""
        reached = position = 0
        for template, run in groupby(piece, key=lambda segment: segment.template):
            text = _text(tuple(run))
            if template:
                for _, stop in (yield from self._specials.occurrences(text)):
                    reached = max(reached, position + stop)
            position += len(text)
        return reached

    def _keep(self, head: str, run: Sequence[int]) -> None:
        written = Written.of(head, [(id, self._tokenizer.piece(id)) for id in run])
        if written is not None:
            with self._lock:
                self._written.append(written)

    def _use(self, key: _Key, ids: "array[int]") -> "array[int]":
        self._ids[key] = _Known(ids, self._nprompts)
        self._ids.move_to_end(key)
        return ids

    def _forget(self) -> None:
        while len(self._ids) > 1:
            (first, piece), known = next(iter(self._ids.items()))
            if self._nchars <= MAX_CHARS and self._nprompts - known.used <= KEPT:
                break
            del self._ids[first, piece]
            self._nchars -= _cost(piece)


def _text(piece: Piece) -> str:
    return "".join(segment.text for segment in piece)


def _cost(piece: Piece) -> int:
    return PIECE_CHARS + sum(len(segment.text) for segment in piece)


def _cut(piece: Piece, start: int, stop: int) -> tuple[Piece, Piece]:
    """Return what a piece has before `start` and from `stop` on, in characters of its text."""
    head: list[Segment] = []
    tail: list[Segment] = []
    position = 0
    for segment in piece:
        before = segment.text[: max(0, start - position)]
        after = segment.text[max(0, stop - position) :]
        head += [Segment(before, segment.template)] if before else []
        tail += [Segment(after, segment.template)] if after else []
        position += len(segment.text)
    return tuple(head), tuple(tail)
