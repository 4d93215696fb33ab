"""Conversations as ids on disk, and batches of them in a fixed mix; speaks ids, not text.

A row holds whole documents only, and every row starts with one, as a chat does. Short documents
share short rows: attention is half of the cost of a row of 1,024.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo.train.tokenizer import Document

ROW_LENGTHS = (256, 512, 1024)
OPEN_ROWS = 8  # rows kept open per length: a document goes into the fullest that has room


@dataclass(frozen=True)
class Source:
    """The documents of one origin, one after the other, and where each one starts."""

    ids: NDArray[np.uint16]
    weights: NDArray[np.uint8]  # in the loss, in percent
    facts: NDArray[np.uint16]  # where an answer of the guide starts, its number; else 0
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the documents."""
        return len(self.starts) - 1

    @classmethod
    def of(
        cls, documents: Iterable[Document], longest: int, numbers: Mapping[str, int]
    ) -> "Source":
        """Collect documents, cutting what is longer than the longest row; facts by `numbers`."""
        ids: list[int] = []
        weights: list[int] = []
        facts: list[int] = []
        starts = [0]
        for document in documents:
            ids += document.ids[: longest + 1]
            weights += document.weights[: longest + 1]
            facts += [numbers[fact] if fact else 0 for fact in document.facts[: longest + 1]]
            starts.append(len(ids))
        return cls(
            np.array(ids, np.uint16),
            np.array(weights, np.uint8),
            np.array(facts, np.uint16),
            np.array(starts),
        )

    def save(self, path: Path) -> None:
        """Write the source to a .npz file, at once: a file that is there is whole."""
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **{field.name: getattr(self, field.name) for field in fields(self)})
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Source":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class Batch:
    """Rows of one length T: ids and targets int64 [B, T], weights f32 [B, T] (0 where padded).

    documents int64 [B, T] numbers the documents of a row: none may see another. facts int64
    [B, T] is, where the next id starts an answer of the guide, that answer's number; else 0.
    """

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    documents: NDArray[np.int64]
    facts: NDArray[np.int64]


Stored = tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.uint16]]  # ids, weights, facts


def batches(
    sources: Mapping[str, Source], mix: Mapping[str, float], tokens: int, seed: int
) -> Iterator[Batch]:
    """Yield batches of `tokens` ids for ever; `mix` is each source's share of the ids."""
    rows: dict[int, _Rows] = {length: _Rows(length) for length in ROW_LENGTHS}
    for document in _documents(sources, mix, seed):
        length = next(length for length in ROW_LENGTHS if len(document[0]) - 1 <= length)
        rows[length].add(document)
        if len(rows[length].closed) == tokens // length:
            yield rows[length].batch()


class _Rows:
    """Rows of one length being filled."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.open: list[list[Stored]] = []
        self.closed: list[list[Stored]] = []

    def add(self, document: Stored) -> None:
        """Put a document into the fullest open row with room for it; close one if none has."""
        need = len(document[0]) - 1
        fits = [row for row in self.open if self._used(row) + need <= self.length]
        if fits:
            max(fits, key=self._used).append(document)
            return
        self.open.append([document])
        if len(self.open) > OPEN_ROWS:
            fullest = max(range(len(self.open)), key=lambda at: self._used(self.open[at]))
            self.closed.append(self.open.pop(fullest))

    def batch(self) -> Batch:
        """Hand over the closed rows."""
        shape = (len(self.closed), self.length)
        ids, targets = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        weights, numbers = np.zeros(shape, np.float32), np.zeros(shape, np.int64)
        facts = np.zeros(shape, np.int64)
        for row, documents in enumerate(self.closed):
            at = 0
            for number, (document, loss, answers) in enumerate(documents, 1):
                stop = at + len(document) - 1
                ids[row, at:stop] = document[:-1]
                targets[row, at:stop] = document[1:]
                weights[row, at:stop] = loss[1:] / 100
                facts[row, at:stop] = answers[1:]
                numbers[row, at:stop] = number
                at = stop
        self.closed = []
        return Batch(ids, targets, weights, numbers, facts)

    @staticmethod
    def _used(row: list[Stored]) -> int:
        return sum(len(ids) - 1 for ids, _, _ in row)


def _documents(
    sources: Mapping[str, Source], mix: Mapping[str, float], seed: int
) -> Iterator[Stored]:
    """Yield documents so that the source furthest behind its share of the ids comes next."""
    given = dict.fromkeys(mix, 0)
    streams = {name: _shuffled(sources[name], f"{seed} {name}") for name in mix}
    while True:
        name = min(mix, key=lambda name: given[name] / mix[name])
        document = next(streams[name])
        given[name] += len(document[0])
        yield document


def _shuffled(source: Source, seed: str) -> Iterator[Stored]:
    """Yield a source's documents in a new order in every pass."""
    chance = random.Random(seed)
    order = list(range(len(source)))
    while True:
        chance.shuffle(order)
        for at in order:
            here = slice(source.starts[at], source.starts[at + 1])
            yield source.ids[here], source.weights[here], source.facts[here]
