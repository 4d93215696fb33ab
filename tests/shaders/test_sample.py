"""The draw on the GPU against the CPU's chain: the same ids for the same seed, and what follows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from run_kernel import run, slot, step_words
from twins.sampling import changed, probabilities
from wgslm.gpu import Device
from wgslm.kernels import STEP, STEP_IDS, Ref
from wgslm.kernels.sample import (
    BY_NOT_NUMBERS,
    CHUNKS,
    MOST_CANDIDATES,
    MOST_RECENT,
    MOST_STOPS,
    SAMPLED_NBYTES,
    SAMPLING_NBYTES,
    Settings,
    maxima_nbytes,
    pack_history,
    sample,
)
from wgslm.sampling import Sampler, Sampling, gpu_settings

pytestmark = pytest.mark.gpu
LOGITS, MAXIMA = slot("logits"), Ref("state", "maxima")
SAMPLING, SAMPLED = Ref("state", "sampling"), Ref("state", "sampled")
CONTEXT = 1024
GREEDY = Sampling(temperature=0, seed=1)


def settings(
    sampling: Sampling, budget: int = 100, stops: tuple[int, ...] = (), least: int = 0
) -> Settings:
    """Return what the GPU reads; the sampling must be one that it can do."""
    found = gpu_settings(sampling, sampling.seed or 0, budget, stops, CONTEXT, least)
    assert found is not None
    return found


def padded(data: bytes, nbytes: int) -> NDArray[np.uint32]:
    return np.frombuffer(data + bytes(nbytes - len(data)), np.uint32)


class Gpu:
    """Draws in a row, each from the same logits, with the state handed on."""

    def __init__(
        self, device: Device, logits: NDArray[np.float32], how: Settings, history: list[int]
    ) -> None:
        """Begin a generation in a step of three tokens from position 7 on."""
        self.device = device
        self.dispatch = sample(LOGITS, MAXIMA, SAMPLING, SAMPLED, len(logits))
        self.memory: dict[Ref, NDArray[Any]] = {
            STEP: step_words(count=3, position=7, ids=[5, 6, 7]),
            LOGITS: logits,
            MAXIMA: np.zeros(maxima_nbytes(len(logits)) // 4, np.uint32),
            SAMPLING: padded(how.pack(), SAMPLING_NBYTES),
            SAMPLED: padded(pack_history(history), SAMPLED_NBYTES),
        }

    def draw(self) -> int:
        """Return the next id, and keep the changed logits."""
        after = run(self.device, self.dispatch, self.memory)
        self.memory[STEP], self.memory[SAMPLED] = after[STEP], after[SAMPLED]
        self.logits = after[LOGITS]
        return int(self.memory[SAMPLED][2])

    def draw_many(self, count: int) -> NDArray[np.uint32]:
        """Return the ids of draws submitted together: the ring for penalties holds them."""
        after = run(self.device, [self.dispatch] * count, self.memory)
        return after[SAMPLED][4 : 4 + count]

    @property
    def step(self) -> list[int]:
        """Count, position, and the first id of the next step."""
        words = self.memory[STEP]
        return [int(words[0]), int(words[1]), int(words[STEP_IDS])]

    @property
    def result(self) -> list[int]:
        """How many ids were drawn, why no more, the last id, how many were seen."""
        return [int(word) for word in self.memory[SAMPLED][:4]]


def drawn(device: Device, logits: NDArray[np.float32], sampling: Sampling) -> int:
    return Gpu(device, logits, settings(sampling), []).draw()


def random_logits(vocab: int, spread: float = 3.0) -> NDArray[np.float32]:
    return (spread * np.random.default_rng(vocab).standard_normal(vocab)).astype(np.float32)


@pytest.mark.parametrize("vocab", [1, 2, 31, 255, 256, 257, 8191, 8192, 8193, 32000, 151936])
def test_greedy_takes_the_highest(device: Device, vocab: int) -> None:
    logits = random_logits(vocab)

    assert drawn(device, logits, GREEDY) == int(np.argmax(logits))


@pytest.mark.parametrize("at", [[0, 1], [5, 261, 8197], [256, 1], [8191, 8192], [31999]])
def test_equal_logits_go_to_the_lowest_id(device: Device, at: list[int]) -> None:
    logits = np.full(32000, -2, np.float32)
    logits[at] = -1

    assert drawn(device, logits, GREEDY) == min(at)


@pytest.mark.parametrize("history", [[], [3, 3, 3, 9, 700, 9], list(range(100)) * 15])
@pytest.mark.parametrize("last_n", [4, 64, MOST_RECENT])
def test_biases_and_penalties_change_the_logits_as_the_twin_does(
    device: Device, history: list[int], last_n: int
) -> None:
    logits = random_logits(1000)
    how = replace(
        GREEDY, repeat_penalty=1.3, presence_penalty=0.5, frequency_penalty=-0.25,
        repeat_last_n=last_n, logit_bias=((3, 7.5), (999, -4), (700, 100)),
    )  # fmt: skip
    gpu = Gpu(device, logits, settings(how), history)

    id = gpu.draw()

    expected = changed(logits.astype(np.float64), how, history)
    assert np.allclose(gpu.logits, expected, rtol=0, atol=2e-5)  # 4 roundings of up to 100
    assert id == int(np.argmax(expected))


def test_drawn_ids_are_penalised_too(device: Device) -> None:
    gpu = Gpu(device, random_logits(50), settings(replace(GREEDY, presence_penalty=2)), [])

    first = gpu.draw()
    gpu.draw()

    assert gpu.logits[first] == pytest.approx(random_logits(50)[first] - 2)


CHAINS = {
    "default": Sampling(seed=1),
    "hot": Sampling(2.5, 100, 1, 0, seed=2),
    "the most candidates": Sampling(3, 256, 1, 0, seed=(1 << 64) - 1),
    "top_k of one": Sampling(top_k=1, seed=4),
    "top_p": Sampling(1.5, 200, 0.7, 0, seed=5),
    "top_p that is nothing in f32": Sampling(1.5, 200, 1e-46, 0, seed=5),
    "min_p": Sampling(1.5, 200, 1, 0.1, seed=6),
    "typical": Sampling(1, 200, 1, 0, seed=1 << 40, typical_p=0.6),
    "cold": Sampling(0.01, seed=8),
    "typical at no temperature": Sampling(0, 200, 1, 0, seed=8, typical_p=0.3),
    "nearly greedy": Sampling(1e-44, seed=8),
    "everything": Sampling(1.2, 50, 0.95, 0.01, seed=9, typical_p=0.9, logit_bias=((7, 2.0),)),
}


@pytest.mark.parametrize("sampling", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("vocab", [60, 20_000])
def test_the_same_seed_draws_the_same_ids(device: Device, vocab: int, sampling: Sampling) -> None:
    """Sums differ by roundings of f32, about 1e-6: so rarely does a draw fall between the two."""
    logits, count = random_logits(vocab), 100
    unbiased = replace(sampling, logit_bias=())  # it would be added again in every draw
    logits[[id for id, _ in sampling.logit_bias]] += [bias for _, bias in sampling.logit_bias]
    gpu = Gpu(device, logits, settings(unbiased, budget=10_000), [])

    actual = gpu.draw_many(count)

    sampler = Sampler(unbiased)
    order = np.lexsort((np.arange(vocab), -logits))
    ids, values = order.tolist(), logits[order].astype(float).tolist()
    expected = np.array([sampler.choose(ids, values, []) for _ in range(count)])
    differing = int((actual != expected).sum())
    print(f"{differing} of {count} draws differ")
    assert differing <= 1


@pytest.mark.parametrize("name", ["default", "typical", "top_p"])
def test_draws_follow_the_chain(device: Device, name: str) -> None:
    """Chi-square with a fixed seed, as for the CPU's chain; here on the GPU's own draws."""
    logits = random_logits(60, spread=1.5)
    count, sampling = 1000, replace(CHAINS[name], seed=77)
    expected = count * probabilities(logits.astype(np.float64), sampling)

    ids = Gpu(device, logits, settings(sampling, budget=10_000), []).draw_many(count)

    seen = np.bincount(ids, minlength=60)
    assert seen[expected == 0].sum() == 0
    often = expected >= 5
    square = ((seen - expected)[often] ** 2 / expected[often]).sum()
    freedom = max(1, int(often.sum()))
    assert square < freedom + 3.1 * np.sqrt(2 * freedom) + 7


@pytest.mark.parametrize("k", [40, 256])
@pytest.mark.parametrize("kind", ["ramp", "ties", "equal", "one lane", "zeros of both signs"])
def test_the_highest_are_found_whatever_the_logits_are(device: Device, kind: str, k: int) -> None:
    """At this temperature all candidates are about alike, so the last ones are drawn too."""
    vocab = 20_000
    logits = np.linspace(-3, 3, vocab, dtype=np.float32)
    if kind == "ties":
        logits = np.round(logits)
    elif kind == "equal":
        logits[:] = -7
    elif kind == "one lane":
        logits[:] = -1
        logits[7::256] = np.linspace(0, 1, len(logits[7::256]))
    elif kind == "zeros of both signs":
        logits = np.where(np.arange(vocab) % 2, np.float32(-0.0), np.float32(0.0))
    how = settings(Sampling(100, k, 1, 0, seed=3), budget=10_000)

    ids = Gpu(device, logits, how, []).draw_many(150)

    bits = logits.view(np.int32)
    keys = np.where(bits < 0, ~(bits & 0x7FFFFFFF), bits)  # orders like floats, -0.0 below 0.0
    highest = np.lexsort((np.arange(vocab), -keys.astype(np.int64)))[:k].tolist()
    assert set(ids.tolist()) <= set(highest)
    assert max(highest.index(id) for id in ids.tolist()) >= 0.9 * k - 1


@pytest.mark.parametrize("bits", [0x7FC00000, 0xFFC00001, 0x7F800000])
@pytest.mark.parametrize("at", [0, 300, 2999])
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(seed=1)], ids=["greedy", "drawn"])
def test_what_is_no_number_ends_the_draw(
    device: Device, at: int, bits: int, sampling: Sampling
) -> None:
    logits = random_logits(3000)
    logits.view(np.uint32)[at] = bits
    gpu = Gpu(device, logits, settings(sampling), [])

    gpu.draw()

    assert gpu.result[:2] == [0, BY_NOT_NUMBERS]
    assert gpu.step[0] == 0


def test_low_infinities_that_are_no_candidates_change_nothing(device: Device) -> None:
    logits = random_logits(3000)
    logits[5:] = -np.inf

    assert drawn(device, logits, GREEDY) == int(np.argmax(logits))


def test_a_draw_moves_the_step_on(device: Device) -> None:
    logits = random_logits(400)
    gpu = Gpu(device, logits, settings(GREEDY), [4, 5])
    id = gpu.draw()

    assert gpu.step == [1, 10, id]  # three tokens from position 7 on were read
    assert gpu.result == [1, 0, id, 3]
    assert gpu.draw() == id and gpu.step == [1, 11, id]


@pytest.mark.parametrize(("budget", "stops", "done"), [(1, (), 2), (5, (0,), 0), (5, (0, 1), 1)])
def test_after_the_end_nothing_changes(
    device: Device, budget: int, stops: tuple[int, ...], done: int
) -> None:
    logits = np.array([0, 1, -1], np.float32)  # 1 is drawn
    gpu = Gpu(device, logits, settings(GREEDY, budget, stops), [])

    gpu.draw()
    first = (gpu.step, gpu.result)
    gpu.draw()

    assert first == ([int(not done), 10, 1], [1, done, 1, 1])
    assert (gpu.step, gpu.result) == (first if done else ([1, 11, 1], [2, 0, 1, 2]))


@pytest.mark.parametrize("vocab", [20, 1000])
@pytest.mark.parametrize("least", [0, 1, 3])
def test_no_stop_is_drawn_before_the_least_length(device: Device, vocab: int, least: int) -> None:
    logits = random_logits(vocab)
    ranked = np.argsort(-logits).tolist()
    stops = (*ranked[:2], vocab + 7)  # the last one is in no vocabulary
    gpu = Gpu(device, logits, settings(GREEDY, 10, stops, least), [])

    ids = [gpu.draw() for _ in range(least)]
    kept = gpu.logits.copy() if least else logits
    gpu.memory[LOGITS] = logits
    last = gpu.draw()

    assert ids == [ranked[2]] * least
    assert last == ranked[0] and gpu.result[:2] == [least + 1, 1]
    others = [id for id in range(vocab) if id not in stops]
    assert np.array_equal(kept[others], logits[others])


def test_draws_without_stops_follow_the_chain(device: Device) -> None:
    """All 60 are candidates, the barred ones too: they have no chance."""
    logits = random_logits(60, spread=1.5)
    stops, sampling = (int(logits.argmax()), 5), Sampling(2.0, 256, 1, 0, seed=3)
    order = [id for id in np.argsort(-logits).tolist() if id not in stops]
    sampler = Sampler(sampling)

    ids = Gpu(device, logits, settings(sampling, 200, stops, 200), []).draw_many(100)

    values = [float(logits[id]) for id in order]
    expected = np.array([sampler.choose(order, values, []) for _ in range(100)])
    assert (ids != expected).sum() <= 1


def test_the_shader_and_its_packing_agree() -> None:
    shader = sample(LOGITS, MAXIMA, SAMPLING, SAMPLED, 1).program.source()

    assert shader.constant("WG") == MOST_CANDIDATES
    assert shader.constant("RING_SIZE") == MOST_RECENT
    assert shader.constant("RING") * 4 == len(pack_history([]))
    assert shader.constant("STOPS") + MOST_STOPS == shader.constant("BIASES")
    assert shader.constant("BIASES") * 4 == len(settings(GREEDY).pack())
    assert shader.constant("BY_NOT_NUMBERS") == BY_NOT_NUMBERS
    assert shader.constant("ROWS") * shader.constant("WG") == 32 * CHUNKS
