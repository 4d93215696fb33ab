"""Matrix products: every schedule, every format, at sizes that fit no workgroup."""

from collections.abc import Sequence

import numpy as np
import pytest

from linear_checks import is_made_of, need, rounding
from random_matrix import matrix
from run_kernel import run, slot, step_words
from twins.linear import linear as twin
from twins.quants import Single
from wgslm.gpu import Device
from wgslm.kernels import STEP, Columns
from wgslm.kernels.linear import Product, linear
from wgslm.kernels.schedule import GPU, VARIANTS, Schedule, Variant
from wgslm.quants import QUANTS, Quant

pytestmark = pytest.mark.gpu
each_quant = pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)
# every variant, in a plan for one token or for many; others: test_dp4a.py
ONE = [GPU.using("one", variant) for variant in VARIANTS["one"] if variant.is_exact]
MANY = [GPU.using("many", variant) for variant in VARIANTS["many"] if variant.is_exact]
CASES = [(schedule, 1) for schedule in ONE] + [(schedule, 16) for schedule in MANY]


def variant_of(schedule: Schedule, size: int) -> Variant:
    return schedule.one if size == 1 else schedule.many


def each(cases: Sequence[tuple[Schedule, int]]) -> pytest.MarkDecorator:
    """Run a test with each of some variants."""
    return pytest.mark.parametrize(
        ("schedule", "size"), cases, ids=[variant_of(*case).name for case in cases]
    )


each_variant = each(CASES)
BY_NAME = {quant.name: quant for quant in QUANTS}
X, Y, BIAS, RESIDUAL = slot("x"), slot("y"), slot("bias"), slot("residual")
GUARD = 777.0


def check_linear(
    device: Device,
    quant: Quant,
    schedule: Schedule,
    rows: int,
    row: int,
    size: int,
    count: int,
    *,
    part_rows: int | None = None,
    bias: bool = False,
    residual: bool = False,
) -> None:
    """Run a step of `count` tokens in a plan for `size`; nothing else may be written."""
    variant = variant_of(schedule, size)
    need(device, variant)
    rng = np.random.default_rng(rows + row)
    w, memory, weights = matrix(quant, rows, row, part_rows)
    x = rng.standard_normal((size, row)).astype(np.float32)
    b: Single = rng.standard_normal(rows).astype(np.float32)
    r: Single = rng.standard_normal((size, rows)).astype(np.float32)
    y = np.full((size + 1, rows), GUARD, np.float32)
    memory = {**memory, STEP: step_words(count), X: x, Y: y, BIAS: b, RESIDUAL: r}

    dispatches = list(linear(
        Product(w, Columns(BIAS, rows, rows) if bias else None), X, Columns(Y, rows, rows), size,
        schedule, residual=RESIDUAL if residual else None,
    ))  # fmt: skip
    assert all(is_made_of(dispatch.program, variant) for dispatch in dispatches)
    actual = run(device, dispatches, memory)[Y]

    added = (
        b.astype(np.float64) if bias else None,
        r[:count].astype(np.float64) if residual else None,
    )
    expected = twin(x[:count].astype(np.float64), weights, *added)
    tolerance = rounding(x[:count].astype(np.float64), weights, *added)
    assert np.all(np.abs(actual[:count] - expected) <= tolerance)
    assert np.all(actual[count:] == GUARD)


# how lanes are counted and their sums added is no matter of the format
OF_FORMATS = {(variant_of(*case).shader, variant_of(*case).bound[:1]): case for case in CASES[::-1]}


@each_quant
@each(list(OF_FORMATS.values()))
def test_linear_of_every_format(
    device: Device, quant: Quant, schedule: Schedule, size: int
) -> None:
    row = 100 if quant.is_float else 2 * quant.block  # floats: 3 groups and 4 weights
    check_linear(device, quant, schedule, 67, row, size, min(size, 11))


@each_variant
@pytest.mark.parametrize(
    ("name", "bias", "residual"),
    [("f32", False, False), ("q8_0", True, False), ("q6_k", False, True), ("q8_0", True, True)],
)
def test_linear_adds_bias_and_residual(
    device: Device, schedule: Schedule, name: str, size: int, bias: bool, residual: bool
) -> None:
    quant = BY_NAME[name]
    check_linear(device, quant, schedule, 13, 256, size, min(size, 9), bias=bias, residual=residual)


ROWS = [1, 4, 7, 8, 9, 63, 64, 65, 130]
COUNTS = [(16, 1), (64, 64), (16, 16), (64, 33)]  # of the plan, and of the step
ROWS_AND_COUNTS = [
    (rows, *COUNTS[(i + j) % len(COUNTS)]) for i, rows in enumerate(ROWS) for j in range(2)
]


@pytest.mark.parametrize("rows", ROWS)
@each(CASES[: len(ONE)])
def test_one_token_at_rows_that_fit_no_workgroup(
    device: Device, schedule: Schedule, size: int, rows: int
) -> None:
    check_linear(device, BY_NAME["q8_0"], schedule, rows, 96, size, 1)


@pytest.mark.parametrize(("rows", "plan", "count"), ROWS_AND_COUNTS)
@each(CASES[len(ONE) :])
def test_many_tokens_at_sizes_that_fit_no_workgroup(
    device: Device, schedule: Schedule, size: int, rows: int, plan: int, count: int
) -> None:
    check_linear(device, BY_NAME["q8_0"], schedule, rows, 96, plan, count)


@each_variant
@pytest.mark.parametrize("row", [4, 8, 28, 32, 36, 64, 172, 2048, 2052])
def test_linear_over_rows_of_any_length(
    device: Device, schedule: Schedule, row: int, size: int
) -> None:
    check_linear(device, BY_NAME["f32"], schedule, 5, row, size, min(size, 3))


@each_variant
@pytest.mark.parametrize("name", ["f16", "q4_0", "q4_k"])
def test_linear_in_parts(device: Device, schedule: Schedule, name: str, size: int) -> None:
    quant = BY_NAME[name]
    row = 44 if quant.is_float else quant.block
    count = min(size, 5)
    check_linear(
        device, quant, schedule, 70, row, size, count, part_rows=32, bias=True, residual=True
    )


def test_a_long_padding_is_never_multiplied(device: Device) -> None:
    """What follows x's row may be infinite or NaN; padded weights must not meet it."""
    w, memory, weights = matrix(BY_NAME["f32"], 3, 36)
    x = np.full((2, 36), np.nan, np.float32)
    x[0] = 1
    for schedule, size in CASES:
        need(device, variant_of(schedule, size))
        y = np.zeros((size, 3), np.float32)

        actual = run(
            device,
            linear(Product(w), X, Columns(Y, 3, 3), size, schedule),
            {**memory, STEP: step_words(1), X: x, Y: y},
        )[Y]

        assert np.allclose(actual[0], weights.sum(1), atol=1e-5)


def test_linear_vec_folds_its_grid(device: Device) -> None:
    rows = 32768 * 4 + 6  # 4 rows a group: beyond one row of the grid
    w, memory, weights = matrix(BY_NAME["q4_0"], rows, 32)
    x = np.random.default_rng(0).standard_normal((1, 32)).astype(np.float32)
    y = np.zeros((1, rows), np.float32)

    (dispatch,) = linear(Product(w), X, Columns(Y, rows, rows), 1, GPU)
    actual = run(device, dispatch, {**memory, STEP: step_words(1), X: x, Y: y})[Y]

    assert dispatch.grid[1] == 2
    expected = twin(x.astype(np.float64), weights)
    assert np.all(np.abs(actual - expected) <= rounding(x.astype(np.float64), weights))
