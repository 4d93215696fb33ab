"""DRY, XTC and mirostat, which go by more than one step's logits, against the NumPy twin."""

import math
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from twins import Array
from twins.sampling import changed, mirostat_kept, probabilities, repeated
from wgslm.errors import RequestError
from wgslm.sampling import Breakers, Sampler, Sampling, Whole, uniform_random
from wgslm.sampling.dry import penalties, repetitions
from wgslm.sampling.mirostat import Mirostat

VOCAB = 60
LOGITS: Array = 1.5 * np.random.default_rng(3).standard_normal(VOCAB)
PLAIN = Sampling(temperature=1, top_k=0, top_p=1, min_p=0, seed=1)
ORDER = sorted(range(VOCAB), key=lambda id: -LOGITS[id])
VALUES = [float(LOGITS[id]) for id in ORDER]
BREAKERS: Breakers = {3: [()], 5: [(6,), (6, 7)], 8: [(8, 8)]}


@pytest.mark.parametrize(
    "sampling",
    [
        replace(PLAIN, dry_multiplier=0.8),
        replace(PLAIN, dry_multiplier=2, dry_base=1, dry_allowed_length=0),
        replace(PLAIN, dry_multiplier=0.1, dry_base=1.1, dry_penalty_last_n=9),
        replace(PLAIN, dry_multiplier=0.1, dry_base=3, dry_allowed_length=4),
        replace(PLAIN, dry_multiplier=0.1, dry_allowed_length=20),
    ],
)
@pytest.mark.parametrize("breakers", [{}, BREAKERS], ids=["no breakers", "breakers"])
def test_dry_lowers_what_the_twin_lowers(sampling: Sampling, breakers: Breakers) -> None:
    chance = random.Random(5)
    lowered = 0
    for count in range(200):
        letters = chance.choice([(1,), (1, 2), (1, 3), (5, 6, 7), (5, 8), tuple(range(9))])
        history = [chance.choice(letters) for _ in range(count % 50)]
        expected = {
            id: sampling.dry_multiplier * sampling.dry_base ** (n - sampling.dry_allowed_length)
            for id, n in repeated(history, sampling, breakers).items()
        }
        found = penalties(history, sampling, breakers)

        assert found == pytest.approx(expected)
        lowered += len(found)
    assert lowered > 20


def test_dry_example_of_llama_cpp() -> None:
    """Its comment: after "a b c c b c y a b c", c goes on with 3, y with 2 and b with 1 token."""
    a, b, c, y = range(4)
    history = [a, b, c, c, b, c, y, a, b, c]

    assert repetitions(history)[1:] == [0, 0, 0, 2, 0, 1, 3, 0, 0]
    found = penalties(history, replace(PLAIN, dry_multiplier=1, dry_allowed_length=1), {})
    assert found == pytest.approx({c: 1.75**2, y: 1.75, b: 1.0})


def test_a_power_beyond_all_floats_is_as_high_as_llama_cpp_lets_it_be() -> None:
    sampling = replace(PLAIN, dry_multiplier=1, dry_base=10, dry_allowed_length=1)

    assert penalties([4] * 500, sampling, {}) == {4: pytest.approx(1e38)}


def test_repetitions_take_linear_time() -> None:
    """A quadratic way would take 1.8e9 comparisons."""
    assert repetitions([1] * 60_000)[1] == 59_999
    assert max(repetitions([1, 2] * 30_000)) == 59_998


def test_dry_follows_the_history_as_it_grows() -> None:
    sampling = replace(PLAIN, dry_multiplier=3, temperature=0)
    sampler, history = Sampler(sampling, BREAKERS), [1, 2, 9, 1, 2]

    for _ in range(40):
        expected = probabilities(LOGITS, sampling, history, BREAKERS)
        history.append(sampler.choose(ORDER, VALUES, history))
        assert expected[history[-1]] == 1

    assert len(set(history[5:])) > 3  # a greedy answer from equal logits would be one id


XTC = {
    "half": replace(PLAIN, xtc_probability=0.5, xtc_threshold=0.05),
    "always": replace(PLAIN, xtc_probability=1, xtc_threshold=0.1),
    "after others, before temperature": replace(
        PLAIN, xtc_probability=1, xtc_threshold=0.08, top_k=6, min_p=0.3, temperature=2
    ),
    "a threshold that one reaches": replace(PLAIN, xtc_probability=1, xtc_threshold=0.5),
    "greedy": replace(PLAIN, xtc_probability=1, xtc_threshold=0.05, temperature=0),
}


@pytest.mark.parametrize("sampling", XTC.values(), ids=XTC)
def test_xtc_leaves_out_the_likeliest_as_often_as_it_should(sampling: Sampling) -> None:
    """Chi-square with a fixed seed, of the mixture of both distributions."""
    count, share = 6000, sampling.xtc_probability
    due = probabilities(LOGITS, sampling, is_xtc_due=True)
    expected = count * (share * due + (1 - share) * probabilities(LOGITS, sampling))
    sampler = Sampler(sampling)

    drawn = Counter(sampler.choose(ORDER, VALUES, []) for _ in range(count))

    seen = np.array([drawn[id] for id in range(VOCAB)], float)
    assert seen[expected == 0].sum() == 0
    often = expected >= 5
    square = ((seen - expected)[often] ** 2 / expected[often]).sum()
    freedom = max(1, int(often.sum()))
    assert square < freedom + 3.1 * math.sqrt(2 * freedom) + 7


def drawn_by(chances: Array, point: float) -> int:
    """Return the id that a point falls on, the likeliest first."""
    order = sorted(range(VOCAB), key=lambda id: -chances[id])
    return order[int((np.cumsum(chances[order]) <= point).sum())]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("tau", [0.5, 2.5, 5.0])
@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_mirostat_draws_and_learns_as_the_twin_does(
    version: int, tau: float, temperature: float
) -> None:
    sampling = replace(
        PLAIN, mirostat=version, mirostat_tau=tau, mirostat_eta=0.2, temperature=temperature,
        seed=7, repeat_penalty=1.3,
    )  # fmt: skip
    sampler, rng, mu, history = Sampler(sampling), np.random.default_rng(8), 2 * tau, [1, 2]

    for step in range(300):
        logits = 2.5 * rng.standard_normal(VOCAB)
        order = sorted(range(VOCAB), key=lambda id: -logits[id])
        chances = probabilities(logits, sampling, history, mu=mu)
        expected = drawn_by(chances, uniform_random(7, step))

        id = sampler.choose(order, [float(logits[id]) for id in order], history)

        assert id == expected
        mu -= 0.2 * (-math.log2(chances[id]) - tau)
        history.append(id)


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_reaches_its_target(version: int) -> None:
    """Version 1's estimate is of Zipf's law, so the logits have to follow one."""
    sampling = replace(PLAIN, mirostat=version, mirostat_tau=3)
    mirostat, zipf = Mirostat(sampling), [-1.1 * math.log(id + 1) for id in range(2000)]
    total = sum(map(math.exp, zipf))
    surprises = []

    for step in range(3000):
        id = mirostat.choose(Whole(zipf), uniform_random(5, step))
        surprises.append(-math.log2(math.exp(zipf[id]) / total))

    # after the cut tokens are likelier, so what it aims at is below their surprise among all
    assert np.mean(surprises[1000:]) > 3
    assert mirostat.limit == pytest.approx(np.log2(2000), abs=8)


@pytest.mark.parametrize("logits", [[0.0], [0.0] * 50, [30.0] + [-30.0] * 40, [1e30, -1e30]])
@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_draws_from_whatever_there_is(logits: list[float], version: int) -> None:
    sampler = Sampler(replace(PLAIN, mirostat=version, mirostat_tau=0.1))

    chosen = {sampler.choose(range(len(logits)), logits, []) for _ in range(60)}

    assert chosen <= set(range(len(logits)))


def test_the_twin_of_mirostat_cuts_a_tail() -> None:
    order = np.lexsort((-LOGITS,))

    assert 1 < len(mirostat_kept(LOGITS, order, 2, 4.0)) < VOCAB
    assert 1 < len(mirostat_kept(LOGITS, order, 1, 4.0)) < VOCAB
    assert np.array_equal(changed(LOGITS, PLAIN, [1]), LOGITS)


@pytest.mark.parametrize(
    ("name", "value"),
    [("typical_p", 0.9), ("top_n_sigma", 1), ("xtc_probability", 0.5), ("dynatemp_range", 0.5)],
)
def test_what_mirostat_takes_the_place_of_is_refused_beside_it(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=f"{name} is {value}; mirostat takes its place"):
        replace(PLAIN, mirostat=2, **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("breakers", [("",), ("x" * 41,), ("x",) * 65])
def test_breakers_that_cannot_be_are_refused(breakers: tuple[str, ...]) -> None:
    with pytest.raises(RequestError, match=r"^dry_sequence_breakers"):
        Sampling(dry_sequence_breakers=breakers)
