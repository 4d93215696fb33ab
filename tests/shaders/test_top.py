"""The highest logits: a superset of the wanted ones, whatever the logits are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from run_kernel import run, slot, step_words
from twins import top as twin
from wgslm.gpu import Device
from wgslm.kernels import STEP
from wgslm.kernels.top import FOUND_NBYTES, ROOM, chunk_count, top

pytestmark = pytest.mark.gpu
LOGITS, MAXIMA, FOUND = slot("logits"), slot("maxima"), slot("found")


def find(device: Device, logits: NDArray[np.float32], wanted: int) -> tuple[int, dict[int, int]]:
    """Return how many were counted, and the bits of those kept by id."""
    memory = {
        STEP: step_words(candidates=wanted),
        LOGITS: logits,
        MAXIMA: np.zeros(chunk_count(len(logits)), np.uint32),
        FOUND: np.full(FOUND_NBYTES // 4, 0xFFFFFFFF, np.uint32),
    }
    found = run(device, top(LOGITS, MAXIMA, FOUND, len(logits)), memory)[FOUND]
    count = int(found[0])
    pairs = found[2 : 2 + 2 * min(count, ROOM)].reshape(-1, 2).tolist()
    return count, dict(pairs)


def check_top(device: Device, logits: NDArray[np.float32], wanted: int) -> None:
    """Compare with the twin, and with what is promised: the `wanted` highest are there."""
    expected = twin.collected(logits, wanted)

    count, found = find(device, logits, wanted)

    assert count == len(expected)
    if count <= ROOM:
        bits = logits.view(np.uint32)
        assert found == {id: int(bits[id]) for id in expected}
        lowest_wanted = np.sort(twin.keys(logits))[-wanted]
        assert set(np.flatnonzero(twin.keys(logits) > lowest_wanted)) <= set(found)
        assert count >= wanted


@pytest.mark.parametrize("vocab", [1025, 2048, 32000, 151936])
@pytest.mark.parametrize("wanted", [1, 2, 31, 32])
def test_top_equals_twin(device: Device, vocab: int, wanted: int) -> None:
    logits = (5 * np.random.default_rng(vocab).standard_normal(vocab)).astype(np.float32)
    check_top(device, logits, wanted)


@pytest.mark.parametrize("shift", [0, -100, 100])
def test_neighbours_and_signs(device: Device, shift: int) -> None:
    """All of the highest in one chunk, and logits of one sign only."""
    logits = np.linspace(-3, 3, 3000, dtype=np.float32) + np.float32(shift)
    check_top(device, logits, 40)


def test_ties_are_all_found(device: Device) -> None:
    logits = np.zeros(5000, np.float32)
    logits[::100] = 2.5
    check_top(device, logits, 7)


def test_zeros_of_both_signs_are_told_apart(device: Device) -> None:
    logits = np.full(2000, -1, np.float32)
    logits[5:1000:50] = -0.0
    logits[7:1000:50] = 0.0
    check_top(device, logits, 3)


def test_everything_equal_overflows_visibly(device: Device) -> None:
    count, _ = find(device, np.full(3000, -7, np.float32), 5)

    assert count == 3000


@pytest.mark.parametrize("vocab", [1025, 2047])
def test_more_wanted_than_chunks_collects_everything(device: Device, vocab: int) -> None:
    logits = np.random.default_rng(0).standard_normal(vocab).astype(np.float32)

    count, _ = find(device, logits, chunk_count(vocab) + 1)

    assert count == vocab  # beyond ROOM, so that the reader takes all logits


@pytest.mark.parametrize("sign", [0x7FC00000, 0xFFC00000, 0x7F800001])
@pytest.mark.parametrize("at", [0, 31, 40, 2999])
def test_nan_is_always_found(device: Device, sign: int, at: int) -> None:
    logits = np.random.default_rng(0).standard_normal(3000).astype(np.float32)
    logits.view(np.uint32)[at] = sign

    _, found = find(device, logits, 4)

    assert at in found
    assert np.isnan(np.array([found[at]], np.uint32).view(np.float32)[0])


def test_infinities_are_ordinary(device: Device) -> None:
    logits = np.random.default_rng(0).standard_normal(3000).astype(np.float32)
    logits[[1, 1500]] = np.inf
    logits[2000:2500] = -np.inf
    check_top(device, logits, 6)


def test_top_collect_folds_its_grid(device: Device) -> None:
    vocab = 32768 * 64 + 100
    logits = np.zeros(vocab, np.float32)
    logits[[0, 70000, vocab - 1]] = [1, 2, 3]
    check_top(device, logits, 3)
