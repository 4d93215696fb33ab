"""Products over integers: x rounded to Q8_0, weights kept; when asked for."""

from dataclasses import replace

import numpy as np
import pytest

from linear_checks import GUARD, check_one, is_made_of, need, rounding
from programs import FEATURES, tiny_plan
from random_matrix import matrix
from run_kernel import run, slot, step_words
from twins import Array
from twins.linear import linear as twin
from twins.linear import rounded
from wgslm.errors import RequestError
from wgslm.gpu import Device
from wgslm.kernels import STEP, Columns
from wgslm.kernels.linear import Product, has_integers, linear, linear_one
from wgslm.kernels.schedule import GPU, PRODUCTS, VARIANTS, Role, Schedule, choose, find, usable
from wgslm.quants import QUANTS, Quant

BY_NAME = {quant.name: quant for quant in QUANTS}
INTEGERS = [quant for quant in QUANTS if has_integers(quant)]
DP4A = [variant for variant in VARIANTS["one"] if not variant.is_exact]
SCHEDULES = [replace(GPU, one=variant) for variant in DP4A]
each_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.one.name)
each_quant = pytest.mark.parametrize("quant", INTEGERS, ids=lambda quant: quant.name)
MANY = GPU.using("many", find("many", "dp4a", FEATURES))
X, Y, BIAS, RESIDUAL = (slot(name) for name in ("x", "y", "bias", "residual"))


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
    actual = run(device, dispatch, {**memory, X: x, Y: y, STEP: step_words()})[Y]

    h, step = rounded(x.astype(np.float64))
    # 127 x / most is some ulp off, so that what is all but half a step may be rounded either way
    halves = np.abs(np.abs(x - h) / step - 0.5) < 1e-4
    off = rounding(h, weights) + np.where(halves, step, 0) @ np.abs(weights).T
    assert np.all(np.abs(actual - twin(h, weights)) <= off)
    assert np.any(np.abs(actual - twin(x.astype(np.float64), weights)) > 10 * off)


@pytest.mark.gpu
@each_quant
@pytest.mark.parametrize(("rows", "tokens"), [(67, 33), (1, 1), (130, 5)])
def test_many_tokens(device: Device, quant: Quant, rows: int, tokens: int) -> None:
    w, memory, weights = matrix(quant, rows, 512)
    rng = np.random.default_rng(rows)
    size = 1 / (np.abs(weights).max() * np.sqrt(512))
    x = np.concatenate([on_steps(rng, 512, size)[0] for _ in range(tokens)])
    bias, residual = rng.standard_normal(rows), rng.standard_normal((40, rows))
    padded = np.concatenate([x, np.full((40 - tokens, 512), np.nan)])
    f32 = {X: padded, BIAS: bias, RESIDUAL: residual}
    arrays = {ref: array.astype(np.float32) for ref, array in f32.items()}
    y = np.full((41, rows), GUARD, np.float32)

    (dispatch,) = linear(
        Product(w, Columns(BIAS, rows, rows)), X, Columns(Y, rows, rows), 40, MANY,
        residual=RESIDUAL,
    )  # fmt: skip
    assert is_made_of(dispatch.program, MANY.many)
    actual = run(device, dispatch, {**memory, **arrays, Y: y, STEP: step_words(tokens)})[Y]

    added = (arrays[BIAS].astype(np.float64), arrays[RESIDUAL][:tokens].astype(np.float64))
    off = rounding(x, weights, *added)
    assert np.all(np.abs(actual[:tokens] - twin(x, weights, *added)) <= off)
    assert np.all(actual[tokens:] == GUARD)


@pytest.mark.gpu
def test_x_of_many_tokens_is_rounded_to_steps(device: Device) -> None:
    w, memory, weights = matrix(BY_NAME["q4_k"], 40, 256)
    x = np.random.default_rng(7).standard_normal((9, 256)).astype(np.float32)
    y = np.zeros((9, 40), np.float32)

    (dispatch,) = linear(Product(w), X, Columns(Y, 40, 40), 9, MANY)
    actual = run(device, dispatch, {**memory, X: x, Y: y, STEP: step_words(9)})[Y]

    h, step = rounded(x.astype(np.float64))
    halves = np.abs(np.abs(x - h) / step - 0.5) < 1e-4  # as above
    off = rounding(h, weights) + np.where(halves, step, 0) @ np.abs(weights).T
    assert np.all(np.abs(actual - twin(h, weights)) <= off)
    assert np.any(np.abs(actual - twin(x.astype(np.float64), weights)) > 10 * off)


def test_no_adapter_gets_it_unless_it_is_asked_for() -> None:
    for role in PRODUCTS:
        for kind in ("gpu", "software"):
            assert choose(kind, FEATURES).variant(role).is_exact
            assert choose(kind, FEATURES, {role: "dp4a"}).variant(role).name == "dp4a"
        assert all(variant.is_exact for variant in usable(role, FEATURES))


def test_a_model_of_integers_uses_it_for_every_product() -> None:
    plan = tiny_plan("llama", BY_NAME["q4_k"], choose("gpu", FEATURES, {"one": "dp4a"}))

    products = [d.program for d in plan.dispatches if d.program.shader.startswith("linear")]
    assert len(products) > 4
    assert all(("dots", "lib/dots_dp4a") in program.bound for program in products)


def test_a_model_of_integers_uses_it_for_many_tokens() -> None:
    plan = tiny_plan("llama", BY_NAME["q4_k"], choose("gpu", FEATURES, {"many": "dp4a"}), 16)

    *products, head = [d.program for d in plan.dispatches if d.program.shader.startswith("linear")]
    assert len(products) > 4
    assert {program.shader for program in products} == {"linear_tile_dp4a"}
    assert head.shader == GPU.one.shader  # of the last token only


@pytest.mark.parametrize("quant", [q for q in QUANTS if q not in INTEGERS], ids=lambda q: q.name)
@pytest.mark.parametrize(("role", "size"), [("one", 1), ("many", 16)])
def test_other_formats_are_refused_by_name(quant: Quant, role: Role, size: int) -> None:
    schedule = choose("gpu", FEATURES, {role: "dp4a"})

    with pytest.raises(RequestError) as refusal:
        tiny_plan("llama", BY_NAME["q8_0"], schedule, size, formats={"attn_output": quant})

    assert f"'blk.0.attn_output.weight' is {quant.label}; " in str(refusal.value)
    assert "Q4_K, Q5_K, Q6_K" in str(refusal.value)


def test_the_formats_that_give_integers() -> None:
    names = {quant.name for quant in INTEGERS}

    assert names >= {"q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k", "q5_k", "q6_k"}
