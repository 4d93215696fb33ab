"""Activations, also where exp and tanh overflow."""

import numpy as np
import pytest

from run_kernel import run, slot, step_words
from twins.activate import activate as twin
from wgslm.gpu import Device
from wgslm.kernels import STEP, Columns
from wgslm.kernels.activate import Activation, activate

pytestmark = pytest.mark.gpu
X, Y = slot("x"), slot("y")
GUARD = 777.0


@pytest.mark.parametrize("activation", ["silu", "gelu"])
@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("dim", [1, 63, 64, 65, 2048])
def test_activate_equals_twin(
    device: Device, activation: Activation, gated: bool, dim: int
) -> None:
    rng = np.random.default_rng(dim)
    x = (3 * rng.standard_normal((4, 2 * dim + 3))).astype(np.float32)
    up, gate = x[:, 1 : 1 + dim], x[:, 2 + dim : 2 + 2 * dim]  # any columns, in any order
    y = np.full((4, dim), GUARD, np.float32)

    actual = run(
        device,
        activate(
            Columns(X, dim, 2 * dim + 3, 2 + dim),
            Columns(X, dim, 2 * dim + 3, 1) if gated else None,
            Y,
            4,
            activation,
        ),
        {STEP: step_words(3), X: x, Y: y},
    )[Y]

    expected = twin(
        gate[:3].astype(np.float64), up[:3].astype(np.float64) if gated else None, activation
    )
    # WGSL allows exp 3 + 2 |x| ulp, and 1 + tanh cancels for negative x: absolute, per unit of up
    tolerance = 4e-6 * np.maximum(1, np.abs(up[:3]) if gated else 1)
    assert np.all(np.abs(actual[:3] - expected) <= tolerance)
    assert np.all(actual[3:] == GUARD)


@pytest.mark.parametrize("activation", ["silu", "gelu"])
def test_extremes_stay_numbers(device: Device, activation: Activation) -> None:
    x = np.array([[0.0, -0.0, 100, -100, 1e4, -1e4, 1e20, -1e20, 3e38, -3e38]], np.float32)

    actual = run(
        device,
        activate(Columns(X, x.size, x.size), None, Y, 1, activation),
        {STEP: step_words(1), X: x, Y: np.zeros_like(x)},
    )[Y]

    np.testing.assert_allclose(actual, np.maximum(x, 0), rtol=1e-6, atol=1e-6)
