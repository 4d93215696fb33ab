"""A loaded model: events, stop strings, loading, and what it says of itself."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from loaded import engine
from tiny_models import CONTEXT, VOCAB, metadata, shapes, write_tiny
from wgslm.chat.events import Done, Event, TextDelta
from wgslm.engine import Engine, Progress, preflight
from wgslm.errors import GgufError, LimitError, NoAdapterError, RequestError
from wgslm.generate import Options
from wgslm.gpu import Buffer, Device, Limits, open_device
from wgslm.header import check_fit, open_header, planned_nbytes
from wgslm.kernels.schedule import SOFTWARE, VARIANTS, Role, find
from wgslm.pauses import Pausing
from wgslm.quants import QUANTS
from wgslm.sampling import Sampling
from wgslm.text import Segment

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("device")]
BY_NAME = {quant.name: quant for quant in QUANTS}
PROMPT = np.random.default_rng(1).integers(3, VOCAB, 21).tolist()
GREEDY = Sampling(temperature=0)
MESSAGES = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("model") / "tiny.gguf", "llama", BY_NAME["q8_0"])


@pytest.mark.parametrize("role", ["one", "many"])
def test_a_forced_variant_is_the_one_dispatched(model: Path, role: Role) -> None:
    async def check(name: str) -> None:
        current = await Engine.load(model, variants={role: name})
        try:
            plans = current.session.executor.plans
            found = [d.program for plan in plans for d in plan.dispatches]
            variant = find(role, name, current.device.features)
            assert any(p.shader == variant.shader for p in found)
            others = {v.shader for v in VARIANTS[role]} - {variant.shader}
            assert not others & {p.shader for p in found}
            assert set(variant.constants) <= {c for p in found for c in p.constants}
        finally:
            await current.close()

    for variant in VARIANTS[role][:2]:
        asyncio.run(check(variant.name))


def test_an_unknown_variant_is_refused_with_the_known_ones(model: Path) -> None:
    with pytest.raises(RequestError, match=r"no variant 'fast' for 'one'.*vec16"):
        asyncio.run(Engine.load(model, variants={"one": "fast"}))


Checked = Callable[[Callable[[Engine], Awaitable[None]]], None]


@pytest.fixture
def checked(device: Device, model: Path) -> Checked:
    """Runs a check on an engine of the tiny model."""

    def run_check(check: Callable[[Engine], Awaitable[None]]) -> None:
        async def run() -> None:
            async with engine(device, model) as current:
                await check(current)

        asyncio.run(run())

    return run_check


async def events_of(
    current: Engine, prompt: str | Sequence[int], count: int | None = 20, stop: Sequence[str] = ()
) -> tuple[list[TextDelta], Done]:
    """Return the deltas and the end; check what holds for every answer."""
    options = Options(max_tokens=count, stop=tuple(stop), sampling=GREEDY)
    events: list[Event] = [event async for event in current.complete(prompt, options)]
    deltas = [event for event in events if isinstance(event, TextDelta)]
    done = events[-1]
    assert isinstance(done, Done) and len(deltas) == len(events) - 1
    assert tuple(id for delta in deltas for id in delta.ids) == done.ids
    assert done.usage.completion_tokens == len(done.ids)
    assert done.timings.prefill_ms > 0 and done.timings.decode_ms >= 0
    return deltas, done


def text_of(deltas: Sequence[TextDelta]) -> str:
    return "".join(delta.text for delta in deltas)


def test_deltas_join_to_the_text_of_the_ids(checked: Checked) -> None:
    async def check(current: Engine) -> None:
        deltas, done = await events_of(current, PROMPT)

        assert text_of(deltas) == current.tokenizer.decode(done.ids)
        assert done.reason == "length"
        assert done.usage.prompt_tokens == len(PROMPT)
        assert len(done.ids) == 20

    checked(check)


def test_a_stop_string_ends_before_itself(checked: Checked) -> None:
    async def check(current: Engine) -> None:
        deltas, free = await events_of(current, PROMPT)
        text = text_of(deltas)
        for start, stop in ((0, 1), (2, 3), (3, 6), (len(text) - 2, len(text))):
            string = text[start:stop]

            deltas, done = await events_of(current, PROMPT, stop=[string, "never seen"])

            assert text_of(deltas) == text[: text.index(string)]
            assert done.reason == "stop"
            assert done.ids == free.ids[: len(done.ids)]

    checked(check)


def test_a_stop_string_that_never_ends_is_shown(checked: Checked) -> None:
    async def check(current: Engine) -> None:
        deltas, _ = await events_of(current, PROMPT)
        text = text_of(deltas)

        held, done = await events_of(current, PROMPT, stop=[text[-2:] + "and more"])

        assert text_of(held) == text
        assert done.reason == "length"

    checked(check)


def test_every_prefix_of_an_answer_has_whole_characters(checked: Checked) -> None:
    async def check(current: Engine) -> None:
        deltas, done = await events_of(current, PROMPT, 60)

        whole = current.tokenizer.decode(done.ids)
        so_far = ""
        for delta in deltas:
            so_far += delta.text
            assert whole.startswith(so_far)

    checked(check)


def test_a_prompt_that_cannot_fit_is_refused_before_it_is_split(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(current: Engine) -> None:
        monkeypatch.setattr(current.tokenizer, "_encode", None)
        text = "x" * (current.info.context * current.tokenizer.longest_nbytes + 1)

        with pytest.raises(RequestError, match="bytes and the context of 96 tokens holds at most"):
            await anext(current.chat([{"role": "user", "content": text}], Options()))
        with pytest.raises(RequestError, match="shorten"):
            await anext(current.complete(text, Options()))

    checked(check)


def test_splitting_a_prompt_leaves_the_event_loop_free(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(current: Engine) -> None:
        ticks, encoding = 0, current.tokenizer.encoding_segments

        def slow(segments: Sequence[Segment], bos: bool | None = None) -> Pausing[list[int]]:
            time.sleep(0.3)
            return encoding(segments, bos=bos)

        monkeypatch.setattr(current.tokenizer, "encoding_segments", slow)
        answer = asyncio.ensure_future(anext(current.chat(MESSAGES[:1] * 2, Options(max_tokens=1))))
        while not answer.done():
            await asyncio.sleep(0.01)
            ticks += 1

        assert ticks > 5

    checked(check)


def test_an_end_id_stops(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(current: Engine) -> None:
        _, free = await events_of(current, PROMPT)
        end = free.ids[4]
        monkeypatch.setattr(current.tokenizer, "end_ids", frozenset({end}))

        _, done = await events_of(current, PROMPT)

        assert done.reason == "stop"
        assert done.ids == free.ids[: free.ids.index(end)]

    checked(check)


def test_a_chat_is_its_prompt_continued(checked: Checked) -> None:
    async def check(current: Engine) -> None:
        ids = current.prompt_ids(MESSAGES)
        _, expected = await events_of(current, ids, 5)

        options = Options(max_tokens=5, sampling=GREEDY)
        events = [event async for event in current.chat(MESSAGES, options)]

        assert isinstance(events[-1], Done)
        assert events[-1].ids == expected.ids
        assert events[-1].usage.prompt_tokens == len(ids)
        assert events[-1].usage.cached_tokens == len(ids) - 1

    checked(check)


def test_raw_text_is_its_ids_continued(checked: Checked) -> None:
    async def check(current: Engine) -> None:
        _, expected = await events_of(current, current.tokenizer.encode("w1 w2"), 5)

        assert (await events_of(current, "w1 w2", 5))[1].ids == expected.ids

    checked(check)


def test_closing_an_answer_frees_the_engine(checked: Checked) -> None:
    async def check(current: Engine) -> None:
        _, expected = await events_of(current, PROMPT)
        answer = current.complete(PROMPT, Options(sampling=GREEDY))
        await anext(answer)

        await answer.aclose()

        assert (await asyncio.wait_for(events_of(current, PROMPT), 60))[1].ids == expected.ids

    checked(check)


def test_cancelling_an_answer_frees_the_engine(checked: Checked) -> None:
    async def check(current: Engine) -> None:
        _, expected = await events_of(current, PROMPT)
        task = asyncio.ensure_future(events_of(current, PROMPT, None))
        await asyncio.sleep(0.02)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

        assert (await asyncio.wait_for(events_of(current, PROMPT), 60))[1].ids == expected.ids

    checked(check)


@pytest.mark.parametrize("ids", [[-1], [1, VOCAB], [1, 10**9]])
def test_unknown_ids_are_refused(checked: Checked, ids: list[int]) -> None:
    async def check(current: Engine) -> None:
        with pytest.raises(RequestError, match=f"token id {ids[-1]} does not exist"):
            await events_of(current, ids)
        with pytest.raises(RequestError, match="does not exist"):
            await current.logits(ids)

    checked(check)


def test_logits_of_each_id(checked: Checked) -> None:
    async def check(current: Engine) -> None:
        rows = await current.logits(PROMPT, each=True)  # more than one step of 16

        assert np.shape(rows) == (len(PROMPT), VOCAB)
        for length in (1, 16, 17, len(PROMPT)):
            (last,) = await current.logits(PROMPT[:length])
            np.testing.assert_allclose(rows[length - 1], last, rtol=0, atol=1e-4)

    checked(check)


def test_load_reports_and_answers(model: Path) -> None:
    seen: list[Progress] = []

    async def run() -> None:
        current = await Engine.load(model, context=64, progress=seen.append)
        try:
            _, done = await events_of(current, PROMPT, 3)
            assert len(done.ids) == 3
            assert current.name == "tiny"
            assert (current.info.architecture, current.info.quant) == ("llama", "Q8_0")
            assert (current.info.context, current.info.context_length) == (64, CONTEXT)
            assert current.info.parameters == sum(
                int(np.prod(shape)) for shape, _ in shapes("llama", BY_NAME["q8_0"]).values()
            )
            assert current.info.vocab_size == len(metadata("llama")["tokenizer.ggml.tokens"])
        finally:
            await current.close()

    asyncio.run(run())

    stages = list(dict.fromkeys(progress.stage for progress in seen))
    assert stages[0] == "opening" and stages[-1] == "ready" and "weights" in stages
    done = [progress.done for progress in seen if progress.stage == "weights"]
    assert done == sorted(done) and seen[-1].done == seen[-1].total > 0
    assert all(a.seconds <= b.seconds for a, b in pairwise(seen))


@pytest.mark.parametrize("stage", ["opening", "tokenizer", "compiling", "weights"])
def test_a_load_can_be_cancelled_at_any_stage(model: Path, stage: str) -> None:
    async def run() -> None:
        reached = asyncio.Event()

        def watch(progress: Progress) -> None:
            if progress.stage == stage:
                reached.set()

        task = asyncio.ensure_future(Engine.load(model, context=64, progress=watch))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


@pytest.mark.parametrize(("context", "message"), [(0, "context is 0"), (301, "allows 2 to 300")])
def test_a_context_that_the_model_lacks_is_refused(model: Path, context: int, message: str) -> None:
    with pytest.raises(LimitError, match=message):
        asyncio.run(Engine.load(model, context=context))


def test_a_vocabulary_beyond_the_embedding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.gguf"
    write_tiny(path, "llama", BY_NAME["q8_0"], vocab=VOCAB)
    data = path.read_bytes()
    shorter = data.replace(
        (256).to_bytes(8, "little") + VOCAB.to_bytes(8, "little"),
        (256).to_bytes(8, "little") + (VOCAB - 1).to_bytes(8, "little"),
    )
    path.write_bytes(shorter)

    with pytest.raises(GgufError, match=r"has 320 tokens but token_embd\.weight 319 rows"):
        asyncio.run(Engine.load(path))


def test_preflight_reads_only_the_header(model: Path, tmp_path: Path) -> None:
    found = asyncio.run(preflight(model))

    assert found.fits and found.why == ""
    assert (found.architecture, found.quant, found.context_length) == ("llama", "Q8_0", CONTEXT)
    assert found.nbytes < found.memory


def test_planned_memory_is_what_is_allocated(
    device: Device, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allocated: dict[int, int] = {}
    create, destroy = device.create_buffer, device.destroy_buffer

    def counted_create(nbytes: int, label: str) -> Buffer:
        buffer = create(nbytes, label)
        allocated[id(buffer)] = buffer.nbytes
        return buffer

    def counted_destroy(buffer: Buffer) -> None:
        allocated.pop(id(buffer))
        destroy(buffer)

    monkeypatch.setattr(device, "create_buffer", counted_create)
    monkeypatch.setattr(device, "destroy_buffer", counted_destroy)

    async def run() -> tuple[int, int]:
        async with engine(device, model, context=CONTEXT) as current:
            header = current.header
            plans = current.session.executor.plans
            _, stacks = header.plans(device.limits, SOFTWARE, CONTEXT, "f32")
            return planned_nbytes(plans, stacks), sum(allocated.values())

    planned, actual = asyncio.run(run())

    tensors = len(shapes("llama", BY_NAME["q8_0"]))
    assert planned <= actual <= planned + 256 * tensors + 1024  # alignment, and the step buffer
    assert allocated == {}


def test_what_does_not_fit_says_what_would(model: Path) -> None:
    async def run() -> None:
        header = await open_header(model)
        limits = Limits(1 << 30, 80_000)
        plans, _ = header.plans(limits, SOFTWARE, CONTEXT, "f32")
        await header.close()

        with pytest.raises(LimitError, match=r"153,600 bytes for a context of 300.*156 would fit"):
            check_fit(limits, plans, CONTEXT)
        with pytest.raises(LimitError, match=r"activations of 128 tokens need .* allows 160,000"):
            check_fit(Limits(1 << 30, 160_000), plans, CONTEXT)

    asyncio.run(run())


def test_an_unknown_adapter_is_refused() -> None:
    with pytest.raises(NoAdapterError, match="no adapter's name contains 'no such thing'"):
        asyncio.run(open_device("no such thing"))
