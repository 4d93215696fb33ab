"""Weights from a source into GPU buffers: read in chunks, split into aligned streams there.

Chunks go through a fixed ring of staging buffers, so a file of any size needs little memory.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wgslm.errors import LimitError
from wgslm.gguf import TensorInfo
from wgslm.gpu import ALIGNMENT, Buffer, Device, Job, Program, View
from wgslm.kernels import Ref
from wgslm.kernels.repack import packed_block, repack
from wgslm.sources import ByteSource

CHUNK = 8 << 20  # bytes read at once
RING = 2  # staging buffers: one is read into while the other is repacked
UNITS = 4  # a cut inside a tensor is a multiple of it, so that every stream goes on at a word


def parts_of(info: TensorInfo, binding_nbytes: int) -> tuple[tuple[int, int], ...]:
    """Cut a tensor into (first row, rows) so that a part's streams together fit one binding.

    Each alone would do, but a part is one buffer, and some adapters bind whole buffers.
    """
    unit, _, quants_nbytes = packed_block(info.quant, info.row)
    row_nbytes = info.row // unit * (quants_nbytes + info.quant.scales_nbytes)
    most = (binding_nbytes - ALIGNMENT - len(info.quant.grid)) // row_nbytes
    if most < 1:
        raise LimitError(
            f"a row of tensor {info.name!r} has {row_nbytes:,} bytes; "
            f"this adapter binds {binding_nbytes:,}"
        )
    most = most // UNITS * UNITS or most
    return tuple((first, min(most, info.rows - first)) for first in range(0, info.rows, most))


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
    part: int
    first_block: int  # within the part
    blocks: int
    start: int  # byte in the source
    nbytes: int


def pieces(infos: Sequence[TensorInfo], binding_nbytes: int) -> Iterator[Piece]:
    """Yield what is to be read, in the order given, in pieces of at most CHUNK bytes."""
    for info in infos:
        unit, unit_nbytes, _ = packed_block(info.quant, info.row)
        most = max(1, CHUNK // unit_nbytes // UNITS * UNITS)
        start = info.start
        for part, (_, rows) in enumerate(parts_of(info, binding_nbytes)):
            blocks = rows * (info.row // unit)
            for first in range(0, blocks, most):
                count = min(most, blocks - first)
                yield Piece(info, part, first, count, start, count * unit_nbytes)
                start += count * unit_nbytes


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


async def load_weights(
    device: Device,
    parts: Sequence[ByteSource],
    tensors: Mapping[str, TensorInfo],
    names: Sequence[str],
    progress: Callable[[int, int], None],
) -> dict[str, tuple[Stored, ...]]:
    """Bring the named tensors to the GPU. `progress` gets (bytes done, bytes in all).

    On any failure, and when cancelled, everything allocated here is freed.
    """
    infos = sorted((tensors[name] for name in names), key=lambda info: (info.part, info.start))
    stored: dict[str, tuple[Stored, ...]] = {}
    try:
        for info in infos:
            stored[info.name] = ()
            for _, rows in parts_of(info, device.limits.binding_nbytes):
                stored[info.name] += (_allocate(device, info, rows),)
        await _stream(device, parts, infos, stored, progress)
    except BaseException:
        free(device, stored)
        raise
    return stored


def free(device: Device, stored: Mapping[str, tuple[Stored, ...]]) -> None:
    """Give all memory back."""
    for tensor in stored.values():
        for part in tensor:
            device.destroy_buffer(part.buffer)


def stored_nbytes(info: TensorInfo) -> int:
    """Return the bytes that a tensor takes on the GPU in one part, up to alignment."""
    unit, _, quants_nbytes = packed_block(info.quant, info.row)
    blocks = info.rows * (info.row // unit)
    return blocks * (quants_nbytes + info.quant.scales_nbytes) + len(info.quant.grid)


def _allocate(device: Device, info: TensorInfo, rows: int) -> Stored:
    unit, _, quants_nbytes = packed_block(info.quant, info.row)
    blocks = rows * (info.row // unit)
    nbytes = max(16, blocks * quants_nbytes)
    grid = info.quant.grid
    scales_nbytes = len(grid) + -(-blocks * info.quant.scales_nbytes // 4) * 4
    at = -(-nbytes // ALIGNMENT) * ALIGNMENT
    buffer = device.create_buffer(at + scales_nbytes, info.name)
    if grid:
        device.write(buffer, at, grid)
    scales = View(buffer, at, scales_nbytes) if scales_nbytes else None
    return Stored(buffer, View(buffer, 0, nbytes), scales)


async def _stream(
    device: Device,
    parts: Sequence[ByteSource],
    infos: Sequence[TensorInfo],
    stored: Mapping[str, tuple[Stored, ...]],
    progress: Callable[[int, int], None],
) -> None:
    todo = list(pieces(infos, device.limits.binding_nbytes))
    reads = list(chunks(todo))
    total, done = sum(piece.nbytes for piece in todo), 0
    largest = max((_span(group)[1] for group in reads), default=0)
    await device.compile([Program("repack")])
    ring = [device.create_buffer(largest + 4, f"staging {i}") for i in range(RING)]
    # Formats without scales bind this; a writable binding must not alias another.
    spare = device.create_buffer(16, "no scales")
    pending: list[asyncio.Task[object]] = []
    progress(0, total)
    try:
        for index in range(min(RING, len(reads))):
            pending.append(_read(parts, reads, index))
        for index, group in enumerate(reads):
            chunk = await pending[index % RING]
            staging = ring[index % RING]
            device.write(staging, 0, chunk)
            del chunk
            jobs = [_job(piece, group[0].start, staging, spare, stored) for piece in group]
            recording = device.record(jobs)
            try:
                device.submit(recording)
                await device.idle()  # bounds what the queue holds; also yields to others
            finally:
                device.release(recording)
            if index + RING < len(reads):  # not sooner: each read in flight holds a chunk
                pending[index % RING] = _read(parts, reads, index + RING)
            done += sum(piece.nbytes for piece in group)
            progress(done, total)
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for buffer in (*ring, spare):
            device.destroy_buffer(buffer)


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
    target = stored[piece.info.name][piece.part]
    scales, grid_nbytes = target.scales or View(spare, 0, spare.nbytes), len(piece.info.quant.grid)
    dispatch = repack(
        piece.info.quant,
        piece.info.row,
        Ref("state", "staging"),
        Ref("weight", piece.info.name),
        Ref("weight", piece.info.name, stream="scales"),
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
