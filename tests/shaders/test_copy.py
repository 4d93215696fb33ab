"""Copying, also beyond one row of the grid."""

import numpy as np
import pytest

from run_kernel import run, slot
from twins.copy import copy as twin
from wgslm.gpu import Device
from wgslm.kernels.copy import copy

pytestmark = pytest.mark.gpu
X, Y = slot("x"), slot("y")
GUARD = 777


@pytest.mark.parametrize("vectors", [1, 63, 1023, 1024, 1025, 5000])
def test_copy_equals_twin(device: Device, vectors: int) -> None:
    x = np.random.default_rng(vectors).integers(0, 1 << 32, (vectors + 3, 4), np.uint32)
    y = np.full_like(x, GUARD)

    actual = run(device, copy(X, Y, vectors), {X: x, Y: y})[Y]

    assert np.array_equal(actual[:vectors], twin(x[:vectors]))
    assert np.all(actual[vectors:] == GUARD)
