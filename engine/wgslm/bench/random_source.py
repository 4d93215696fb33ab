"""A model of a well-known shape with random weights, served as if it were a file.

Nothing is stored: the header is made once, blocks repeat a tile, so 8B parameters take no memory,
no disk and no download. From the header on, everything is as with a real file.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import prod

from wgslm.bench.mixes import tensor_quant
from wgslm.bench.shapes import Shape
from wgslm.blocks import tile
from wgslm.gguf.write import ALIGNMENT, header_bytes
from wgslm.quants import Quant
from wgslm.sources import Chunk

LONG = 9 << 20  # bytes of blocks that are at hand: a read of 8 MiB from any place in a tile
SHORT = 64 << 10  # the same for vectors
ONE = b"\0\0\x80\x3f"  # f32


@dataclass(frozen=True)
class Span:
    """A tensor's bytes: `pattern` again and again."""

    start: int
    stop: int
    pattern: Callable[[], "Pattern"]


@dataclass(frozen=True)
class Pattern:
    """Bytes that repeat after `period`; more of them than that, so that ranges are views."""

    period: int
    data: memoryview


class RandomSource:
    """A `ByteSource`: `mix` names the quantisation, such as q4_k_m."""

    identity: str | None = None

    def __init__(self, shape: Shape, mix: str) -> None:
        """Lay out the file; no weight is made."""
        self.name = f"{shape.name}-{mix}-random.gguf"
        records, offset = [], 0
        for name, dimensions in shape.tensors():
            quant = tensor_quant(mix, shape, name, dimensions)
            records.append((name, dimensions, quant, offset))
            nbytes = prod(dimensions) // quant.block * quant.nbytes
            offset += -(-nbytes // ALIGNMENT) * ALIGNMENT
        self._header = header_bytes(shape.metadata(), records)
        self.size = len(self._header) + offset
        self._spans = [
            _span(shape, name, dimensions, quant, len(self._header) + at)
            for name, dimensions, quant, at in records
        ]
        self._starts = [span.start for span in self._spans]

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes `start .. stop`."""
        assert 0 <= start <= stop <= self.size, f"{start} .. {stop} of {self.size}"
        return b"".join(self._pieces(start, stop))

    async def chunk(self, start: int, stop: int) -> Chunk:
        """Return the bytes `start .. stop`, as a view if they lie in one tensor."""
        assert 0 <= start <= stop <= self.size, f"{start} .. {stop} of {self.size}"
        pieces = list(self._pieces(start, stop))
        return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))

    async def close(self) -> None:
        """Do nothing."""

    def _pieces(self, start: int, stop: int) -> Iterator[memoryview]:
        if start < len(self._header):
            yield memoryview(self._header)[start:stop]
            start = len(self._header)
        while start < stop:
            index = bisect_right(self._starts, start) - 1
            span = self._spans[index]
            if start < span.stop:
                pattern = span.pattern()
                at = (start - span.start) % pattern.period
                count = min(stop, span.stop) - start
                piece = pattern.data[at : at + count]
            else:  # between two tensors
                after = self._starts[index + 1] if index + 1 < len(self._starts) else self.size
                piece = memoryview(bytes(min(stop, after) - start))
            yield piece
            start += len(piece)


def _span(shape: Shape, name: str, dimensions: tuple[int, ...], quant: Quant, start: int) -> Span:
    stop = start + prod(dimensions) // quant.block * quant.nbytes
    if name == "rope_freqs.weight":
        return Span(start, stop, lambda: _pattern(shape.rope_divisors().tobytes()))
    if len(dimensions) == 1:
        return Span(start, stop, lambda: _pattern(ONE))
    return Span(start, stop, lambda: _pattern(tile(quant)))


@cache
def _pattern(period: bytes) -> Pattern:
    nbytes = SHORT if len(period) < SHORT else LONG
    return Pattern(len(period), memoryview(period * -(-nbytes // len(period))))
