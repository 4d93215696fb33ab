"""Steps ahead of what was read back: the same ids, and nothing left of what ran too far."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import wgslm.generate
import wgslm.steps
from loaded import session
from tiny_models import ARCHITECTURES, VOCAB, write_tiny
from wgslm.errors import DeviceLostError, RequestError
from wgslm.generate import Options, Run, Session
from wgslm.gpu import Device
from wgslm.pace import SUBMIT_SECONDS
from wgslm.quants import QUANTS
from wgslm.sampling import Sampling
from wgslm.steps import LEAST_AHEAD, steps_ahead

Q8_0 = next(quant for quant in QUANTS if quant.name == "q8_0")
CONTEXT = 96
GREEDY = Sampling(temperature=0)
HOT = Sampling(2, 40, 0.98, 0.01, seed=11)
PROMPT = np.random.default_rng(1).integers(3, VOCAB, 21).tolist()
NO_END: frozenset[int] = frozenset()
AHEAD = 4
each_ahead = pytest.mark.parametrize("ahead", [1, 2, AHEAD, 8])
Check = Callable[[Session], Awaitable[None]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("model") / "tiny.gguf", "llama", Q8_0)


def checked(device: Device, path: Path, check: Check, ahead: int | None = AHEAD) -> None:
    """Run a check on a fresh session with so many steps under way, or as many as it chooses."""

    async def run() -> None:
        async with session(device, path, context=CONTEXT, ahead=ahead) as current:
            await check(current)

    asyncio.run(run())


async def ids_of(
    current: Session,
    prompt: list[int] = PROMPT,
    count: int | None = 12,
    sampling: Sampling = HOT,
    end_ids: frozenset[int] = NO_END,
    run: Run | None = None,
) -> list[int]:
    options = Options(max_tokens=count, sampling=sampling)
    known = run or Run(len(prompt))
    return [id async for id in current.generate(prompt, options, end_ids, known)]


async def on_cpu(
    current: Session, monkeypatch: pytest.MonkeyPatch, sampling: Sampling, count: int
) -> list[int]:
    """Return the ids of the CPU's chain, from an empty cache."""
    current.forget()
    with monkeypatch.context() as patched:
        patched.setattr(wgslm.generate, "gpu_settings", lambda *_: None)
        ids = await ids_of(current, count=count, sampling=sampling)
    current.forget()
    return ids


async def full_answer(current: Session) -> list[int]:
    """Return the answer that nothing ends, and leave another one's keys and values behind."""
    ids = await ids_of(current)
    await ids_of(current, list(reversed(PROMPT)), 16)
    current.forget()
    return ids


async def next_turn(current: Session, ids: list[int], unread: int = 0) -> None:
    """Check that the conversation goes on as from an empty cache, but for `unread` ids cached."""
    turn = [*PROMPT, *ids, 7, 8, 9]
    run = Run(len(turn))
    reused = await ids_of(current, turn, 6, run=run)
    await full_answer(current)

    assert reused == await ids_of(current, turn, 6)
    assert run.cached_tokens == len(PROMPT) + len(ids) - unread


SAMPLINGS = {
    "greedy": GREEDY,
    "hot": HOT,
    "greedy with penalties": replace(GREEDY, repeat_penalty=1.5, presence_penalty=0.5),
    "all at once": replace(
        HOT, typical_p=0.9, repeat_penalty=1.2, frequency_penalty=0.3, repeat_last_n=-1,
        logit_bias=((5, 3.0), (9, -5.0)),
    ),
}  # fmt: skip


@pytest.mark.gpu
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_gpu_draws_what_the_cpu_draws(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def check(current: Session) -> None:
        for sampling in SAMPLINGS.values():
            expected = await on_cpu(current, monkeypatch, sampling, 16)
            assert await ids_of(current, count=16, sampling=sampling) == expected

    checked(device, write_tiny(tmp_path / "tiny.gguf", name, Q8_0), check)


@pytest.mark.gpu
@each_ahead
@pytest.mark.parametrize("at", [0, 1, 5])
def test_an_end_id_under_way_ends_the_answer(
    device: Device, model: Path, ahead: int, at: int
) -> None:
    async def check(current: Session) -> None:
        expected = await full_answer(current)
        end, run = expected[at], Run(len(PROMPT))

        ids = await ids_of(current, end_ids=frozenset({end}), run=run)

        assert ids == expected[: expected.index(end)] == run.ids
        assert run.reason == "stop"
        await next_turn(current, ids)

    checked(device, model, check, ahead)


@pytest.mark.gpu
def test_many_end_ids_end_the_answer_too(device: Device, model: Path) -> None:
    async def check(current: Session) -> None:
        expected = await full_answer(current)
        unseen = [id for id in range(VOCAB) if id not in expected][:30]

        ids = await ids_of(current, end_ids=frozenset({*unseen, expected[3]}))

        assert ids == expected[: expected.index(expected[3])]
        await next_turn(current, ids)

    checked(device, model, check)


@pytest.mark.gpu
@each_ahead
@pytest.mark.parametrize("count", [1, 3, 5])
def test_max_tokens_under_way_end_the_answer(
    device: Device, model: Path, ahead: int, count: int
) -> None:
    async def check(current: Session) -> None:
        expected = await full_answer(current)
        run = Run(len(PROMPT))

        ids = await ids_of(current, count=count, run=run)

        assert ids == expected[:count] and run.reason == "length"
        await next_turn(current, ids, unread=1)

    checked(device, model, check, ahead)


@pytest.mark.gpu
@each_ahead
def test_the_end_of_the_context_ends_the_answer(device: Device, model: Path, ahead: int) -> None:
    async def check(current: Session) -> None:
        prompt, run = (PROMPT * 5)[: CONTEXT - 3], Run(0)

        ids = await ids_of(current, prompt, None, run=run)

        assert len(ids) == 3 and run.reason == "length"
        assert ids == await ids_of(current, prompt, None)

    checked(device, model, check, ahead)


@pytest.mark.gpu
@each_ahead
@pytest.mark.parametrize("taken", [1, 2, 5])
def test_what_ran_too_far_is_forgotten(device: Device, model: Path, ahead: int, taken: int) -> None:
    async def check(current: Session) -> None:
        expected = await full_answer(current)
        run = Run(len(PROMPT))
        stream = current.generate(PROMPT, Options(sampling=HOT), NO_END, run)
        ids = [await anext(stream) for _ in range(taken)]

        await stream.aclose()

        assert ids == expected[:taken] == run.ids
        await next_turn(current, ids)

    checked(device, model, check, ahead)


@pytest.mark.gpu
@pytest.mark.parametrize("turns", [0, 2, 6])
def test_a_new_question_after_a_cancelled_one(device: Device, model: Path, turns: int) -> None:
    async def check(current: Session) -> None:
        expected = await full_answer(current)
        task = asyncio.ensure_future(ids_of(current, list(reversed(PROMPT)), None))
        for _ in range(turns):
            await asyncio.sleep(0.002)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

        assert await ids_of(current) == expected

    checked(device, model, check)


@pytest.mark.gpu
def test_so_many_steps_are_under_way_and_nothing_is_made_for_one(
    device: Device, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(current: Session) -> None:
        await ids_of(current)
        submitted: list[int] = []
        copy = device.copy

        def counted(*arguments: object) -> object:
            submitted.append(len(run.ids))
            return copy(*arguments)  # type: ignore[arg-type]

        run = Run(len(PROMPT))
        monkeypatch.setattr(device, "copy", counted)
        for name in ("create_buffer", "record", "write"):
            monkeypatch.setattr(device, name, no_more_than(4, getattr(device, name)))

        await ids_of(current, count=12, run=run)

        # the last id of the cached prompt, then `ahead` before the first id is there
        assert submitted == [0] * AHEAD + list(range(1, 12 - AHEAD + 1))

    checked(device, model, check)


@pytest.mark.gpu
@pytest.mark.parametrize(("read_seconds", "expected"), [(0.0, LEAST_AHEAD), (100.0, AHEAD)])
def test_the_slower_a_read_back_is_the_more_steps_are_under_way(
    device: Device,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    read_seconds: float,
    expected: int,
) -> None:
    async def check(current: Session) -> None:
        under_way: list[int] = []
        advance, run = current.executor.advance, Run(len(PROMPT))

        def counted(submits: int) -> object:
            # with the step that read the prompt, and this one
            under_way.append(len(under_way) + 2 - len(run.ids))
            return advance(submits)

        monkeypatch.setattr(device, "most_ahead", AHEAD)
        monkeypatch.setattr(current.executor, "read_seconds", read_seconds)
        monkeypatch.setattr(current.executor, "advance", counted)
        await ids_of(current, count=12, run=run)

        assert max(under_way) == expected

    checked(device, model, check, None)


@pytest.mark.gpu
@pytest.mark.parametrize(("tick", "expected"), [(0.0, 1), (1.5 * SUBMIT_SECONDS, 2), (100.0, 9)])
def test_a_slow_device_is_given_a_step_in_some_submits(
    device: Device, model: Path, monkeypatch: pytest.MonkeyPatch, tick: float, expected: int
) -> None:
    async def check(current: Session) -> None:
        expected_ids = await full_answer(current)
        submit, advance = device.submit, current.executor.advance
        submits: list[int] = []
        ticks = count(1)

        def advanced(most: int) -> object:
            submits.append(1)  # the copy's
            return advance(most)

        def counted(*recordings: object) -> None:
            if submits:
                submits[-1] += 1
            submit(*recordings)

        monkeypatch.setattr(current.executor, "advance", advanced)
        monkeypatch.setattr(device, "submit", counted)
        clock = SimpleNamespace(perf_counter=lambda: tick * next(ticks))
        monkeypatch.setattr(wgslm.steps, "time", clock)

        assert await ids_of(current) == expected_ids
        assert submits[0] == 1  # of a device that nothing is known of
        assert submits[-1] == expected

    checked(device, model, check, 1)


def no_more_than(times: int, call: Callable[..., object]) -> Callable[..., object]:
    calls = iter(range(times))

    def counted(*arguments: object) -> object:
        assert next(calls, None) is not None, f"called more than {times} times"
        return call(*arguments)

    return counted


@pytest.mark.gpu
def test_a_device_lost_under_way_is_said(
    device: Device, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(current: Session) -> None:
        expected = await ids_of(current)
        stream = current.generate(PROMPT, Options(sampling=HOT), NO_END, Run(0))
        await anext(stream)
        with monkeypatch.context() as broken:
            broken.setattr(device, "take", gone)
            with pytest.raises(DeviceLostError):
                await anext(stream)

        run = Run(len(PROMPT))
        assert await ids_of(current, run=run) == expected
        assert run.cached_tokens == 0

    checked(device, model, check)


async def gone(_: object) -> bytes:
    raise DeviceLostError("the GPU is gone")


@pytest.mark.gpu
def test_a_bias_beyond_the_vocabulary_is_refused(device: Device, model: Path) -> None:
    async def check(current: Session) -> None:
        with pytest.raises(RequestError, match=f"token {VOCAB}; ids are 0 to {VOCAB - 1}"):
            await ids_of(current, sampling=Sampling(logit_bias=((VOCAB, 1),)))

    checked(device, model, check)


@pytest.mark.parametrize(
    ("most", "read", "step", "expected"),
    [
        (8, 0.0003, 0.1, 2), (8, 0.0003, 0.003, 5), (8, 0.0003, 0.001, 8), (8, 0.015, 0.02, 8),
        (2, 0.015, 0.02, 2), (1, 0.0003, 0.001, 1), (8, 0.0003, 0.0, 8),
    ],
)  # fmt: skip
def test_how_many_steps_are_under_way(most: int, read: float, step: float, expected: int) -> None:
    assert steps_ahead(most, read, step) == expected
