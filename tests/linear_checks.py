"""Checks that several tests of matrix products share."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from random_matrix import matrix
from run_kernel import Memory, run, slot, step_words
from twins import Array
from twins.activate import activate
from twins.linear import linear as twin
from twins.norm import rmsnorm
from wgslm.gpu import Device, Program
from wgslm.kernels import STEP, Columns, Ref
from wgslm.kernels.activate import Activation
from wgslm.kernels.linear import InputNorm, Product, linear_one
from wgslm.kernels.schedule import Schedule, Variant
from wgslm.quants import QUANTS

BY_NAME = {quant.name: quant for quant in QUANTS}
X, Y, GAIN, BIAS, RESIDUAL = (slot(name) for name in ("x", "y", "gain", "bias", "residual"))
GUARD = 777.0
EPS = 1e-3
# f32 against f64: sums of some hundred terms of size 1, times a norm's factor
RTOL, ATOL = 1e-5, 2e-5

Inputs = Callable[[np.random.Generator, int, float], tuple[Array, Array]]


def normal(rng: np.random.Generator, row: int, size: float) -> tuple[Array, Array]:
    """Return x [1, row], of about `size`, and a gain [row]."""
    return size * rng.standard_normal((1, row)), rng.standard_normal(row)


def products(
    formats: list[str], rows: list[int], row: int, *, biased: bool
) -> tuple[list[Product], Memory, Array]:
    """Return matrices of several formats whose biases lie one after the other."""
    made: list[Product] = []
    memory: dict[Ref, NDArray[Any]] = {}
    weights, first = [], 0
    for index, name, number in zip(count(), formats, rows, strict=False):
        w, own, values = matrix(BY_NAME[name], number, row)
        renamed = {replace(ref, name=f"w{index}"): array for ref, array in own.items()}
        memory |= renamed
        weights.append(values)
        bias = Columns(BIAS, number, sum(rows), first) if biased else None
        made.append(Product(replace(w, name=f"w{index}"), bias))
        first += number
    return made, memory, np.concatenate(weights)


def check_one(
    device: Device,
    schedule: Schedule,
    formats: list[str],
    rows: list[int],
    row: int = 256,
    *,
    norm: bool = False,
    gate: Activation | None = None,
    biased: bool = False,
    residual: bool = False,
    offset: int = 3,
    inputs: Inputs = normal,
) -> None:
    """Run one dispatch into columns `offset ..` of a wider slot; nothing else may be written."""
    need(device, schedule.one)
    rng = np.random.default_rng(sum(rows))
    made, memory, weights = products(formats, rows, row, biased=biased)
    # so that outputs are near 1, whatever the formats' scales
    x, gain = inputs(rng, row, 1 / (np.abs(weights).max() * np.sqrt(row)))
    bias = rng.standard_normal(sum(rows))
    wanted = sum(rows) // (2 if gate else 1)
    r = rng.standard_normal((1, wanted + offset + 2))
    f32: dict[Ref, NDArray[np.float32]] = {
        ref: array.astype(np.float32)
        for ref, array in ((X, x), (GAIN, gain), (BIAS, bias), (RESIDUAL, r))
    }
    y = np.full((1, wanted + offset + 2), GUARD, np.float32)

    (dispatch,) = linear_one(
        made,
        X,
        Columns(Y, wanted, y.shape[1], offset),
        schedule,
        norm=InputNorm(GAIN, EPS) if norm else None,
        residual=RESIDUAL if residual else None,
        gate=gate,
    )
    assert is_made_of(dispatch.program, schedule.one)
    actual = run(device, dispatch, {**memory, **f32, Y: y, STEP: step_words()})[Y]

    x, gain, bias, r = (f32[ref].astype(np.float64) for ref in (X, GAIN, BIAS, RESIDUAL))
    h = rmsnorm(x, gain, EPS) if norm else x
    expected = twin(h, weights, bias if biased else None)
    if gate:
        expected = activate(expected[:, :wanted], expected[:, wanted:], gate)
    if residual:
        expected = expected + r[:, offset : offset + wanted]
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(
        actual[:, offset : offset + wanted], expected, rtol=RTOL, atol=ATOL * scale
    )
    assert np.all(actual[:, :offset] == GUARD)
    assert np.all(actual[:, offset + wanted :] == GUARD)


def need(device: Device, variant: Variant) -> None:
    """Skip what the adapter cannot run."""
    if not variant.needs <= device.features:
        pytest.skip(f"{variant.name} needs {', '.join(variant.needs)}")


def is_made_of(program: Program, variant: Variant) -> bool:
    """Whether the variant and no other was dispatched."""
    return (
        program.shader == variant.shader
        and set(variant.bound) <= set(program.bound)
        and set(variant.constants) <= set(program.constants)
    )


def rounding(x: Array, w: Array, bias: Array | None = None, residual: Array | None = None) -> Array:
    """How far sums of n terms in f32 may be off: rounding errors of 2^-24 of the terms' size add
    up like a random walk, sqrt(n) < 8 steps in the 64 partial sums; some more for what is added.
    """
    size = twin(
        np.abs(x),
        np.abs(w),
        None if bias is None else np.abs(bias),
        None if residual is None else np.abs(residual),
    )
    return 2.0**-24 * 8 * size + 1e-30
