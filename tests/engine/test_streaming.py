"""Reading, uploading and re-laying side by side, and how fast each went."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from engine.test_weights import CHUNK, every_format, load
from memory_source import MemorySource
from tiny_gguf import Tensor, gguf_bytes
from wgslm.gguf import read_directory
from wgslm.gpu import Device
from wgslm.weights import RING, Rates, Stack, free, load_weights

pytestmark = pytest.mark.gpu


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


def test_reads_go_on_while_the_gpu_works(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wgslm.weights.CHUNK", CHUNK)
    begun: list[int] = [0]
    begun_at_submit: list[int] = []
    submit = device.submit

    class Counted(MemorySource):
        async def chunk(self, start: int, stop: int) -> memoryview:
            begun[0] += 1
            return await super().chunk(start, stop)

    def counted_submit(recording: object) -> None:
        begun_at_submit.append(begun[0])
        submit(recording)

    async def check() -> None:
        monkeypatch.setattr(device, "submit", counted_submit)
        source = Counted(gguf_bytes({"general.architecture": "none"}, every_format()))
        _, weights = await load(device, [source])
        free(device, weights)

    asyncio.run(check())

    count = len(begun_at_submit)
    assert begun_at_submit == [min(index + 1 + RING, count) for index in range(count)]


@pytest.mark.parametrize("slow", ["write", "submit"])
def test_rates_tell_upload_and_re_laying_apart(
    device: Device, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    now = [0.0]
    quick = getattr(device, slow)

    def clock() -> float:
        now[0] += 1
        return now[0]

    def delayed(*arguments: object) -> None:
        now[0] += 9
        quick(*arguments)

    async def check() -> tuple[Rates, int]:
        vector = np.zeros(1000, "<f4").tobytes()
        source = MemorySource(gguf_bytes({}, {"vector": Tensor((1000,), vector)}))
        stacks = [Stack((info,)) for info in (await read_directory([source])).tensors.values()]
        weights, rates = await load_weights(device, [source], stacks, lambda *_: None)
        free(device, weights)
        return rates, len(vector)

    monkeypatch.setattr("wgslm.weights.time", SimpleNamespace(perf_counter=clock))
    monkeypatch.setattr(device, slow, delayed)
    rates, nbytes = asyncio.run(check())

    upload, relay = (10, 1) if slow == "write" else (1, 10)
    assert rates == Rates(nbytes / upload, nbytes / relay)
