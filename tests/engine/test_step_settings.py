"""Settings beyond one draw: log probabilities, least length, DRY's breakers, choices."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import wgslm.generate
from loaded import engine, session
from tiny_models import VOCAB, write_tiny
from twins.sampling import log_softmax
from wgslm.chat.events import Done, TextDelta, TokenChance
from wgslm.engine import Engine
from wgslm.errors import RequestError
from wgslm.generate import Options, Run, Session
from wgslm.gpu import Device
from wgslm.quants import QUANTS
from wgslm.sampling import Breakers, Sampler, Sampling
from wgslm.text.breakers import breaker_ids
from wgslm_web.answers import choices

Q8_0 = next(quant for quant in QUANTS if quant.name == "q8_0")
LARGE = 2000  # tokens: too many to be read whole every time
PROMPT = np.random.default_rng(1).integers(3, VOCAB, 21).tolist()
HOT = Sampling(2, 40, 0.98, 0.01, seed=11)
GREEDY = Sampling(temperature=0)
NEW = {
    "dry": replace(HOT, dry_multiplier=5, dry_allowed_length=0),
    "top_n_sigma": replace(HOT, top_n_sigma=2, repeat_penalty=1.2),
    "xtc": replace(HOT, xtc_probability=0.7, xtc_threshold=0.03),
    "dynatemp": replace(HOT, dynatemp_range=1.5),
    "mirostat": replace(HOT, mirostat=1, mirostat_tau=3),
    "mirostat 2": replace(HOT, mirostat=2, mirostat_tau=3),
}
Check = Callable[[Session], Awaitable[None]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def model(folder: Path) -> Path:
    return write_tiny(folder / "tiny.gguf", "llama", Q8_0)


@pytest.fixture
def large(folder: Path) -> Path:
    return write_tiny(folder / "large.gguf", "llama", Q8_0, vocab=LARGE)


def checked(device: Device, path: Path, check: Check) -> None:
    async def run() -> None:
        async with session(device, path, ahead=3) as current:
            await check(current)

    asyncio.run(run())


async def ids_of(
    current: Session,
    options: Options,
    end_ids: frozenset[int] = frozenset(),
    run: Run | None = None,
    breakers: Breakers | None = None,
) -> list[int]:
    known = run or Run(len(PROMPT))
    stream = current.generate(PROMPT, options, end_ids, known, None, breakers)
    return [id async for id in stream]


@pytest.mark.gpu
def test_every_setting_draws_as_from_all_logits(device: Device, large: Path) -> None:
    breakers = {7: [()]}

    async def check(current: Session) -> None:
        for sampling in NEW.values():
            drawn = await ids_of(current, Options(8, sampling=sampling), breakers=breakers)

            sampler, history = Sampler(sampling, breakers), list(PROMPT)
            for _ in range(8):
                logits = await current.logits(history)
                order = sorted(range(LARGE), key=lambda id, row=logits: -row[id])  # type: ignore[misc]
                history.append(sampler.choose(order, [logits[id] for id in order], history))
            assert drawn == history[len(PROMPT) :]

    checked(device, large, check)


@pytest.mark.gpu
@pytest.mark.parametrize("count", [0, 3, 20])
def test_log_probabilities_are_of_the_true_distribution(
    device: Device, large: Path, count: int
) -> None:
    async def check(current: Session) -> None:
        sampling = replace(HOT, repeat_penalty=1.5, logit_bias=((9, 5.0),))
        run = Run(len(PROMPT))
        ids = await ids_of(current, Options(6, sampling=sampling, logprobs=count), run=run)

        assert ids == await ids_of(current, Options(6, sampling=sampling))  # drawn on the GPU
        assert len(run.chances) == 6
        for step, (id, chance) in enumerate(zip(ids, run.chances, strict=True)):
            logits = np.array(await current.logits([*PROMPT, *ids[:step]]), np.float64)
            expected = log_softmax(logits)
            assert chance.logprob == pytest.approx(expected[id], abs=1e-5)
            order = np.argsort(-logits, kind="stable")[:count].tolist()
            assert [other for other, _ in chance.top] == order
            assert [value for _, value in chance.top] == pytest.approx(expected[order], abs=1e-5)

    checked(device, large, check)


@pytest.mark.gpu
@pytest.mark.parametrize("sampling", [GREEDY, HOT], ids=["greedy", "hot"])
def test_the_model_cannot_end_an_answer_too_early(
    device: Device, model: Path, monkeypatch: pytest.MonkeyPatch, sampling: Sampling
) -> None:
    async def answers(current: Session, ends: frozenset[int]) -> list[list[int]]:
        at_once = Options(12, sampling=sampling)
        ways = at_once, replace(at_once, min_tokens=5), replace(at_once, ignore_eos=True)
        return [await ids_of(current, way, ends) for way in ways]

    async def check(current: Session) -> None:
        free = await ids_of(current, Options(12, sampling=sampling))
        ends = frozenset(free[:2])
        at_once, later, never = drawn = await answers(current, ends)
        monkeypatch.setattr(wgslm.generate, "gpu_settings", lambda *_: None)

        assert await answers(current, ends) == drawn  # by the CPU's chain
        assert at_once == [] and len(later) >= 5 and len(never) == 12
        assert later[:5] == never[:5] and not ends & set(never)
        logits = await current.logits(PROMPT)
        order = sorted(set(range(VOCAB)) - ends, key=lambda id: -logits[id])
        assert later[0] == Sampler(sampling).choose(order, [logits[id] for id in order], PROMPT)

    checked(device, model, check)


def test_what_has_no_meaning_is_refused() -> None:
    for given in ({"min_tokens": -1}, {"logprobs": 21}, {"logprobs": -1}):
        with pytest.raises(RequestError, match=f"{next(iter(given))} is "):
            Options(**given)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="it must be 0 to max_tokens, 3"):
        Options(max_tokens=3, min_tokens=4)
    assert Options(max_tokens=3, min_tokens=3).min_tokens == 3


async def events_of(current: Engine, options: Options) -> tuple[list[TextDelta], Done]:
    events = [event async for event in current.complete(PROMPT, options)]
    deltas = [event for event in events if isinstance(event, TextDelta)]
    assert isinstance(events[-1], Done) and len(deltas) == len(events) - 1
    return deltas, events[-1]


@pytest.mark.gpu
def test_an_engine_tells_chances_with_their_ids_and_pieces(device: Device, model: Path) -> None:
    async def run() -> None:
        async with engine(device, model) as current:
            asked = Options(9, sampling=HOT, logprobs=2)
            deltas, done = await events_of(current, asked)
            plain, _ = await events_of(current, replace(asked, logprobs=None))

            told: list[TokenChance] = []
            for delta in deltas:
                assert tuple(chance.id for chance in delta.chances) == delta.ids
                told += delta.chances
            assert [chance.id for chance in told] == list(done.ids)
            for chance in told:
                assert chance.piece == current.tokenizer.piece(chance.id, specials=True)
                assert len(chance.top) == 2 and chance.top[0].logprob >= chance.logprob
            assert all(delta.chances == () for delta in plain)
            assert [delta.text for delta in plain] == [delta.text for delta in deltas]

    asyncio.run(run())


@pytest.mark.gpu
def test_choices_read_their_prompt_once_and_differ(device: Device, model: Path) -> None:
    async def run() -> None:
        async with engine(device, model) as current:
            options = Options(6, sampling=HOT)
            ends = []
            async for _, event in choices(
                lambda options: current.complete(PROMPT, options), options, 3
            ):
                ends += [event] if isinstance(event, Done) else []
            alone, other = [
                await events_of(current, replace(options, sampling=replace(HOT, seed=seed)))
                for seed in (11, 13)
            ]

            cached = [done.usage.cached_tokens for done in ends]
            assert cached == [0, len(PROMPT) - 1, len(PROMPT) - 1]
            assert ends[0].ids == alone[1].ids and ends[2].ids == other[1].ids
            assert len({done.ids for done in ends}) == 3

    asyncio.run(run())


@pytest.mark.gpu
def test_an_engine_breaks_repetitions_where_its_tokens_say(device: Device, model: Path) -> None:
    """Without a breaker a greedy answer avoids what was said; one in every token allows all."""

    async def run() -> None:
        async with engine(device, model) as current:
            dry = replace(GREEDY, dry_multiplier=100, dry_allowed_length=0)
            every = tuple(chr(code) for code in range(33, 97))
            free, _ = await events_of(current, Options(16, sampling=GREEDY))
            held, _ = await events_of(
                current, Options(16, sampling=replace(dry, dry_sequence_breakers=()))
            )
            found = current._breakers.ids(every)

            ids = [id for delta in held for id in delta.ids]
            assert len(set(ids)) == len(ids) > len({id for d in free for id in d.ids})
            assert found == breaker_ids(current.tokenizer, every)
            assert found is current._breakers.ids(every)

    asyncio.run(run())
