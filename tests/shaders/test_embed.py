"""Looking up rows: by id, by position, in parts, with padding."""

import numpy as np
import pytest

from random_matrix import matrix
from run_kernel import run, slot, step_words
from twins.embed import embed as twin
from wgslm.gpu import Device
from wgslm.kernels import STEP
from wgslm.kernels.linear import embed
from wgslm.quants import QUANTS

pytestmark = pytest.mark.gpu
BY_NAME = {quant.name: quant for quant in QUANTS}
Y = slot("y")
GUARD = 777.0


@pytest.mark.parametrize(("name", "row"), [("f32", 4), ("f32", 36), ("f16", 2052), ("q8_0", 1056)])
@pytest.mark.parametrize("part_rows", [None, 8])
def test_embed_equals_twin(device: Device, name: str, row: int, part_rows: int | None) -> None:
    w, memory, weights = matrix(BY_NAME[name], 21, row, part_rows)
    ids = [20, 0, 7, 8, 16, 15, 8]
    y = np.full((9, row), GUARD, np.float32)

    actual = run(
        device,
        embed(w, Y, 8, scale=0.5),
        {**memory, STEP: step_words(len(ids), ids=[*ids, 3]), Y: y},
    )[Y]

    assert np.array_equal(actual[:7], twin(weights, ids, 0.5))  # halving rounds nothing
    assert np.all(actual[7:] == GUARD)


def test_positions_are_added(device: Device) -> None:
    w, memory, weights = matrix(BY_NAME["f32"], 40, 36, 16)
    x = np.random.default_rng(1).standard_normal((5, 36)).astype(np.float32)

    actual = run(
        device,
        embed(w, Y, 5, by_position=True),
        {**memory, STEP: step_words(5, position=14, ids=[39] * 5), Y: x},
    )[Y]

    expected = x.astype(np.float64) + twin(weights, range(14, 19))
    assert np.array_equal(actual, expected.astype(np.float32))
