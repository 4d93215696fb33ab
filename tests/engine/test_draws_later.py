"""Where compiling goes on beside other work, the GPU draws only some time after the load."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import pytest

from loaded import loaded
from tiny_models import write_tiny
from wgslm.engine import Engine
from wgslm.errors import ShaderError
from wgslm.generate import Options, Run, Session
from wgslm.gpu import Device, Program
from wgslm.gpu.native import NativeDevice
from wgslm.quants import QUANTS
from wgslm.sampling import Sampling

pytestmark = pytest.mark.gpu
DRAWN = Options(max_tokens=20, sampling=Sampling(temperature=1.5, seed=7))
Q8_0 = next(quant for quant in QUANTS if quant.name == "q8_0")
NEVER: frozenset[int] = frozenset()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "tiny.gguf", "llama", Q8_0)


def aside(
    monkeypatch: pytest.MonkeyPatch, sample: Callable[[], Coroutine[object, object, None]]
) -> None:
    """Let native devices compile as in a tab, and `sample` do so in its own way."""
    compile_others = NativeDevice.compile

    async def compile_all(self: NativeDevice, programs: Sequence[Program]) -> None:
        if any(program.shader == "sample" for program in programs):
            await sample()
        await compile_others(self, programs)

    monkeypatch.setattr(NativeDevice, "compiles_aside", True)
    monkeypatch.setattr(NativeDevice, "compile", compile_all)


def test_until_the_gpu_can_draw_the_cpu_draws_the_same(device: Device, path: Path) -> None:
    async def both() -> list[list[int]]:
        found = []
        async with loaded(device, path) as model:
            plans = model.plans((1, 16), context=64)
            async with model.executor(plans, draws=False) as executor:
                for _ in range(2):
                    run = Run(3)
                    session = Session(executor, 64)
                    async for _ in session.generate([1, 5, 9], DRAWN, NEVER, run):
                        pass
                    found.append(run.ids)
                    assert executor.can_draw == (len(found) == 2)
                    await executor.prepare_draws()
        return found

    by_cpu, by_gpu = asyncio.run(both())

    assert len(by_cpu) == 20
    assert by_cpu == by_gpu


@pytest.mark.usefixtures("device")
def test_a_pipeline_that_fails_later_is_told(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    async def fail() -> None:
        raise ShaderError("no such luck")

    async def run() -> None:
        aside(monkeypatch, fail)
        engine = await Engine.load(path)
        await asyncio.sleep(0.1)
        try:
            async for _ in engine.complete([1, 5], DRAWN):
                pass
        finally:
            await engine.close()

    with pytest.raises(ShaderError, match="no such luck"):
        asyncio.run(run())


@pytest.mark.usefixtures("device")
def test_closing_does_not_wait_for_a_compiler(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        aside(monkeypatch, hang)
        engine = await Engine.load(path)
        async with asyncio.timeout(20):
            events = [event async for event in engine.complete([1, 5], DRAWN)]
            await engine.close()
        assert events

    asyncio.run(run())
