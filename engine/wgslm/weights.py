"""Weights from a source into GPU buffers: read in chunks, split into aligned streams there.

Chunks go through a fixed ring of staging buffers, so a file of any size needs little memory.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from wgslm.errors import LimitError
from wgslm.gguf import TensorInfo
from wgslm.gpu import ALIGNMENT, Buffer, Device, Job, Program, View
from wgslm.kernels import Ref
from wgslm.kernels.repack import Unit, repack, unit_of
from wgslm.quants import Quant
from wgslm.sources import ByteSource

CHUNK = 4 << 20  # bytes read at once
RING = 2  # staging buffers: one is read into while the other is repacked
UNITS = 4  # a cut inside a tensor is a multiple of it, so that every stream goes on at a word


@dataclass(frozen=True)
class Stack:
    """Tensors that lie side by side in one buffer, as the rows of one matrix.

    All are of one format and row length. Vectors (norms, biases) may differ in length: four of
    their values count as a row.
    """

    infos: tuple[TensorInfo, ...]

    @property
    def name(self) -> str:
        """The name it is stored under: that of the only tensor, or all joined."""
        return "+".join(info.name for info in self.infos)

    @property
    def quant(self) -> Quant:
        """The format of all."""
        return self.infos[0].quant

    @property
    def is_vector(self) -> bool:
        """Whether its values are read one by one."""
        return self.infos[0].rows == 1 and self.quant.name == "f32"

    @property
    def row(self) -> int:
        """Values a row."""
        fours = self.is_vector and all(info.row % 4 == 0 for info in self.infos)
        return 4 if fours else self.infos[0].row

    @property
    def rows(self) -> int:
        """Rows of all."""
        return sum(self.rows_of(info) for info in self.infos)

    @property
    def unit(self) -> Unit:
        """What repacking counts."""
        return (
            Unit(4, 16, 16) if self.is_vector and self.row == 4 else unit_of(self.quant, self.row)
        )

    @property
    def row_nbytes(self) -> int:
        """Bytes of a row on the GPU."""
        return self.row // self.unit.weights * (self.unit.quants_nbytes + self.quant.scales_nbytes)

    def rows_of(self, info: TensorInfo) -> int:
        """Return the rows that one of its tensors has here."""
        return info.row // self.row if self.is_vector else info.rows

    def placed(self) -> Iterator[tuple[TensorInfo, int]]:
        """Yield each tensor with its first row."""
        first = 0
        for info in self.infos:
            yield info, first
            first += self.rows_of(info)


def can_stack(infos: Sequence[TensorInfo]) -> bool:
    """Say whether tensors may share a buffer: all alike, each beginning at a whole word."""
    stack = Stack(tuple(infos))
    if stack.is_vector:
        return all(info.row % 4 == 0 for info in infos)
    alike = len({(info.quant, info.row) for info in infos}) == 1
    units = stack.row // stack.unit.weights
    return alike and all(first * units % UNITS == 0 for _, first in stack.placed())


def parts_of(stack: Stack, binding_nbytes: int) -> tuple[tuple[int, int], ...]:
    """Cut a stack into (first row, rows) so that a part's streams together fit one binding.

    Each alone would do, but a part is one buffer, and some adapters bind whole buffers.
    """
    most = (binding_nbytes - ALIGNMENT - len(stack.quant.grid)) // stack.row_nbytes
    if most < 1:
        raise LimitError(
            f"a row of tensor {stack.name!r} has {stack.row_nbytes:,} bytes; "
            f"this adapter binds {binding_nbytes:,}"
        )
    most = most // UNITS * UNITS or most
    return tuple((first, min(most, stack.rows - first)) for first in range(0, stack.rows, most))


@dataclass(frozen=True)
class Stored:
    """A part of a tensor on the GPU: one buffer, `quants` first, then the grid and `scales`."""

    buffer: Buffer
    quants: View
    scales: View | None

    def view(self, ref: Ref) -> View:
        """Return the stream that a reference names."""
        if ref.stream == "quants":
            return self.quants
        assert self.scales is not None, "a format without scales binds its quants twice"
        return self.scales


@dataclass(frozen=True)
class Piece:
    """Consecutive units of one part, as they lie in the file."""

    info: TensorInfo
    stack: Stack
    part: int
    first_block: int  # within the part
    blocks: int
    start: int  # byte in the source
    nbytes: int


def pieces(stacks: Sequence[Stack], binding_nbytes: int) -> Iterator[Piece]:
    """Yield what is to be read, in the files' order, in pieces of at most CHUNK bytes."""
    placed = [(info, first, stack) for stack in stacks for info, first in stack.placed()]
    for info, first_row, stack in sorted(placed, key=lambda one: (one[0].part, one[0].start)):
        units = stack.row // stack.unit.weights  # of a row
        most = max(1, CHUNK // stack.unit.nbytes // UNITS * UNITS)
        start = info.start
        for part, (first, rows) in enumerate(parts_of(stack, binding_nbytes)):
            at = max(first, first_row)
            stop = min(first + rows, first_row + stack.rows_of(info))
            for block in range((at - first) * units, (stop - first) * units, most):
                count = min(most, (stop - first) * units - block)
                nbytes = count * stack.unit.nbytes
                yield Piece(info, stack, part, block, count, start, nbytes)
                start += nbytes


def chunks(all_pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Group neighbours of one source into reads of at most CHUNK bytes (one piece may exceed)."""
    group: list[Piece] = []
    for piece in all_pieces:
        same = group and group[0].info.part == piece.info.part
        if group and not (same and piece.start + piece.nbytes - group[0].start <= CHUNK):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


@dataclass(frozen=True)
class Rates:
    """How fast a load went, in bytes of the file per second, whatever its source did meanwhile.

    They are those of the median chunk, so that what else this machine did hardly counts.
    """

    upload: float
    relay: float  # from blocks to aligned streams


async def load_weights(
    device: Device,
    parts: Sequence[ByteSource],
    stacks: Sequence[Stack],
    progress: Callable[[int, int], None],
) -> tuple[dict[str, tuple[Stored, ...]], Rates]:
    """Bring stacks to the GPU. `progress` gets (bytes done, bytes in all).

    On any failure, and when cancelled, everything allocated here is freed.
    """
    stored: dict[str, tuple[Stored, ...]] = {}
    try:
        for stack in stacks:
            stored[stack.name] = ()
            for _, rows in parts_of(stack, device.limits.binding_nbytes):
                stored[stack.name] += (_allocate(device, stack, rows),)
        rates = await _stream(device, parts, stacks, stored, progress)
    except BaseException:
        free(device, stored)
        raise
    return stored, rates


def free(device: Device, stored: Mapping[str, tuple[Stored, ...]]) -> None:
    """Give all memory back."""
    for tensor in stored.values():
        for part in tensor:
            device.destroy_buffer(part.buffer)


def stored_nbytes(stack: Stack) -> int:
    """Return the bytes that a stack takes on the GPU in one part, up to alignment."""
    return stack.rows * stack.row_nbytes + len(stack.quant.grid)


def _allocate(device: Device, stack: Stack, rows: int) -> Stored:
    blocks = rows * (stack.row // stack.unit.weights)
    nbytes = max(16, blocks * stack.unit.quants_nbytes)
    grid = stack.quant.grid
    scales_nbytes = len(grid) + -(-blocks * stack.quant.scales_nbytes // 4) * 4
    at = -(-nbytes // ALIGNMENT) * ALIGNMENT
    buffer = device.create_buffer(at + scales_nbytes, stack.name)
    if grid:
        device.write(buffer, at, grid)
    scales = View(buffer, at, scales_nbytes) if scales_nbytes else None
    return Stored(buffer, View(buffer, 0, nbytes), scales)


async def _stream(
    device: Device,
    parts: Sequence[ByteSource],
    stacks: Sequence[Stack],
    stored: Mapping[str, tuple[Stored, ...]],
    progress: Callable[[int, int], None],
) -> Rates:
    todo = list(pieces(stacks, device.limits.binding_nbytes))
    reads = list(chunks(todo))
    total, done = sum(piece.nbytes for piece in todo), 0
    largest = max((_span(group)[1] for group in reads), default=0)
    await device.compile([Program("repack")])
    ring = [device.create_buffer(largest + 4, f"staging {i}") for i in range(RING)]
    # Formats without scales bind this; a writable binding must not alias another.
    spare = device.create_buffer(16, "no scales")
    pending: list[asyncio.Task[object]] = []
    uploads, relays = [], []
    progress(0, total)
    try:
        for index in range(min(RING, len(reads))):
            pending.append(_read(parts, reads, index))
        for index, group in enumerate(reads):
            chunk = await pending[index % RING]
            staging = ring[index % RING]
            begun = time.perf_counter()
            device.write(staging, 0, chunk)
            del chunk
            if index + RING < len(reads):  # not sooner: each read in flight holds a chunk
                pending[index % RING] = _read(parts, reads, index + RING)
            await device.idle()
            uploaded = time.perf_counter()
            jobs = [_job(piece, group[0].start, staging, spare, stored) for piece in group]
            recording = device.record(jobs)
            try:
                device.submit(recording)
                await device.idle()  # bounds what the queue holds; also yields to others
            finally:
                device.release(recording)
            nbytes = sum(piece.nbytes for piece in group)
            uploads.append(nbytes / (uploaded - begun))
            relays.append(nbytes / (time.perf_counter() - uploaded))
            done += nbytes
            progress(done, total)
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for buffer in (*ring, spare):
            device.destroy_buffer(buffer)
    return Rates(median(uploads), median(relays))


def _span(group: Sequence[Piece]) -> tuple[int, int]:
    """Return (first byte, bytes) of a read."""
    start = group[0].start
    return start, group[-1].start + group[-1].nbytes - start


def _read(
    parts: Sequence[ByteSource], reads: Sequence[Sequence[Piece]], index: int
) -> asyncio.Task[object]:
    start, nbytes = _span(reads[index])
    source = parts[reads[index][0].info.part]
    return asyncio.ensure_future(source.chunk(start, start + nbytes))


def _job(
    piece: Piece,
    base: int,
    staging: Buffer,
    spare: Buffer,
    stored: Mapping[str, tuple[Stored, ...]],
) -> Job:
    target = stored[piece.stack.name][piece.part]
    scales, grid_nbytes = target.scales or View(spare, 0, spare.nbytes), len(piece.stack.quant.grid)
    dispatch = repack(
        piece.stack.quant,
        piece.stack.unit,
        Ref("state", "staging"),
        Ref("weight", piece.stack.name),
        Ref("weight", piece.stack.name, stream="scales"),
        start=piece.start - base,
        blocks=piece.blocks,
        first_block=piece.first_block,
    )
    views = (
        View(staging, 0, staging.nbytes),
        # quants and scales of one buffer are both written: two bindings of one buffer would
        # alias, so the writable ranges are kept apart by their offsets.
        target.quants,
        View(scales.buffer, scales.offset + grid_nbytes, scales.nbytes - grid_nbytes),
    )
    params = dispatch.program.source().pack(dispatch.params)
    return Job(dispatch.program, params, views, dispatch.grid)
