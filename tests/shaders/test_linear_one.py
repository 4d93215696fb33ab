"""The product of one token with what rides along: norm, gate, a second format, bias, residual."""

from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from random_matrix import matrix
from run_kernel import Memory, run, slot
from twins import Array
from twins.activate import activate
from twins.linear import linear as twin
from twins.norm import rmsnorm
from wgslm.gpu import Device
from wgslm.kernels import Columns, Ref
from wgslm.kernels.activate import Activation
from wgslm.kernels.linear import InputNorm, Product, can_join, linear_one
from wgslm.kernels.schedule import GPU, VARIANTS, Schedule
from wgslm.quants import QUANTS, Quant

pytestmark = pytest.mark.gpu
BY_NAME = {quant.name: quant for quant in QUANTS}
each_schedule = pytest.mark.parametrize(
    "schedule",
    [GPU.using("one", variant) for variant in VARIANTS["one"]],
    ids=lambda schedule: schedule.one.name,
)
X, Y, GAIN, BIAS, RESIDUAL = (slot(name) for name in ("x", "y", "gain", "bias", "residual"))
GUARD = 777.0
EPS = 1e-3
# f32 against f64: sums of some hundred terms of size 1, times a norm's factor
RTOL, ATOL = 1e-5, 2e-5


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


def check(
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
) -> None:
    """Run one dispatch into columns `offset ..` of a wider slot; nothing else may be written."""
    if missing := schedule.one.needs - device.features:
        pytest.skip(f"this adapter lacks {', '.join(missing)}")
    rng = np.random.default_rng(sum(rows))
    made, memory, weights = products(formats, rows, row, biased=biased)
    # so that outputs are near 1, whatever the formats' scales
    x = rng.standard_normal((1, row)) / (np.abs(weights).max() * np.sqrt(row))
    gain, bias = rng.standard_normal(row), rng.standard_normal(sum(rows))
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
    actual = run(device, dispatch, {**memory, **f32, Y: y})[Y]

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


@each_schedule
@pytest.mark.parametrize("rows", [1, 5, 64, 67, 200])
@pytest.mark.parametrize("row", [4, 36, 256, 576])
def test_a_norm_before_the_product(device: Device, schedule: Schedule, rows: int, row: int) -> None:
    check(device, schedule, ["f32"], [rows], row, norm=True)


@each_schedule
@pytest.mark.parametrize("first", ["q4_k", "q8_0", "q5_0", "f16", "iq3_s"])
@pytest.mark.parametrize("second", ["q6_k", "q8_0", "q4_0", "bf16", "iq2_xxs"])
def test_two_formats_in_one_dispatch(
    device: Device, schedule: Schedule, first: str, second: str
) -> None:
    check(device, schedule, [first, second], [72, 37], norm=True, biased=True)


@pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)
def test_every_format_can_be_second(device: Device, quant: Quant) -> None:
    check(device, GPU, ["q8_0", quant.name], [16, 16])


@each_schedule
@pytest.mark.parametrize("gate", ["silu", "gelu"])
@pytest.mark.parametrize("formats", [["q8_0"], ["q4_k", "q6_k"], ["f32", "f16"]])
@pytest.mark.parametrize("hidden", [1, 31, 32, 33, 100])
def test_gates(
    device: Device, schedule: Schedule, gate: Activation, formats: list[str], hidden: int
) -> None:
    rows = [hidden, hidden] if len(formats) == 2 else [2 * hidden]
    check(device, schedule, formats, rows, norm=True, gate=gate, biased=hidden == 33)


@each_schedule
def test_a_residual_in_columns(device: Device, schedule: Schedule) -> None:
    check(device, schedule, ["q8_0"], [70], biased=True, residual=True)


def test_only_whole_matrices_with_biases_in_a_row_are_joined() -> None:
    (one, two), _, _ = products(["q8_0", "q8_0"], [8, 8], 32, biased=True)
    (plain, other), _, _ = products(["q8_0", "q4_0"], [8, 8], 32, biased=False)
    cut = replace(plain, matrix=replace(plain.matrix, parts=((0, 4), (4, 4))))

    assert can_join(one, two) and can_join(plain, other)
    assert not can_join(two, one)
    assert not can_join(one, plain) and not can_join(plain, two)
    assert not can_join(cut, other) and not can_join(plain, cut)
