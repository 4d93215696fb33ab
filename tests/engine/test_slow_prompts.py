"""Prompts in steps and submits that a slow device ends in time; its answers stay the same."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from loaded import engine, session
from tiny_models import VOCAB, write_tiny
from wgslm.generate import Options, Run, Session
from wgslm.gpu import Device
from wgslm.pace import SUBMIT_SECONDS
from wgslm.plan import Plan
from wgslm.plan.execute import PIECES, Executor, Part
from wgslm.quants import QUANTS
from wgslm.sampling import Sampling

pytestmark = pytest.mark.gpu
CONTEXT = 96
(QUANT_8,) = (quant for quant in QUANTS if quant.name == "q8_0")
PROMPT = np.random.default_rng(1).integers(3, VOCAB, 51).tolist()
OTHER = np.random.default_rng(2).integers(3, VOCAB, 30).tolist()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("model") / "tiny.gguf", "llama", QUANT_8)


async def answer(current: Session, prompt: list[int], run: Run | None = None) -> list[int]:
    options = Options(max_tokens=12, sampling=Sampling(temperature=0))
    known = run or Run(len(prompt))
    return [id async for id in current.generate(prompt, options, frozenset(), known)]


@pytest.mark.parametrize("token_seconds", [1e-4, 0.02, 2.0])
def test_a_slow_device_is_given_less_at_once_and_answers_the_same(
    device: Device, model: Path, monkeypatch: pytest.MonkeyPatch, token_seconds: float
) -> None:
    now = 0.0
    submits: list[float] = []
    steps: list[int] = []

    async def run() -> None:
        async with session(device, model, context=CONTEXT, sizes=(1, 4, 16)) as usual:
            expected = await answer(usual, PROMPT)
            executor = usual.executor
            slow = Session(executor, CONTEXT, clock=lambda: now)
            write, submit = executor.write, executor.submit_pieces

            def written(ids: Sequence[int], position: int, wanted: int = 1) -> Plan:
                steps.append(len(ids))
                return write(ids, position, wanted)

            def timed(plan: Plan, start: int, stop: int, then: Part | None = None) -> None:
                nonlocal now
                submits.append(steps[-1] * token_seconds * (stop - start) / executor.pieces(plan))
                now += submits[-1]
                submit(plan, start, stop, then)

            monkeypatch.setattr(executor, "write", written)
            monkeypatch.setattr(executor, "submit_pieces", timed)
            assert await answer(slow, PROMPT) == expected

    asyncio.run(run())
    assert steps[:5] == ([4] * 5 if token_seconds > 1 else [4, 16, 16, 15])
    assert max(submits) <= max(SUBMIT_SECONDS, 4 * token_seconds / PIECES) * 1.001


@pytest.mark.parametrize("count", [45, 46])  # the last step has one token, or two
def test_a_short_last_step_is_cut_as_one_of_the_usual_length(
    device: Device, model: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """One token may take a device as long as four of a tile."""
    now, most = 0.0, 0.0

    async def run() -> None:
        async with session(device, model, context=CONTEXT, sizes=(1, 4)) as usual:
            executor, submit = usual.executor, usual.executor.submit_pieces
            slow = Session(executor, CONTEXT, clock=lambda: now)

            def timed(plan: Plan, start: int, stop: int, then: Part | None = None) -> None:
                nonlocal now, most
                spent = 4 * SUBMIT_SECONDS * (stop - start) / executor.pieces(plan)
                now, most = now + spent, max(most, spent)
                submit(plan, start, stop, then)

            monkeypatch.setattr(executor, "submit_pieces", timed)
            await answer(slow, PROMPT[:count])

    asyncio.run(run())
    assert most <= SUBMIT_SECONDS * 1.001


def test_the_logits_of_every_token_are_computed_in_submits_that_end_in_time(
    device: Device, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submits: list[int] = []
    submit_pieces = Executor.submit_pieces

    def counted(
        self: Executor, plan: Plan, start: int, stop: int, then: Part | None = None
    ) -> None:
        submits.append(stop - start)
        submit_pieces(self, plan, start, stop, then)

    async def run() -> int:
        async with engine(device, model, context=CONTEXT) as current:
            monkeypatch.setattr(Executor, "submit_pieces", counted)
            return len(await current.logits(PROMPT[:20], each=True))

    assert asyncio.run(run()) == 20
    assert submits[0] == 1  # tells how long the others take


def test_cancelling_within_a_step_leaves_the_cache_as_before_it(
    device: Device, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        async with session(device, model, context=CONTEXT) as usual:
            expected = await answer(usual, PROMPT)
            executor, submit = usual.executor, usual.executor.submit_pieces
            current = Session(executor, CONTEXT)  # of an unknown device: a piece comes first

            def cancelled(plan: Plan, start: int, stop: int, then: Part | None = None) -> None:
                submit(plan, start, stop, then)
                task.cancel()

            monkeypatch.setattr(executor, "submit_pieces", cancelled)
            task = asyncio.ensure_future(answer(current, OTHER))
            with pytest.raises(asyncio.CancelledError):
                await task
            monkeypatch.undo()
            run = Run(len(OTHER))

            await answer(current, OTHER, run)

            assert run.cached_tokens == 0
            assert await answer(current, PROMPT) == expected

    asyncio.run(check())
