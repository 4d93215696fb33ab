"""Cases of matrix products and of the look-up of rows, in any format."""

import math
from array import array

from wgslm.gpu import Program
from wgslm.kernels import STEP, Columns
from wgslm.kernels.activate import Activation
from wgslm.kernels.linear import InputNorm, Product, embed, linear, linear_one
from wgslm.kernels.schedule import VARIANTS, Schedule
from wgslm.quants import Quant
from wgslm.selftest.cases import EXACT, ROUNDED, Case, numbers, quant_of, scratch, step_bytes
from wgslm.selftest.known import (
    ANSWERS,
    CHUNK,
    CHUNKS,
    INPUT,
    PROBE,
    ROW,
    ROWS,
    chunk_at,
    floats,
    known_matrix,
    product,
)

X, Y, BIAS, OTHER = (scratch(name) for name in ("x", "y", "bias", "other"))
ROWS_SECOND = 38
TOKENS = 37  # fits no tile
WIDTH = 3  # chunks of a row for many tokens, which is work enough
SCALES = (1.0, -0.5, 2.0, 0.25)  # of INPUT, for one token after the other
GAIN = [(0.5, 1.0, 2.0, 4.0)[(i + i // 7) % 4] for i in range(ROW)]
EPS = 1e-3
PLACES = (3, 69, 0)  # rows that are looked up


def one(program: Program, schedule: Schedule) -> Case:
    """Return a product of one token with all that rides along."""
    on = dict(program.constants)
    first, second = quant_of(program), quant_of(program, "second")
    assert first, "a product has a format"
    rows = [(first, r) for r in range(ROWS)] + [(second, r) for r in range(ROWS_SECOND) if second]
    bias = numbers(len(rows), 1)
    gate = activation(program) if on.get("GATED") else None
    outputs = len(rows) // 2 if gate else len(rows)
    has_residual = not (gate or on.get("NORM"))
    residual = numbers(outputs, 2) if has_residual else [0.0] * outputs
    x, factor, other = INPUT, 1.0, residual
    if on.get("NORM"):
        x, other = [value / gain for value, gain in zip(INPUT, GAIN, strict=True)], GAIN
        factor = 1 / math.sqrt(sum(value * value for value in x) / ROW + EPS)
    sums = [factor * product(*row) + b for row, b in zip(rows, bias, strict=True)]
    if gate:
        pairs = zip(sums[:outputs], sums[outputs:], strict=True)
        sums = [activated(a, gate) * b for a, b in pairs]
    parts = [_product(first, ROWS, 0, len(rows))]
    if second:
        parts.append(_product(second, ROWS_SECOND, ROWS, len(rows)))
    dispatches = linear_one(
        parts,
        X,
        Columns(Y, outputs, outputs),
        schedule,
        norm=InputNorm(OTHER, EPS) if on.get("NORM") else None,
        residual=OTHER if has_residual else None,
        gate=gate,
    )
    memory = {
        X: floats(x),
        OTHER: floats(other),
        BIAS: floats(bias),
        Y: bytes(4 * outputs),
        STEP: step_bytes(1),
    }
    expected = [a + b for a, b in zip(sums, residual, strict=True)]
    tolerance = EXACT if schedule.one.is_exact else ROUNDED
    return Case(tuple(dispatches), memory, Y, expected, tolerance)


def many(program: Program, schedule: Schedule) -> Case:
    """Return a product of many tokens."""
    quant = quant_of(program)
    assert quant, "a product has a format"
    x = INPUT[: WIDTH * CHUNK]
    scaled = [floats([scale * value for value in x]) for scale in SCALES]
    bias, residual = numbers(ROWS, 1), numbers(TOKENS * ROWS, 2)
    dispatches = linear(
        Product(known_matrix(quant, ROWS, WIDTH), Columns(BIAS, ROWS, ROWS)),
        X,
        Columns(Y, ROWS, ROWS),
        TOKENS,
        schedule,
        residual=OTHER,
    )
    sums = [product(quant, row, WIDTH) for row in range(ROWS)]
    expected = [
        SCALES[t % 4] * sums[r] + bias[r] + residual[t * ROWS + r]
        for t in range(TOKENS)
        for r in range(ROWS)
    ]
    memory = {
        X: b"".join(scaled[t % 4] for t in range(TOKENS)),
        OTHER: floats(residual),
        BIAS: floats(bias),
        Y: bytes(4 * TOKENS * ROWS),
        STEP: step_bytes(TOKENS),
    }
    tolerance = EXACT if schedule.many.is_exact else ROUNDED
    return Case(tuple(dispatches), memory, Y, expected, tolerance)


def lookup(program: Program, schedule: Schedule) -> Case:
    """Return the look-up of some rows, whose answer is what their chunks give times PROBE."""
    quant = quant_of(program)
    assert quant, "a table has a format"
    by_position = bool(dict(program.constants).get("BY_POSITION"))
    places = range(1, 4) if by_position else PLACES
    before = 0.25 if by_position else 0.0  # times PROBE is what a look-up by position adds to
    added = before * sum(value * value for value in PROBE)
    expected = [
        ANSWERS[quant.name][chunk_at(row, c)] + added for row in places for c in range(CHUNKS)
    ]
    memory = {
        Y: floats([before * value for value in PROBE]) * (len(places) * CHUNKS),
        STEP: step_bytes(len(places), position=1, ids=PLACES),
    }
    dispatches = embed(known_matrix(quant), Y, len(places), by_position=by_position)
    return Case(tuple(dispatches), memory, Y, expected, read=_probed)


def activation(program: Program) -> Activation:
    """Return the activation that a program computes."""
    return "gelu" if dict(program.constants).get("GELU") else "silu"


def activated(x: float, name: Activation) -> float:
    """Return silu, or gelu's tanh form."""
    if name == "silu":
        return x / (1 + math.exp(-x))
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _product(quant: Quant, rows: int, at: int, width: int) -> Product:
    return Product(known_matrix(quant, rows), Columns(BIAS, rows, width, at))


def _probed(data: bytes) -> list[float]:
    values = array("f", data)
    return [
        sum(a * b for a, b in zip(values[at : at + CHUNK], PROBE, strict=True))
        for at in range(0, len(values), CHUNK)
    ]


MAKERS = {
    **{variant.shader: one for variant in VARIANTS["one"]},
    **{variant.shader: many for variant in VARIANTS["many"]},
    "embed": lookup,
}
