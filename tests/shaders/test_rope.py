"""Rotary positions: both layouts, partial rotation, slices, positions beyond the first 256."""

import numpy as np
import pytest

from run_kernel import run, slot, step_words
from twins.rope import rope as twin
from wgslm.gpu import Device
from wgslm.kernels import STEP
from wgslm.kernels.attention import Heads, rope
from wgslm.plan.rope import Rope

pytestmark = pytest.mark.gpu
X, TABLE = slot("x"), slot("table")


@pytest.mark.parametrize("neox", [False, True])
@pytest.mark.parametrize(
    ("heads", "dim", "pairs"), [(1, 4, 2), (3, 64, 32), (5, 20, 6), (2, 256, 128)]
)
@pytest.mark.parametrize("position", [0, 254, 3000])
def test_rope_equals_twin(
    device: Device, neox: bool, heads: int, dim: int, pairs: int, position: int
) -> None:
    angles = tuple(10000.0 ** (-i / pairs) for i in range(pairs))
    rotation = Rope(angles, neox, magnitude=1.25)
    table = np.frombuffer(rotation.table(3100), np.float32)
    offset, stride = 8, heads * dim + 12  # some columns of a wider slot
    x = np.random.default_rng(0).standard_normal((5, stride)).astype(np.float32)

    actual = run(
        device,
        rope(Heads(X, heads, dim, stride, offset), TABLE, 5, pairs, neox=neox),
        {STEP: step_words(4, position), TABLE: table, X: x},
    )[X]

    expected = x.astype(np.float64)
    columns = slice(offset, offset + heads * dim)
    turned = expected[:4, columns].reshape(4, heads, dim)
    positions = range(position, position + 4)
    turned = twin(turned, positions, angles, neox=neox, magnitude=1.25)
    expected[:4, columns] = turned.reshape(4, -1)
    # cos and sin are rounded to 2^-24 twice, then two products of values up to 4 * 1.25
    np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-6)
    untouched = np.ones(x.shape, bool)
    untouched[:4, columns] = False
    assert np.array_equal(actual[untouched], x[untouched])


def test_table_has_a_row_for_every_position() -> None:
    rotation = Rope((1.0, 0.5), neox=False)

    sizes = [len(rotation.table(context)) for context in (1, 256, 257, 4096)]

    assert sizes == [(256 + rows) * 2 * 8 for rows in (1, 1, 2, 16)]
