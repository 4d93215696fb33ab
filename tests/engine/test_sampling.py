"""Sampling against a NumPy version of llama.cpp's chain."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from twins import Array
from twins.sampling import probabilities
from wgslm.errors import RequestError
from wgslm.sampling import MOST_CANDIDATES, Sampler, Sampling

VOCAB = 60
LOGITS: Array = 1.5 * np.random.default_rng(3).standard_normal(VOCAB)
HISTORY = [*np.argsort(-LOGITS)[:3].tolist(), 7, 8, int(LOGITS.argmin()), 9]
PLAIN = Sampling(temperature=1, top_k=0, top_p=1, min_p=0, seed=1)
CHAINS = {
    "default": Sampling(seed=1),
    "plain": PLAIN,
    "cold": replace(PLAIN, temperature=0.4),
    "hot": replace(PLAIN, temperature=2.5),
    "top_k": replace(PLAIN, top_k=5),
    "top_k of one": replace(PLAIN, top_k=1),
    "top_k beyond the vocabulary": replace(PLAIN, top_k=500),
    "top_p": replace(PLAIN, top_p=0.6),
    "tiny top_p": replace(PLAIN, top_p=1e-9),
    "min_p": replace(PLAIN, min_p=0.2),
    "min_p of one": replace(PLAIN, min_p=1),
    "min_p before temperature": replace(PLAIN, min_p=0.2, temperature=3),
    "penalty": replace(PLAIN, repeat_penalty=1.5),
    "penalty of the last three": replace(PLAIN, repeat_penalty=1.5, repeat_last_n=3),
    "penalty of all": replace(PLAIN, repeat_penalty=1.5, repeat_last_n=-1),
    "penalty of none": replace(PLAIN, repeat_penalty=1.5, repeat_last_n=0),
    "reward": replace(PLAIN, repeat_penalty=0.7),
    "everything": Sampling(0.9, 20, 0.9, 0.02, 1.3, 4, seed=2),
    "greedy": Sampling(temperature=0),
    "greedy with a penalty": Sampling(temperature=0, repeat_penalty=1.8),
}
each_chain = pytest.mark.parametrize("sampling", CHAINS.values(), ids=CHAINS)


def ranked(logits: Array, count: int | None = None) -> tuple[list[int], list[float]]:
    """Return candidates as the engine gives them: highest first, ties by id."""
    order = sorted(range(len(logits)), key=lambda id: (-logits[id], id))[:count]
    return order, [float(logits[id]) for id in order]


def draws(sampling: Sampling, count: int, logits: Array = LOGITS) -> list[int]:
    sampler = Sampler(sampling)
    ids, values = ranked(logits)
    return [sampler.choose(ids, values, HISTORY) for _ in range(count)]


@each_chain
def test_draws_follow_llama_cpps_chain(sampling: Sampling) -> None:
    """Chi-square with a fixed seed: above the 99.9 % point, a right chain fails 1 time in 1000."""
    expected = probabilities(LOGITS, sampling, HISTORY)
    count = 6000

    drawn = Counter(draws(sampling, count))

    assert all(expected[id] > 0 for id in drawn)
    often = expected * count >= 5  # rarer ones are pooled
    observed = np.array([drawn[id] for id in range(VOCAB)], float)
    pooled = [
        (observed[often], expected[often] * count),
        (observed[~often].sum(keepdims=True), expected[~often].sum(keepdims=True) * count),
    ]
    square = sum(((seen - want) ** 2 / np.maximum(want, 1)).sum() for seen, want in pooled)
    freedom = max(1, int(often.sum()))
    assert square < freedom + 3.1 * math.sqrt(2 * freedom) + 7


@each_chain
def test_the_wanted_candidates_decide_as_all_do(sampling: Sampling) -> None:
    wanted = Sampler(sampling).wanted(HISTORY)
    some, all_of_them = Sampler(replace(sampling, seed=5)), Sampler(replace(sampling, seed=5))

    for _ in range(300):
        chosen = some.choose(*ranked(LOGITS, wanted), HISTORY)
        assert chosen == all_of_them.choose(*ranked(LOGITS), HISTORY)


@pytest.mark.parametrize(
    ("sampling", "wanted"),
    [
        (Sampling(temperature=0), 1),
        (Sampling(), 40),
        (Sampling(top_k=0), None),
        (Sampling(repeat_penalty=1.1), 40 + len(set(HISTORY))),
        (Sampling(repeat_penalty=1.1, repeat_last_n=2), 42),
        (Sampling(temperature=0, repeat_penalty=1.1, repeat_last_n=2), 3),
        (Sampling(repeat_penalty=0.9), None),
        (Sampling(top_k=MOST_CANDIDATES), MOST_CANDIDATES),
        (Sampling(top_k=MOST_CANDIDATES + 1), None),
    ],
)
def test_how_many_candidates_are_wanted(sampling: Sampling, wanted: int | None) -> None:
    assert Sampler(sampling).wanted(HISTORY) == wanted


def test_the_same_seed_draws_the_same() -> None:
    assert draws(replace(PLAIN, seed=9), 50) == draws(replace(PLAIN, seed=9), 50)
    assert draws(replace(PLAIN, seed=9), 50) != draws(replace(PLAIN, seed=10), 50)


def test_no_seed_draws_anew_each_time() -> None:
    assert draws(replace(PLAIN, seed=None), 50) != draws(replace(PLAIN, seed=None), 50)


def test_ties_go_to_the_lowest_id() -> None:
    logits = np.array([1.0, 3.0, 3.0, 3.0])

    assert draws(Sampling(temperature=0), 1, logits) == [1]
    assert set(draws(Sampling(top_k=2, top_p=1, seed=1), 100, logits)) == {1, 2}


@pytest.mark.parametrize("logits", [[1e30, -1e30], [-3e38, -3e38], [3e38, 0]])
def test_extreme_logits_draw_something(logits: Sequence[float]) -> None:
    chosen = draws(Sampling(temperature=0.01, seed=0, repeat_penalty=1.0), 20, np.array(logits))

    assert set(chosen) <= {0, 1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1), ("temperature", math.nan), ("temperature", math.inf),
        ("top_k", -1), ("top_p", 0), ("top_p", 1.01), ("top_p", math.nan), ("min_p", -0.1),
        ("min_p", 1.1), ("repeat_penalty", 0), ("repeat_penalty", math.nan),
        ("repeat_last_n", -2),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=f"^{name} is ") as refused:
        replace(PLAIN, **{name: value})  # type: ignore[arg-type]

    assert refused.value.param == name
