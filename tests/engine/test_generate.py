"""The loop from prompt ids to ids: reuse of the cache, ends, cancelling, taking turns."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loaded import session
from tiny_gguf import Tensor, write_gguf
from tiny_models import VOCAB, metadata, shapes, write_tiny
from wgslm.errors import LimitError, RequestError, WgslmError
from wgslm.generate import Options, Run, Session
from wgslm.gpu import Device
from wgslm.kernels.top import chunk_count
from wgslm.quants import QUANTS
from wgslm.sampling import Sampling

BY_NAME = {quant.name: quant for quant in QUANTS}
CONTEXT = 96
GREEDY = Sampling(temperature=0)
DRAWN = Sampling(temperature=1.5, top_k=0, top_p=1, min_p=0, repeat_penalty=1.2, seed=4)
PROMPT = np.random.default_rng(1).integers(3, VOCAB, 21).tolist()
OTHER = np.random.default_rng(2).integers(3, VOCAB, 30).tolist()
NO_END: frozenset[int] = frozenset()
Opened = Callable[[], contextlib.AbstractAsyncContextManager[Session]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("model") / "tiny.gguf", "llama", BY_NAME["q8_0"])


@pytest.fixture
def opened(device: Device, model: Path) -> Opened:
    return lambda: session(device, model, context=CONTEXT)


def checked(check: Callable[[Session], Awaitable[None]], opened: Opened) -> None:
    """Run a check on a fresh session, on the GPU."""

    async def run() -> None:
        async with opened() as current:
            await check(current)

    asyncio.run(run())


async def ids_of(
    current: Session,
    prompt: list[int],
    count: int | None = 12,
    sampling: Sampling = GREEDY,
    end_ids: frozenset[int] = NO_END,
    run: Run | None = None,
) -> list[int]:
    options = Options(max_tokens=count, sampling=sampling)
    known = run or Run(len(prompt))
    return [id async for id in current.generate(prompt, options, end_ids, known)]


async def cold(current: Session, prompt: list[int], count: int | None = 12) -> list[int]:
    current.forget()
    return await ids_of(current, prompt, count)


@pytest.mark.gpu
@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
@pytest.mark.parametrize("shared", [0, 1, 20, 21])
def test_a_reused_prefix_changes_nothing(opened: Opened, shared: int, sampling: Sampling) -> None:
    async def check(current: Session) -> None:
        prompt = PROMPT[:shared] + OTHER
        expected = await ids_of(current, prompt, sampling=sampling)
        current.forget()
        await ids_of(current, PROMPT)
        run = Run(len(prompt))

        actual = await ids_of(current, prompt, sampling=sampling, run=run)

        assert actual == expected == run.ids
        assert run.cached_tokens == shared

    checked(check, opened)


@pytest.mark.gpu
def test_the_next_turn_computes_only_what_is_new(opened: Opened) -> None:
    async def check(current: Session) -> None:
        answer = await ids_of(current, PROMPT)
        turn = [*PROMPT, *answer, *OTHER[:5]]
        run = Run(len(turn))

        actual = await ids_of(current, turn, run=run)

        # the last id of an answer that ended by its length was never run
        assert run.cached_tokens == len(PROMPT) + len(answer) - 1
        assert actual == await cold(current, turn)

    checked(check, opened)


@pytest.mark.gpu
def test_the_same_prompt_again_runs_only_its_last_id(opened: Opened) -> None:
    async def check(current: Session) -> None:
        first = await ids_of(current, PROMPT)
        run = Run(len(PROMPT))

        assert await ids_of(current, PROMPT, run=run) == first
        assert run.cached_tokens == len(PROMPT) - 1

    checked(check, opened)


@pytest.mark.gpu
@pytest.mark.parametrize("sizes", [(1,), (1, 4), (1, 16, 64)])
def test_how_prompts_are_cut_changes_nothing(
    device: Device, model: Path, opened: Opened, sizes: tuple[int, ...]
) -> None:
    async def run() -> None:
        async with opened() as usual, session(device, model, context=CONTEXT, sizes=sizes) as other:
            assert await ids_of(other, PROMPT) == await ids_of(usual, PROMPT)

    asyncio.run(run())


@pytest.mark.gpu
def test_max_tokens_ends_an_answer(opened: Opened) -> None:
    async def check(current: Session) -> None:
        run = Run(len(PROMPT))

        assert len(await ids_of(current, PROMPT, 1, run=run)) == 1
        assert run.reason == "length"

    checked(check, opened)


@pytest.mark.gpu
@pytest.mark.parametrize("left", [1, 7])
def test_a_full_context_ends_an_answer(opened: Opened, left: int) -> None:
    async def check(current: Session) -> None:
        prompt = (PROMPT * 5)[: CONTEXT - left]
        run = Run(len(prompt))

        ids = await ids_of(current, prompt, None, run=run)

        assert len(ids) == left
        assert run.reason == "length"
        assert ids == await cold(current, prompt, left)

    checked(check, opened)


@pytest.mark.gpu
@pytest.mark.parametrize("at", [0, 3])
def test_an_end_id_ends_an_answer_and_is_not_part_of_it(opened: Opened, at: int) -> None:
    async def check(current: Session) -> None:
        expected = await ids_of(current, PROMPT)
        end = expected[at]
        run = Run(len(PROMPT))

        ids = await ids_of(current, PROMPT, end_ids=frozenset({end}), run=run)

        assert ids == expected[: expected.index(end)] == run.ids
        assert run.reason == "stop"

    checked(check, opened)


@pytest.mark.gpu
@pytest.mark.parametrize("length", [CONTEXT, CONTEXT + 1, 5000])
def test_a_prompt_beyond_the_context_is_refused(opened: Opened, length: int) -> None:
    async def check(current: Session) -> None:
        with pytest.raises(RequestError, match=f"{length:,} tokens and the context holds 96"):
            await ids_of(current, [5] * length)
        assert len(await ids_of(current, PROMPT, 2)) == 2

    checked(check, opened)


@pytest.mark.gpu
def test_an_empty_prompt_is_refused(opened: Opened) -> None:
    async def check(current: Session) -> None:
        with pytest.raises(RequestError, match="no tokens"):
            await ids_of(current, [])

    checked(check, opened)


@pytest.mark.gpu
@pytest.mark.parametrize("taken", [1, 4])
def test_closing_leaves_a_usable_session(opened: Opened, taken: int) -> None:
    async def check(current: Session) -> None:
        expected = await ids_of(current, PROMPT)
        current.forget()
        run = Run(len(PROMPT))
        stream = current.generate(PROMPT, Options(sampling=GREEDY), NO_END, run)
        ids = [await anext(stream) for _ in range(taken)]

        await stream.aclose()

        assert ids == expected[:taken] == run.ids
        assert run.reason is None
        assert await ids_of(current, [*PROMPT, *ids]) == await cold(current, [*PROMPT, *ids])

    checked(check, opened)


@pytest.mark.gpu
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 9])
def test_cancelling_at_any_moment_leaves_a_usable_session(
    device: Device, model: Path, turns: int
) -> None:
    async def run() -> None:
        async with session(device, model, context=CONTEXT, sizes=(1, 2)) as current:
            expected = await ids_of(current, OTHER)
            current.forget()
            task = asyncio.ensure_future(ids_of(current, OTHER, None))
            for _ in range(turns):
                await asyncio.sleep(0.002)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

            assert await ids_of(current, OTHER) == expected

    asyncio.run(run())


@pytest.mark.gpu
def test_generations_take_turns(opened: Opened) -> None:
    async def check(current: Session) -> None:
        prompts = [PROMPT, OTHER, PROMPT[:9]]
        expected = [await cold(current, prompt, 6) for prompt in prompts]
        current.forget()
        order: list[int] = []

        async def one(index: int) -> list[int]:
            options = Options(max_tokens=6, sampling=GREEDY)
            ids = []
            async for id in current.generate(prompts[index], options, NO_END, Run(0)):
                order.append(index)
                ids.append(id)
                await asyncio.sleep(0)
            return ids

        assert await asyncio.gather(*(one(index) for index in range(3))) == expected
        assert order == [0] * 6 + [1] * 6 + [2] * 6

    checked(check, opened)


@pytest.mark.gpu
def test_logits_do_not_disturb_a_conversation(opened: Opened) -> None:
    async def check(current: Session) -> None:
        expected = await ids_of(current, PROMPT)
        logits = await current.logits(OTHER)

        assert await ids_of(current, PROMPT) == expected
        assert np.allclose(await current.logits(OTHER), logits, atol=1e-5)
        assert int(np.argmax(await current.logits(PROMPT))) == expected[0]

    checked(check, opened)


@pytest.mark.gpu
@pytest.mark.parametrize("wanted", [1, 40, 62, 63, 64, 500])
def test_candidates_are_the_highest_logits(device: Device, tmp_path: Path, wanted: int) -> None:
    vocab = 2000  # 63 chunks, and too many to be read whole every time
    path = write_tiny(tmp_path / "tiny.gguf", "llama", BY_NAME["q8_0"], vocab=vocab)

    async def run() -> None:
        async with session(device, path) as current:
            executor = current.executor
            plan = executor.submit(PROMPT[:16], 0, "candidates", wanted)
            found = await executor.candidates(plan)
            every = await executor.logits(plan)
            ranked = sorted(range(vocab), key=lambda id: (-every[id], id))

            assert len(every) == vocab
            assert found.complete == (wanted > chunk_count(vocab))
            assert len(found.ids) >= wanted
            assert list(found.ids) == ranked[: len(found.ids)]
            assert list(found.logits) == [every[id] for id in found.ids]

    asyncio.run(run())


@pytest.mark.gpu
def test_a_step_that_failed_is_not_reused(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(current: Session) -> None:
        expected = await cold(current, PROMPT)
        current.forget()
        device = current.executor.device
        with monkeypatch.context() as broken:
            broken.setattr(device, "submit", lambda *recordings: None)  # the step is lost
            broken.setattr(current.executor, "drawn", failing)
            with pytest.raises(LimitError):
                await ids_of(current, PROMPT)

        known = Run(len(PROMPT))
        assert await ids_of(current, PROMPT, run=known) == expected
        assert known.cached_tokens == 0

    checked(check, opened)


async def failing(*_: object, **__: object) -> None:
    raise LimitError("the GPU has no memory left")


@pytest.mark.gpu
@pytest.mark.parametrize("vocab", [320, 2000])
@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_refused(
    device: Device, tmp_path: Path, vocab: int, poison: float
) -> None:
    tensors = {}
    for name, (shape, quant) in shapes("llama", QUANTS[0], QUANTS[0], vocab).items():
        values = np.full(int(np.prod(shape)), 0.01, "<f4")
        if name == "output.weight":
            values[-shape[0] :] = poison  # of the last token only
        tensors[name] = Tensor(shape, values.tobytes(), quant.ggml_type)
    path = write_gguf(tmp_path / "poisoned.gguf", metadata("llama", vocab), tensors)

    async def run() -> None:
        async with session(device, path) as current:
            with pytest.raises(WgslmError, match="logits are not numbers"):
                await ids_of(current, PROMPT)

    asyncio.run(run())


def test_max_tokens_must_be_positive() -> None:
    with pytest.raises(RequestError, match="max_tokens is 0"):
        Options(max_tokens=0)
    assert replace(Options(), max_tokens=1).max_tokens == 1


@pytest.mark.gpu
@pytest.mark.parametrize("is_on_gpu", [False, True], ids=["here", "on the GPU"])
def test_what_a_file_suppresses_is_never_drawn(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, is_on_gpu: bool
) -> None:
    hot = Sampling(temperature=100, top_k=4, top_p=1, min_p=0, seed=1)
    if not is_on_gpu:
        hot = replace(hot, xtc_probability=1.0)

    async def check(current: Session) -> None:
        free = set(await ids_of(current, PROMPT, 40, hot))
        barred = sorted(free)[::2]
        favoured = replace(hot, logit_bias=tuple((id, 100.0) for id in barred))
        monkeypatch.setattr(current, "_suppressed", barred)

        assert free & set(barred)
        for sampling in (hot, favoured, GREEDY):
            current.forget()
            assert not set(await ids_of(current, PROMPT, 40, sampling)) & set(barred)

    checked(check, opened)
