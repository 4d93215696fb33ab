"""The product of one token with what rides along: norm, gate, a second format, bias, residual."""

from dataclasses import replace

import numpy as np
import pytest

from linear_checks import GUARD, X, Y, check_one, need, products
from run_kernel import run, step_words
from wgslm.gpu import Device
from wgslm.kernels import STEP, Columns
from wgslm.kernels.activate import Activation
from wgslm.kernels.linear import can_join, linear_one
from wgslm.kernels.schedule import GPU, VARIANTS, Schedule
from wgslm.quants import QUANTS, Quant

pytestmark = pytest.mark.gpu
SCHEDULES = [  # those that are not exact: test_dp4a.py
    GPU.using("one", variant) for variant in VARIANTS["one"] if variant.is_exact
]
each_schedule = pytest.mark.parametrize(
    "schedule", SCHEDULES, ids=lambda schedule: schedule.one.name
)


ROWS, ROW = [1, 5, 64, 67, 200], [4, 36, 256, 576]
FIRST = ["q4_k", "q8_0", "q5_0", "f16", "iq3_s"]
SECOND = ["q6_k", "q8_0", "q4_0", "bf16", "iq2_xxs"]


@each_schedule
@pytest.mark.parametrize("index", range(len(ROWS)))
def test_a_norm_before_the_product(device: Device, schedule: Schedule, index: int) -> None:
    """Every variant meets all rows and lengths of rows; all variants together every pair."""
    row = ROW[(index + SCHEDULES.index(schedule)) % len(ROW)]
    check_one(device, schedule, ["f32"], [ROWS[index]], row, norm=True)


@each_schedule
@pytest.mark.parametrize("index", range(len(FIRST)))
def test_two_formats_in_one_dispatch(device: Device, schedule: Schedule, index: int) -> None:
    """Every variant meets all of both; all variants together every pair."""
    second = SECOND[(index + SCHEDULES.index(schedule)) % len(SECOND)]
    check_one(device, schedule, [FIRST[index], second], [72, 37], norm=True, biased=True)


@pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)
def test_every_format_can_be_second(device: Device, quant: Quant) -> None:
    check_one(device, GPU, ["q8_0", quant.name], [16, 16])


@each_schedule
@pytest.mark.parametrize(
    ("gate", "formats", "hidden"),
    [
        ("silu", ["q8_0"], 1),
        ("silu", ["q4_k", "q6_k"], 31),
        ("silu", ["f32", "f16"], 33),
        ("gelu", ["q8_0"], 32),
        ("gelu", ["q4_k", "q6_k"], 33),
        ("gelu", ["f32", "f16"], 100),
    ],
)
def test_gates(
    device: Device, schedule: Schedule, gate: Activation, formats: list[str], hidden: int
) -> None:
    rows = [hidden, hidden] if len(formats) == 2 else [2 * hidden]
    check_one(device, schedule, formats, rows, norm=True, gate=gate, biased=hidden == 33)


@each_schedule
def test_a_residual_in_columns(device: Device, schedule: Schedule) -> None:
    check_one(device, schedule, ["q8_0"], [70], biased=True, residual=True)


def test_only_whole_matrices_with_biases_in_a_row_are_joined() -> None:
    (one, two), _, _ = products(["q8_0", "q8_0"], [8, 8], 32, biased=True)
    (plain, other), _, _ = products(["q8_0", "q4_0"], [8, 8], 32, biased=False)
    cut = replace(plain, matrix=replace(plain.matrix, parts=((0, 4), (4, 4))))

    assert can_join(one, two) and can_join(plain, other)
    assert not can_join(two, one)
    assert not can_join(one, plain) and not can_join(plain, two)
    assert not can_join(cut, other) and not can_join(plain, cut)


@each_schedule
@pytest.mark.parametrize("gate", [None, "silu"])
def test_a_step_of_no_token_writes_nothing(
    device: Device, schedule: Schedule, gate: Activation | None
) -> None:
    """After an answer's end steps are still under way, and must not read the weights."""
    need(device, schedule.one)
    made, memory, _ = products(["q8_0"], [70], 256, biased=False)
    y = np.full((1, 70), GUARD, np.float32)

    (dispatch,) = linear_one(made, X, Columns(Y, 35 if gate else 70, 70), schedule, gate=gate)
    x = np.ones((1, 256), np.float32)
    actual = run(device, dispatch, {**memory, X: x, Y: y, STEP: step_words(0)})[Y]

    assert np.all(actual == GUARD)
