"""Normalisations at sizes that do not fit the workgroup."""

import numpy as np
import pytest

from run_kernel import run, slot, step_words
from twins import norm as twin
from wgslm.gpu import Device
from wgslm.kernels import STEP, Columns
from wgslm.kernels.norm import layernorm, rmsnorm
from wgslm.kernels.schedule import SOFTWARE, Schedule

pytestmark = pytest.mark.gpu
X, GAIN, BIAS, Y = slot("x"), slot("gain"), slot("bias"), slot("y")
GUARD = 777.0
# inverseSqrt may be off by 2 ulp, and sums of 2048 squares by a few more
RTOL, ATOL = 2e-6, 1e-6
dims = pytest.mark.parametrize("dim", [1, 4, 63, 64, 65, 2048])


@dims
@pytest.mark.parametrize("per_token", [1, 3])
def test_rmsnorm_equals_twin(device: Device, schedule: Schedule, dim: int, per_token: int) -> None:
    rng = np.random.default_rng(dim)
    stride, offset = per_token * dim + 5, 3
    wide = rng.standard_normal((4, stride)).astype(np.float32)
    x = wide[:, offset : offset + per_token * dim].reshape(-1, dim)
    gain = rng.standard_normal(dim).astype(np.float32)
    y = np.full_like(x, GUARD)

    actual = run(
        device,
        rmsnorm(Columns(X, per_token * dim, stride, offset), GAIN, Y, 4, dim, 1e-5, schedule),
        {STEP: step_words(3), X: wide, GAIN: gain, Y: y},
    )[Y]

    done = 3 * per_token
    expected = twin.rmsnorm(x[:done].astype(np.float64), gain.astype(np.float64), 1e-5)
    np.testing.assert_allclose(actual[:done], expected, rtol=RTOL, atol=ATOL)
    assert np.all(actual[done:] == GUARD)


@dims
def test_layernorm_equals_twin(device: Device, schedule: Schedule, dim: int) -> None:
    rng = np.random.default_rng(dim)
    x = (rng.standard_normal((4, dim)) + 3).astype(np.float32)  # a mean that must cancel
    gain, bias = rng.standard_normal((2, dim)).astype(np.float32)
    y = np.full_like(x, GUARD)

    actual = run(
        device,
        layernorm(X, GAIN, BIAS, Y, 4, dim, 1e-5, schedule),
        {STEP: step_words(3), X: x, GAIN: gain, BIAS: bias, Y: y},
    )[Y]

    rows, g, b = (array.astype(np.float64) for array in (x[:3], gain, bias))
    np.testing.assert_allclose(actual[:3], twin.layernorm(rows, g, b, 1e-5), rtol=1e-5, atol=4e-6)
    assert np.all(actual[3:] == GUARD)


@pytest.mark.parametrize("count", [1, 5])
def test_only_the_last_token(device: Device, count: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((8, 70)).astype(np.float32)
    gain, bias = rng.standard_normal((2, 70)).astype(np.float32)
    memory = {STEP: step_words(count), X: x, GAIN: gain, BIAS: bias}
    y = np.full((2, 70), GUARD, np.float32)

    rms = run(
        device,
        rmsnorm(Columns(X, 70, 70), GAIN, Y, 1, 70, 1e-5, SOFTWARE, last=True),
        {**memory, Y: y},
    )[Y]
    layer = run(
        device, layernorm(X, GAIN, BIAS, Y, 1, 70, 1e-5, SOFTWARE, last=True), {**memory, Y: y}
    )[Y]

    last, g, b = (a.astype(np.float64) for a in (x[count - 1], gain, bias))
    np.testing.assert_allclose(rms[0], twin.rmsnorm(last, g, 1e-5), rtol=RTOL, atol=ATOL)
    np.testing.assert_allclose(layer[0], twin.layernorm(last, g, b, 1e-5), rtol=1e-5, atol=4e-6)
    assert np.all(rms[1:] == GUARD) and np.all(layer[1:] == GUARD)


def test_tiny_and_large_values_keep_their_scale(device: Device) -> None:
    x = np.array([[1e-12] * 65, [1e15] * 65, [0.0] * 65], np.float32)
    gain = np.ones(65, np.float32)

    actual = run(
        device,
        rmsnorm(Columns(X, 65, 65), GAIN, Y, 3, 65, 1e-6, SOFTWARE),
        {STEP: step_words(3), X: x, GAIN: gain, Y: np.zeros_like(x)},
    )[Y]

    expected = twin.rmsnorm(x.astype(np.float64), gain.astype(np.float64), 1e-6)
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=0)
