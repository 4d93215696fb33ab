"""Pipelines are compiled beside everything else that a load does."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_source import MemorySource
from tiny_models import write_tiny
from wgslm.engine import Engine
from wgslm.errors import ShaderError, SourceError
from wgslm.gpu import AdapterInfo, Program, open_device
from wgslm.gpu.native import NativeDevice
from wgslm.gpu.threads import in_threads
from wgslm.kernels.schedule import choose
from wgslm.quants import QUANTS
from wgslm.tune import Contest
from wgslm.tune.native import FileNotebook

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("device")]
Q8_0 = next(quant for quant in QUANTS if quant.name == "q8_0")
SECONDS = 20.0  # that anything may take before it counts as stuck


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Barrier]:
    """Makes each of two pipelines wait until the other is under way."""
    barrier = threading.Barrier(2)
    make = NativeDevice._pipeline

    def together(self: NativeDevice, program: Program) -> object:
        if program.shader in ("copy", "rope"):
            barrier.wait(SECONDS)
        return make(self, program)

    monkeypatch.setattr(NativeDevice, "_pipeline", together)
    yield barrier
    barrier.abort()


@pytest.mark.usefixtures("waiting")
def test_two_pipelines_are_compiled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wgslm.gpu.threads.os.cpu_count", lambda: 2)

    async def run() -> None:
        device = await open_device()
        try:
            await device.compile([Program("copy"), Program("rope")])
        finally:
            await device.close()

    asyncio.run(run())


def test_weights_stream_while_a_pipeline_compiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = write_tiny(tmp_path / "tiny.gguf", "llama", Q8_0).read_bytes()
    all_read = threading.Event()
    begun_at: list[bool] = []
    make = NativeDevice._pipeline

    class Watched(MemorySource):
        async def chunk(self, start: int, stop: int) -> memoryview:
            if stop == len(data):
                all_read.set()
            return await super().chunk(start, stop)

    def held(self: NativeDevice, program: Program) -> object:
        if program.shader == "embed":
            begun_at.append(all_read.is_set())
            assert all_read.wait(SECONDS), "the weights waited for the compiler"
        return make(self, program)

    monkeypatch.setattr(NativeDevice, "_pipeline", held)

    async def run() -> None:
        await (await Engine.load(Watched(data))).close()

    asyncio.run(run())
    assert begun_at == [False]


def test_a_load_that_fails_ends_the_tuning_before_the_device_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = write_tiny(tmp_path / "tiny.gguf", "llama", Q8_0).read_bytes()
    order: list[str] = []
    begun = asyncio.Event()
    make, close = AdapterInfo.__init__, NativeDevice.close

    def gpu(self: AdapterInfo, **facts: Any) -> None:
        make(self, **{**facts, "kind": "gpu"})

    async def hang(self: Contest) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            order.append("tuning")

    async def closed(self: NativeDevice) -> None:
        order.append("device")
        await close(self)

    class Broken(MemorySource):
        async def chunk(self, start: int, stop: int) -> memoryview:
            await asyncio.wait_for(begun.wait(), SECONDS)
            raise SourceError("the line is cut")

    monkeypatch.setattr(AdapterInfo, "__init__", gpu)
    monkeypatch.setattr(Contest, "prepare", hang)
    monkeypatch.setattr(NativeDevice, "close", closed)
    # else the variants of a GPU are compiled first, which takes lavapipe seconds
    monkeypatch.setattr("wgslm.fitting.choose", lambda _, *rest: choose("software", *rest))

    with pytest.raises(SourceError, match="the line is cut"):
        asyncio.run(_load(Broken(data), FileNotebook(tmp_path)))
    assert order == ["tuning", "device"]


async def _load(source: MemorySource, notebook: FileNotebook) -> None:
    await Engine.load(source, notebook=notebook)


def test_the_event_loop_goes_on_while_pipelines_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    make, ticks = NativeDevice._pipeline, 0

    def slow(self: NativeDevice, program: Program) -> object:
        time.sleep(0.2)
        return make(self, program)

    async def run() -> None:
        nonlocal ticks
        device = await open_device()
        monkeypatch.setattr(NativeDevice, "_pipeline", slow)
        compiling = asyncio.ensure_future(device.compile([Program("copy")]))
        while not compiling.done():
            await asyncio.sleep(0.01)
            ticks += 1
        await compiling
        await device.close()

    asyncio.run(run())
    assert ticks > 5


def test_the_error_of_one_of_many_is_told_and_names_its_shader() -> None:
    async def run() -> None:
        device = await open_device()
        try:
            await device.compile([Program("copy"), Program("no_such"), Program("rope")])
        finally:
            await device.close()

    with pytest.raises(ShaderError, match="no_such"):
        asyncio.run(run())


def test_cancelling_begins_nothing_more_and_waits_for_what_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wgslm.gpu.threads.os.cpu_count", lambda: 1)
    begun: list[int] = []
    ended: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(0.1)
        ended.append(number)

    async def run() -> None:
        task = asyncio.ensure_future(in_threads(work, range(50)))
        await asyncio.sleep(0.15)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert begun == ended and 0 < len(begun) < 10

    asyncio.run(run())
