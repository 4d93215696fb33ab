"""The product of one token over integers: x rounded to Q8_0, weights kept; when asked for."""

from dataclasses import replace

import numpy as np
import pytest

from linear_checks import check_one, need, rounding
from programs import FEATURES, tiny_plan
from random_matrix import matrix
from run_kernel import run, slot
from twins import Array
from twins.linear import linear as twin
from twins.linear import rounded
from wgslm.errors import RequestError
from wgslm.gpu import Device
from wgslm.kernels import Columns
from wgslm.kernels.linear import Product, has_integers, linear_one
from wgslm.kernels.schedule import GPU, VARIANTS, Role, Schedule, choose, usable
from wgslm.quants import QUANTS, Quant

BY_NAME = {quant.name: quant for quant in QUANTS}
INTEGERS = [quant for quant in QUANTS if has_integers(quant)]
DP4A = [variant for variant in VARIANTS["one"] if not variant.is_exact]
SCHEDULES = [replace(GPU, one=variant) for variant in DP4A]
each_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.one.name)
each_quant = pytest.mark.parametrize("quant", INTEGERS, ids=lambda quant: quant.name)
X, Y = slot("x"), slot("y")


def on_steps(rng: np.random.Generator, row: int, size: float) -> tuple[Array, Array]:
    """Return x and a gain that Q8_0 holds exactly, so that the product is everybody's.

    Whole steps, 127 of them in every block of 32, and a gain of plus or minus a power of two.
    """
    whole = rng.integers(-127, 128, (row // 32, 32)).astype(np.float64)
    whole[:, 5] = 127
    whole[-1] = 0  # a block without a step
    step = np.exp2(np.round(np.log2(size / 64)) + rng.integers(-1, 2, (row // 32, 1)))
    gain = np.repeat(np.exp2(rng.integers(-1, 2, row // 32)), 32) * rng.choice([-1.0, 1.0], row)
    return (whole * step).reshape(1, row), gain


@pytest.mark.gpu
@each_schedule
@each_quant
def test_every_format_that_gives_integers(device: Device, quant: Quant, schedule: Schedule) -> None:
    check_one(device, schedule, [quant.name], [67], 512, inputs=on_steps)


@pytest.mark.gpu
@each_schedule
@each_quant
def test_two_formats_with_a_norm_and_biases(
    device: Device, quant: Quant, schedule: Schedule
) -> None:
    formats = [quant.name, "q6_k"]
    check_one(device, schedule, formats, [72, 37], norm=True, biased=True, inputs=on_steps)


@pytest.mark.gpu
@each_schedule
@pytest.mark.parametrize("formats", [["q8_0"], ["q4_k", "q5_1"]])
@pytest.mark.parametrize("hidden", [1, 31, 33])
def test_gates(device: Device, schedule: Schedule, formats: list[str], hidden: int) -> None:
    rows = [hidden, hidden] if len(formats) == 2 else [2 * hidden]
    check_one(device, schedule, formats, rows, norm=True, gate="silu", inputs=on_steps)


@pytest.mark.gpu
@each_schedule
def test_a_residual(device: Device, schedule: Schedule) -> None:
    check_one(device, schedule, ["q5_k"], [70], biased=True, residual=True, inputs=on_steps)


@pytest.mark.gpu
@each_schedule
@each_quant
@pytest.mark.parametrize("row", [256, 2048])
def test_x_is_rounded_to_steps(device: Device, quant: Quant, schedule: Schedule, row: int) -> None:
    need(device, schedule.one)
    w, memory, weights = matrix(quant, 40, row)
    x = np.random.default_rng(row).standard_normal((1, row)).astype(np.float32)
    y = np.zeros((1, 40), np.float32)

    (dispatch,) = linear_one([Product(w)], X, Columns(Y, 40, 40), schedule)
    actual = run(device, dispatch, {**memory, X: x, Y: y})[Y]

    h, step = rounded(x.astype(np.float64))
    # 127 x / most is some ulp off, so that what is all but half a step may be rounded either way
    halves = np.abs(np.abs(x - h) / step - 0.5) < 1e-4
    off = rounding(h, weights) + np.where(halves, step, 0) @ np.abs(weights).T
    assert np.all(np.abs(actual - twin(h, weights)) <= off)
    assert np.any(np.abs(actual - twin(x.astype(np.float64), weights)) > 10 * off)


def test_no_adapter_gets_it_unless_it_is_asked_for() -> None:
    for kind in ("gpu", "software"):
        assert choose(kind, FEATURES).one.is_exact
        assert choose(kind, FEATURES, {"one": "dp4a"}).one.name == "dp4a"
    roles: tuple[Role, ...] = ("one", "many")
    assert all(variant.is_exact for role in roles for variant in usable(role, FEATURES))


def test_a_model_of_integers_uses_it_for_every_product() -> None:
    plan = tiny_plan("llama", BY_NAME["q4_k"], choose("gpu", FEATURES, {"one": "dp4a"}))

    products = [d.program for d in plan.dispatches if d.program.shader.startswith("linear")]
    assert len(products) > 4
    assert all(("dots", "lib/dots_dp4a") in program.bound for program in products)


@pytest.mark.parametrize("quant", [q for q in QUANTS if q not in INTEGERS], ids=lambda q: q.name)
def test_other_formats_are_refused_by_name(quant: Quant) -> None:
    schedule = choose("gpu", FEATURES, {"one": "dp4a"})

    with pytest.raises(RequestError) as refusal:
        tiny_plan("llama", BY_NAME["q8_0"], schedule, formats={"attn_output": quant})

    assert f"'blk.0.attn_output.weight' is {quant.label}; " in str(refusal.value)
    assert "Q4_K, Q5_K, Q6_K" in str(refusal.value)


def test_the_formats_that_give_integers() -> None:
    names = {quant.name for quant in INTEGERS}

    assert names >= {"q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k", "q5_k", "q6_k"}
