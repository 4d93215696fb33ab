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
from wgslm.kernels.sample import MOST_BIASES, MOST_RECENT, MOST_STOPS, Settings
from wgslm.kernels.sample import MOST_CANDIDATES as MOST_ON_GPU
from wgslm.sampling import (
    MOST_CANDIDATES,
    Sampler,
    Sampling,
    Whole,
    gpu_settings,
    log_of_total,
    uniform_random,
)

VOCAB = 60
LOGITS: Array = 1.5 * np.random.default_rng(3).standard_normal(VOCAB)
HISTORY = [*np.argsort(-LOGITS)[:3].tolist(), 7, 8, 7, int(LOGITS.argmin()), 9]
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
    "presence": replace(PLAIN, presence_penalty=1.5),
    "frequency": replace(PLAIN, frequency_penalty=0.8, repeat_last_n=-1),
    "favour what was said": replace(PLAIN, top_k=20, presence_penalty=-1),
    "bias": replace(PLAIN, logit_bias=((3, 2.5), (int(LOGITS.argmax()), -100))),
    "bias down": replace(PLAIN, top_k=9, logit_bias=((int(LOGITS.argmax()), -2),)),
    "typical": replace(PLAIN, typical_p=0.5),
    "barely typical": replace(PLAIN, typical_p=1e-9),
    "typical of few, then top_p": replace(PLAIN, typical_p=0.9, top_k=20, top_p=0.8),
    "typical at no temperature": replace(PLAIN, temperature=0, typical_p=0.3),
    "dry": replace(PLAIN, dry_multiplier=0.5, dry_allowed_length=1),
    "dry of few": replace(PLAIN, top_k=8, dry_multiplier=2, dry_allowed_length=0),
    "dry of the last five": replace(
        PLAIN, dry_multiplier=2, dry_allowed_length=1, dry_penalty_last_n=5
    ),
    "top_n_sigma": replace(PLAIN, top_n_sigma=1.2),
    "top_n_sigma after biases, then top_k": replace(
        PLAIN, top_n_sigma=2, top_k=9, logit_bias=((3, -4.0), (8, 5.0))
    ),
    "top_n_sigma of few": replace(
        PLAIN, top_n_sigma=1.5, top_k=20, repeat_penalty=1.4, logit_bias=((8, -5.0),)
    ),
    "no top_n_sigma": replace(PLAIN, top_n_sigma=0),
    "dynamic temperature": replace(PLAIN, dynatemp_range=0.8),
    "dynamic temperature from 0": replace(PLAIN, dynatemp_range=3, dynatemp_exponent=1.7),
    "dynamic temperature of few": replace(PLAIN, temperature=0, dynatemp_range=1, top_k=12),
    "mirostat at no temperature": Sampling(temperature=0, mirostat=2),
    "everything": Sampling(0.9, 20, 0.9, 0.02, 1.3, 4, 2, 0.95, 0.3, 0.2, ((5, 1.0),)),
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

    assert_follows(drawn, expected, count)


def assert_follows(drawn: Counter[int], expected: Array, count: int) -> None:
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


MORE_CHAINS = {
    **CHAINS,
    "xtc": replace(PLAIN, xtc_probability=0.5, xtc_threshold=0.02),
    "xtc of a nucleus": replace(PLAIN, xtc_probability=1, xtc_threshold=0.02, top_p=0.9),
    "typical of most": replace(PLAIN, typical_p=0.97, temperature=1.3),
    "typical, then a nucleus": replace(PLAIN, typical_p=0.7, top_p=0.6, min_p=0.01),
    "nearly all": replace(PLAIN, top_p=0.99999, temperature=1.7),
    "both": replace(PLAIN, top_p=0.8, min_p=0.001, dynatemp_range=0.5),
    "scorching": replace(PLAIN, temperature=60),
    "many": replace(PLAIN, top_k=300, top_p=0.99),
    "mirostat": Sampling(mirostat=2, mirostat_tau=3, seed=5),
    "hot mirostat": Sampling(mirostat=2, temperature=2, mirostat_eta=1, repeat_penalty=1.2),
    "the first mirostat": Sampling(mirostat=1, mirostat_tau=4, seed=5),
}


@pytest.mark.parametrize("sampling", MORE_CHAINS.values(), ids=MORE_CHAINS)
@pytest.mark.parametrize("spread", [0.0, 0.3, 2.0, 30.0])
def test_a_draw_from_all_logits_is_that_from_all_in_order(
    sampling: Sampling, spread: float
) -> None:
    logits = spread * np.random.default_rng(6).standard_normal(900)
    logits[::7] = logits[3]  # ties
    seeded = replace(sampling, seed=8)
    sampler, other, third = Sampler(seeded), Sampler(seeded), Sampler(seeded)
    history, ids = list(HISTORY), [*range(0, 900, 3), 7, 8]
    ids.sort()
    some = Whole([float(logits[id]) for id in ids], ids)
    alone = np.full(900, -np.inf)
    alone[ids] = logits[ids]
    kept = [(id, logit) for id, logit in zip(*ranked(alone), strict=True) if logit > -np.inf]

    for _ in range(12):
        id = sampler.choose_among(Whole(logits.tolist()), history)
        assert id == other.choose(*ranked(logits), history)
        of_some = third.choose_among(Whole(some.logits, ids), history)
        assert of_some in ids
        history.append(id)
    fourth = Sampler(seeded)
    again = Sampler(seeded)
    pairs = [id for id, _ in kept], [logit for _, logit in kept]
    assert again.choose_among(some, HISTORY) == fourth.choose(*pairs, HISTORY)


@each_chain
def test_the_wanted_candidates_decide_as_all_do(sampling: Sampling) -> None:
    wanted = Sampler(sampling).wanted(HISTORY)
    some, all_of_them = Sampler(replace(sampling, seed=5)), Sampler(replace(sampling, seed=5))
    every = LOGITS.tolist() if some.needs_every else None

    for _ in range(300):
        chosen = some.choose(*ranked(LOGITS, wanted), HISTORY, every)
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
        (Sampling(presence_penalty=0.9, repeat_last_n=2), 42),
        (Sampling(frequency_penalty=-0.9), None),
        (Sampling(logit_bias=((3, -1), (9, -1)), presence_penalty=0.1, repeat_last_n=2), 43),
        (Sampling(logit_bias=((3, -1), (9, 1))), None),
        (Sampling(top_k=MOST_CANDIDATES), MOST_CANDIDATES),
        (Sampling(dry_multiplier=1, dry_allowed_length=1), 41),  # 9 was not said yet; 8 was, once
        (Sampling(top_n_sigma=1), 40),
        (Sampling(temperature=0, top_n_sigma=1), 1),
        (Sampling(mirostat=1), None),
        (Sampling(xtc_probability=1, dynatemp_range=1), 40),
        (Sampling(temperature=0, xtc_probability=1), 40),
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


@pytest.mark.parametrize("shift", [0.0, 500.0, -650.0, 3e4, -3e4])
def test_the_total_of_all_logits_is_numpys_however_high_they_are(shift: float) -> None:
    logits = 9 * np.random.default_rng(4).standard_normal(5000) + shift
    expected = float(np.logaddexp.reduce(logits))

    assert log_of_total(logits.tolist(), logits.max()) == pytest.approx(expected, abs=1e-9)


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
        ("typical_p", 0), ("presence_penalty", 2.1), ("frequency_penalty", math.nan),
        ("min_p", 1.1), ("repeat_penalty", 0.09), ("repeat_penalty", math.nan),
        ("repeat_last_n", -2), ("dry_multiplier", -1), ("dry_base", 0.9), ("dry_base", math.nan),
        ("dry_allowed_length", -1), ("dry_penalty_last_n", -2), ("top_n_sigma", -0.5),
        ("top_n_sigma", math.inf), ("xtc_probability", 1.1), ("xtc_threshold", -0.1),
        ("dynatemp_range", -1), ("dynatemp_exponent", math.nan), ("mirostat", 3),
        ("mirostat_tau", -1), ("mirostat_eta", 1.1),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=f"^{name} is ") as refused:
        replace(PLAIN, **{name: value})  # type: ignore[arg-type]

    assert refused.value.param == name


@pytest.mark.parametrize("bias", [100.5, -101, math.nan])
def test_a_bias_out_of_range_is_refused(bias: float) -> None:
    with pytest.raises(RequestError, match="-100 to 100 for token 7"):
        Sampling(logit_bias=((3, 1), (7, bias)))


def test_a_bias_given_twice_is_refused() -> None:
    with pytest.raises(RequestError, match="logit_bias names a token twice"):
        Sampling(logit_bias=((3, 1), (3, 2)))


def gpu(sampling: Sampling, stops: int = 2, context: int = 4096) -> Settings | None:
    return gpu_settings(sampling, 1, 10, range(stops), context)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(top_k=0),
        Sampling(top_k=MOST_ON_GPU + 1),
        Sampling(repeat_penalty=1.1, repeat_last_n=-1),
        Sampling(presence_penalty=1, repeat_last_n=MOST_RECENT + 1),
        Sampling(logit_bias=tuple((id, 1.0) for id in range(MOST_BIASES + 1))),
        Sampling(dry_multiplier=0.1),
        Sampling(top_n_sigma=1),
        Sampling(xtc_probability=0.1),
        Sampling(dynatemp_range=0.1),
        Sampling(mirostat=1),
    ],
)
def test_what_the_gpu_leaves_to_this_chain(sampling: Sampling) -> None:
    assert gpu(sampling) is None


def test_what_the_gpu_draws() -> None:
    greedy = gpu(Sampling(temperature=0, top_k=0))
    penalised = gpu(Sampling(repeat_penalty=1.1, repeat_last_n=-1), context=MOST_RECENT)

    assert greedy and (greedy.top_k, greedy.typical_p, greedy.last_n) == (1, 1, 0)
    assert penalised and penalised.last_n == MOST_RECENT
    assert gpu(Sampling(top_k=MOST_ON_GPU, repeat_last_n=-1))


def test_what_is_typical_may_not_be_the_highest_so_greedy_keeps_its_candidates() -> None:
    found = gpu(Sampling(temperature=0, typical_p=0.5))

    assert found and (found.top_k, found.typical_p) == (40, 0.5)


@pytest.mark.parametrize(("stops", "least"), [(MOST_STOPS, 5), (MOST_STOPS + 1, None)])
def test_the_gpu_must_know_the_ends_that_it_must_not_draw(stops: int, least: int | None) -> None:
    found = gpu_settings(Sampling(), 1, 10, range(stops), 4096, 5)

    assert (found and found.least) == least


@pytest.mark.parametrize(("count", "watched"), [(0, 0), (MOST_STOPS, MOST_STOPS), (17, 0)])
def test_more_stop_ids_than_the_gpu_watches_for_are_left_to_the_reader(
    count: int, watched: int
) -> None:
    found = gpu(Sampling(), stops=count)

    assert found and len(found.stops) == watched


def test_random_numbers_are_uniform_and_differ_by_seed_and_counter() -> None:
    count = 20_000
    numbers = np.array([uniform_random(seed, i) for seed in (1, 1 << 40) for i in range(count)])

    assert 0 <= numbers.min() and numbers.max() < 1
    cells = np.histogram(numbers, 64, (0, 1))[0]
    square = ((cells - 2 * count / 64) ** 2 / (2 * count / 64)).sum()
    assert square < 63 + 3.1 * math.sqrt(2 * 63) + 7
    pairs = np.corrcoef([numbers[:count], numbers[count:], np.roll(numbers[:count], 1)])
    assert np.abs(pairs - np.eye(3)).max() < 4 / math.sqrt(count)


# A dynamic temperature goes by how many candidates there are, barred ones too, as llama.cpp's does.
@pytest.mark.parametrize("name", [name for name in CHAINS if "dynamic" not in name])
def test_a_barred_token_is_as_if_it_did_not_exist(name: str) -> None:
    """Not even for top-n-sigma's deviation, as in llama.cpp; a bias does not bring it back."""
    barred = int(LOGITS.argmax())
    sampling = replace(CHAINS[name], seed=7)
    others = [id for id in range(VOCAB) if id != barred]
    history = [id for id in HISTORY if id != barred]
    hidden = Sampler(sampling.barring([barred]))
    without = Sampler(sampling)

    for _ in range(20):
        id = hidden.choose_among(Whole(LOGITS.tolist()), history)
        assert id == without.choose_among(Whole(LOGITS[others].tolist(), others), history)


@pytest.mark.parametrize("name", ["plain", "top_n_sigma"])
def test_where_nothing_else_may_follow_a_barred_token_is_drawn(name: str) -> None:
    sampler = Sampler(CHAINS[name].barring([3, 4]))

    assert sampler.choose_among(Whole([2.0, 1.0], [3, 4]), []) in (3, 4)
