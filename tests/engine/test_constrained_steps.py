"""Draws under a grammar are those from all logits with everything else left out."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from wgslm.errors import WgslmError
from wgslm.grammar import arranging, for_regex
from wgslm.pauses import whole
from wgslm.plan import Plan
from wgslm.plan.execute import Candidates, Executor
from wgslm.sampling import Sampler, Sampling
from wgslm.steps import CpuSteps

SIZE = 3000
END = SIZE
PIECES = [bytes([id]) if id < 256 else f"{id:x}".encode() for id in range(SIZE)] + [b""]
VOCABULARY = whole(arranging(PIECES, end_ids=[END]))
SETTINGS = {
    "greedy": Sampling(temperature=0),
    "usual": Sampling(seed=3, temperature=1.5),
    "everything": Sampling(seed=3, top_k=0, top_p=1, min_p=0, temperature=2),
    "penalties": Sampling(seed=3, repeat_penalty=1.3, presence_penalty=0.5, top_k=20),
    "raised": Sampling(seed=3, logit_bias=((7, 9.0), (ord("a"), 5.0)), top_k=9),
    "barred": Sampling(seed=3, logit_bias=((ord("b"), -100.0),), temperature=1.2),
}


@dataclass
class ScriptedExecutor:
    """Has the logits that a test says, and counts how often all of them are read."""

    rows: list[list[float]]
    step: int = 0
    wholes: int = 0
    plans: tuple[SimpleNamespace, ...] = (SimpleNamespace(vocab=SIZE + 1),)
    wanted: list[int] = field(default_factory=list)

    def submit(self, ids: Sequence[int], position: int, then: object, wanted: int) -> Plan:
        """Go on to the next row."""
        self.step += 1
        self.wanted.append(wanted)
        return cast(Plan, object())

    async def candidates(self, plan: Plan) -> Candidates:
        """Return as many of the highest as were wanted."""
        row = self.rows[self.step]
        kept = sorted(range(len(row)), key=lambda id: (-row[id], id))[: self.wanted[-1]]
        return Candidates(tuple(kept), tuple(row[id] for id in kept), False)

    async def logits(self, plan: Plan) -> list[float]:
        """Return the row."""
        self.wholes += 1
        return self.rows[self.step]


def rows(count: int, liked: str = "") -> list[list[float]]:
    """Logits by chance; higher for the characters of `liked`."""
    chance = random.Random(4)
    found = [[chance.gauss(0, 3) for _ in range(SIZE + 1)] for _ in range(count)]
    for row in found:
        for sign in liked:
            row[ord(sign)] += 30
    return found


def drawn(
    executor: ScriptedExecutor, pattern: str, sampling: Sampling, count: int, least: int = 0
) -> list[int]:
    """Draw ids as an answer does."""
    matcher, history = for_regex(pattern).start(VOCABULARY), [1, 2, ord("a")]
    steps = CpuSteps(
        cast(Executor, executor),
        Sampler(sampling),
        history,
        matcher,
        end_ids=frozenset([END]),
        least=least,
    )

    async def run() -> None:
        executor.wanted.append(steps.wanted)
        steps.start(cast(Plan, object()))
        for _ in range(count):
            id = await steps.next()
            history.append(id)
            matcher.advance(id)
            if id == END or matcher.is_final:
                return
            steps.go_on()

    asyncio.run(run())
    return history[3:]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("pattern", ["[a-f0-9]{12}", "(a|bc?)*", "[^0-9]{3,}x?"])
def test_a_draw_is_that_from_all_allowed_logits(name: str, pattern: str) -> None:
    script, sampling = rows(13), SETTINGS[name]
    matcher, sampler = for_regex(pattern).start(VOCABULARY), Sampler(sampling)
    expected: list[int] = []
    for row in script[:12]:
        ids = [id for id in range(SIZE + 1) if matcher.allows(id)]
        ids.sort(key=lambda id, row=row: (-row[id], id))  # type: ignore[misc]
        history = [1, 2, ord("a"), *expected]
        expected.append(sampler.choose(ids, [row[id] for id in ids], history))
        matcher.advance(expected[-1])
        if expected[-1] == END or matcher.is_final:
            break

    assert drawn(ScriptedExecutor(script), pattern, sampling, 12) == expected


def test_the_mask_is_needed_only_when_too_few_of_the_highest_are_allowed() -> None:
    liking, other = ScriptedExecutor(rows(9, "abc")), ScriptedExecutor(rows(9))

    drawn(liking, "[a-c]{8}", Sampling(seed=1, top_k=3), 8)
    drawn(other, "[a-c]{8}", Sampling(seed=1, top_k=3), 8)

    assert liking.wholes == 0 and other.wholes >= 4
    assert max(liking.wanted) == 12


@pytest.mark.parametrize("name", SETTINGS)
def test_an_end_that_a_grammar_allows_waits_for_the_least_length(name: str) -> None:
    script = rows(13)
    for row in script:
        row[END] = 40.0  # the likeliest by far

    early = drawn(ScriptedExecutor(script), "(a|bc?)*", SETTINGS[name], 12)
    late = drawn(ScriptedExecutor(script), "(a|bc?)*", SETTINGS[name], 12, least=6)

    assert early == [END]
    assert late[6:] == [END] and END not in late[:6] and len(late) == 7


def test_an_end_comes_early_where_a_grammar_allows_nothing_else() -> None:
    executor = ScriptedExecutor(rows(9))

    ids = drawn(executor, "ab", Sampling(temperature=0), 8, least=6)

    assert bytes(id for id in ids if id != END) == b"ab"


def test_a_vocabulary_that_cannot_write_the_grammar_is_told() -> None:
    vocabulary = whole(arranging([b"a", b"c"]))
    matcher, executor = (
        for_regex("ab").start(vocabulary),
        ScriptedExecutor([[1.0, 2.0], [2.0, 1.0]]),
    )
    steps = CpuSteps(cast(Executor, executor), Sampler(Sampling(temperature=0)), [0], matcher)
    executor.wanted.append(1)
    steps.start(cast(Plan, object()))

    assert asyncio.run(steps.next()) == 0
    matcher.advance(0)
    with pytest.raises(WgslmError, match="no token"):
        asyncio.run(steps.next())
