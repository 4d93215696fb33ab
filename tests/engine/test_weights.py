"""Weights on their way to the GPU: cut, streamed, split; cancelled and failing."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from memory_source import MemorySource
from random_blocks import random_rows
from tiny_gguf import Tensor, gguf_bytes
from twins.repack import repack as twin
from wgslm.errors import LimitError, SourceError
from wgslm.gguf import Directory, TensorInfo, read_directory
from wgslm.gpu import ALIGNMENT, Buffer, Device, Limits, View
from wgslm.quants import QUANTS, Quant
from wgslm.weights import (
    RING,
    UNITS,
    Stack,
    Stored,
    chunks,
    free,
    load_weights,
    parts_of,
    pieces,
)

BY_NAME = {quant.name: quant for quant in QUANTS}
each_quant = pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)
SHAPES = {quant.name: (36 if quant.is_float else 2 * quant.block, 23) for quant in QUANTS}
CHUNK = 1000  # cuts inside nearly every tensor; 4 blocks of Q6_K are 840 bytes


def tensor(quant: Quant, row: int, rows: int) -> TensorInfo:
    nbytes = row * rows // quant.block * quant.nbytes
    return TensorInfo("w", (row, rows), quant, 0, 0, nbytes)


def every_format() -> dict[str, Tensor]:
    """One tensor of each format, the largest ones last, and a vector of odd length."""
    tensors = {}
    for quant in QUANTS:
        row, rows = SHAPES[quant.name]
        tensors[quant.name] = Tensor(
            (row, rows), random_rows(quant, rows, row, seed=quant.ggml_type), quant.ggml_type
        )
    vector = np.arange(37, dtype="<f4").tobytes()
    return {**tensors, "vector": Tensor((37,), vector), "fours": Tensor((36,), vector[:144])}


def stored(info: TensorInfo, data: bytes) -> tuple[bytes, bytes]:
    """Return the two streams; a vector of whole fours is stored as it is."""
    as_it_is = len(info.shape) == 1 and info.row % 4 == 0
    return (data, b"") if as_it_is else twin(info.quant, data, info.row)


async def load(
    device: Device, sources: list[MemorySource], progress: list[tuple[int, int]] | None = None
) -> tuple[Directory, dict[str, tuple[Stored, ...]]]:
    directory = await read_directory(sources)
    seen = progress if progress is not None else []
    weights = await load_weights(
        device,
        sources,
        [Stack((directory.tensors[name],)) for name in sorted(directory.tensors)],
        lambda done, total: seen.append((done, total)),
    )
    return directory, weights


async def streams(device: Device, weights: dict[str, tuple[Stored, ...]], name: str) -> list[bytes]:
    """Return what the GPU holds: quants and scales, the parts joined."""
    joined = [b"", b""]
    for part in weights[name]:
        joined[0] += await device.read(part.quants)
        if part.scales:
            joined[1] += await device.read(part.scales)
    return joined


@pytest.fixture
def ledger(device: Device, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Counts buffers and recordings that are alive."""
    alive = {"buffers": 0, "recordings": 0}
    create, destroy = device.create_buffer, device.destroy_buffer
    record, release = device.record, device.release

    def counted_create(nbytes: int, label: str) -> Buffer:
        alive["buffers"] += 1
        return create(nbytes, label)

    def counted_destroy(buffer: Buffer) -> None:
        alive["buffers"] -= 1
        destroy(buffer)

    def counted_record(jobs: object) -> object:
        alive["recordings"] += 1
        return record(jobs)  # type: ignore[arg-type]

    def counted_release(recording: object) -> None:
        alive["recordings"] -= 1
        release(recording)

    monkeypatch.setattr(device, "create_buffer", counted_create)
    monkeypatch.setattr(device, "destroy_buffer", counted_destroy)
    monkeypatch.setattr(device, "record", counted_record)
    monkeypatch.setattr(device, "release", counted_release)
    yield alive


@pytest.mark.gpu
@pytest.mark.parametrize("chunk", [CHUNK, 4096, 8 << 20])
@pytest.mark.parametrize("alignment", [8, 32])
def test_streams_equal_the_twin(
    device: Device, monkeypatch: pytest.MonkeyPatch, chunk: int, alignment: int
) -> None:
    monkeypatch.setattr("wgslm.weights.CHUNK", chunk)
    tensors = every_format()
    metadata = {"general.architecture": "none", "general.alignment": alignment}

    async def check() -> None:
        source = MemorySource(gguf_bytes(metadata, tensors, alignment))
        directory, weights = await load(device, [source])
        for name, info in directory.tensors.items():
            quants, scales = stored(info, tensors[name].data)
            padded = info.quant.grid + scales + bytes(-len(scales) % 4)
            assert await streams(device, weights, name) == [quants, padded]
        free(device, weights)

    asyncio.run(check())


@pytest.mark.gpu
def test_parts_hold_their_rows(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wgslm.weights.CHUNK", CHUNK)
    monkeypatch.setattr(device, "limits", Limits(1 << 20, 5120))
    tensors = every_format()

    async def check() -> None:
        source = MemorySource(gguf_bytes({"general.architecture": "none"}, tensors))
        directory, weights = await load(device, [source])
        assert len(weights["f32"]) == 2 and len(weights["q6_k"]) > 1
        for name, info in directory.tensors.items():
            row_nbytes = info.nbytes // Stack((info,)).rows
            cut = zip(parts_of(Stack((info,)), 5120), weights[name], strict=True)
            for (first, rows), part in cut:
                data = tensors[name].data[first * row_nbytes : (first + rows) * row_nbytes]
                quants, scales = stored(info, data)
                assert await device.read(part.quants) == quants
                if part.scales:
                    after = info.quant.grid + scales
                    assert (await device.read(part.scales))[: len(after)] == after
                assert part.buffer.nbytes <= 5120
        free(device, weights)

    asyncio.run(check())


@pytest.mark.gpu
def test_tensors_of_two_files(device: Device) -> None:
    tensors = every_format()
    names = list(tensors)

    def half(no: int) -> MemorySource:
        split = {"split.no": no, "split.count": 2, "split.tensors.count": len(names)}
        own = {name: tensors[name] for name in names[no::2]}
        return MemorySource(gguf_bytes({"general.architecture": "none", **split}, own))

    async def check() -> None:
        sources = [half(0), half(1)]
        directory, weights = await load(device, sources)
        for name, info in directory.tensors.items():
            quants, _ = stored(info, tensors[name].data)
            assert (await streams(device, weights, name))[0] == quants
        free(device, weights)

    asyncio.run(check())


@pytest.mark.gpu
def test_progress_rises_to_the_end(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wgslm.weights.CHUNK", CHUNK)
    tensors = every_format()
    seen: list[tuple[int, int]] = []

    async def check() -> None:
        source = MemorySource(gguf_bytes({"general.architecture": "none"}, tensors))
        _, weights = await load(device, [source], seen)
        free(device, weights)

    asyncio.run(check())

    total = sum(len(tensor.data) for tensor in tensors.values())
    assert seen[0] == (0, total) and seen[-1] == (total, total)
    assert len(seen) > 20
    assert all(a[0] < b[0] for a, b in pairwise(seen))


class Hanging(MemorySource):
    """Answers `chunks_left` reads, and then never, or with an error."""

    chunks_left = 3
    error: SourceError | None = None
    cancelled = 0

    async def chunk(self, start: int, stop: int) -> memoryview:
        """Return a view, or hang."""
        if self.chunks_left == 0:
            if self.error:
                raise self.error
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        self.chunks_left -= 1
        return await super().chunk(start, stop)


@pytest.mark.gpu
@pytest.mark.parametrize("chunks_left", [0, 1, 5])
def test_cancelling_frees_everything(
    device: Device,
    ledger: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    chunks_left: int,
) -> None:
    monkeypatch.setattr("wgslm.weights.CHUNK", CHUNK)
    source = Hanging(gguf_bytes({"general.architecture": "none"}, every_format()))
    source.chunks_left = chunks_left

    async def check() -> None:
        task = asyncio.ensure_future(load(device, [source]))
        while not (source.chunks_left == 0 and ledger["recordings"] == 0):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert ledger["buffers"] > 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(check())

    assert ledger == {"buffers": 0, "recordings": 0}
    assert source.cancelled >= 1


@pytest.mark.gpu
def test_cancelling_at_any_moment_frees_everything(
    device: Device, ledger: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wgslm.weights.CHUNK", CHUNK)
    data = gguf_bytes({"general.architecture": "none"}, every_format())

    async def check(turns: int) -> None:
        task = asyncio.ensure_future(load(device, [MemorySource(data)]))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for turns in range(1, 40):
        asyncio.run(check(turns))
        assert ledger == {"buffers": 0, "recordings": 0}, f"cancelled in turn {turns}"


@pytest.mark.gpu
@pytest.mark.parametrize("chunks_left", [0, 1, 5])
def test_a_failing_source_frees_everything(
    device: Device,
    ledger: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    chunks_left: int,
) -> None:
    monkeypatch.setattr("wgslm.weights.CHUNK", CHUNK)
    source = Hanging(gguf_bytes({"general.architecture": "none"}, every_format()))
    source.chunks_left, source.error = chunks_left, SourceError("the wire was cut")

    with pytest.raises(SourceError, match="the wire was cut"):
        asyncio.run(load(device, [source]))

    assert ledger == {"buffers": 0, "recordings": 0}


@pytest.mark.gpu
def test_few_reads_are_under_way_at_once(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wgslm.weights.CHUNK", CHUNK)
    under_way: list[int] = [0, 0]  # now, at most

    class Slow(MemorySource):
        async def chunk(self, start: int, stop: int) -> memoryview:
            assert stop - start <= CHUNK
            under_way[0] += 1
            under_way[1] = max(under_way)
            await asyncio.sleep(0.001)
            under_way[0] -= 1
            return await super().chunk(start, stop)

    async def check() -> None:
        source = Slow(gguf_bytes({"general.architecture": "none"}, every_format()))
        _, weights = await load(device, [source])
        free(device, weights)

    asyncio.run(check())

    assert under_way == [0, RING]


@each_quant
@pytest.mark.parametrize("rows", [1, 3, 4, 100, 1001])
@pytest.mark.parametrize("binding_nbytes", [8192, 70000, 128 << 20])
def test_parts_cover_all_rows_and_fit(quant: Quant, rows: int, binding_nbytes: int) -> None:
    row = 300 if quant.is_float else 512
    stack = Stack((tensor(quant, row, rows),))

    parts = parts_of(stack, binding_nbytes)

    assert [first for first, _ in parts] == [
        sum(count for _, count in parts[:i]) for i in range(len(parts))
    ]
    assert sum(count for _, count in parts) == stack.rows
    for first, count in parts:
        assert count * stack.row_nbytes + ALIGNMENT <= binding_nbytes
        assert first % UNITS == 0 or parts[0][1] < UNITS


def test_a_row_beyond_a_binding_is_refused() -> None:
    with pytest.raises(LimitError, match=r"a row of tensor 'w' has 4,096 bytes"):
        parts_of(Stack((tensor(BY_NAME["f32"], 1024, 2),)), 4096)


@each_quant
def test_pieces_follow_each_other(quant: Quant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wgslm.weights.CHUNK", CHUNK)
    info = tensor(quant, 300 if quant.is_float else 512, 41)

    found = list(pieces([Stack((info,))], 8192))

    assert [piece.start for piece in found] == [
        sum(piece.nbytes for piece in found[:i]) for i in range(len(found))
    ]
    assert sum(piece.nbytes for piece in found) == info.nbytes
    assert [piece for group in chunks(found) for piece in group] == found
    assert all(piece.first_block * quant.scales_nbytes % 4 == 0 for piece in found)


@pytest.mark.gpu
def test_a_view_reads_what_was_written(device: Device) -> None:
    async def check() -> bytes:
        buffer = device.create_buffer(1000, "bytes")
        device.write(buffer, 0, b"a" * 999)
        device.write(buffer, 256, memoryview(b"bcd"))
        data = await device.read(View(buffer, 256, 7))
        device.destroy_buffer(buffer)
        return data

    assert asyncio.run(check()) == b"bcd\0aaa"
