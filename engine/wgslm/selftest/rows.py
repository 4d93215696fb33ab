"""Cases of what works row by row: norms, rotations, activations."""

import math

from wgslm.gpu import Program
from wgslm.kernels import STEP, Columns
from wgslm.kernels.activate import activate
from wgslm.kernels.attention import Heads, rope
from wgslm.kernels.norm import layernorm, rmsnorm
from wgslm.kernels.schedule import Schedule
from wgslm.plan.rope import LOW
from wgslm.selftest.cases import Case, numbers, scratch, step_bytes
from wgslm.selftest.known import floats
from wgslm.selftest.products import activated, activation

X, Y, GAIN, BIAS, TABLE = (scratch(name) for name in ("x", "y", "gain", "bias", "table"))
TOKENS = 3
DIM = 200  # fits no workgroup
EPS = 1e-3
HEADS, HEAD_DIM, PAIRS = 2, 12, 5  # two values of a head pass through
ANGLES = [0.9 * (i + 1) for i in range(PAIRS)]  # radians a position
POSITION = 7


def rms(program: Program, schedule: Schedule) -> Case:
    """Return a norm of each token's row, or of the last's."""
    last = bool(dict(program.constants).get("LAST"))
    x, gain = numbers(TOKENS * DIM), numbers(DIM, 1)
    dispatch = rmsnorm(Columns(X, DIM, DIM), GAIN, Y, TOKENS, DIM, EPS, schedule, last=last)
    expected: list[float] = []
    for row in _rows(x, last=last):
        factor = 1 / math.sqrt(sum(value * value for value in row) / DIM + EPS)
        expected += [value * factor * g for value, g in zip(row, gain, strict=True)]
    memory = {
        X: floats(x),
        GAIN: floats(gain),
        Y: bytes(4 * len(expected)),
        STEP: step_bytes(TOKENS),
    }
    return Case((dispatch,), memory, Y, expected)


def layer(program: Program, schedule: Schedule) -> Case:
    """Return the same with the mean taken off and a bias added."""
    last = bool(dict(program.constants).get("LAST"))
    x, gain, bias = [v + 0.5 for v in numbers(TOKENS * DIM)], numbers(DIM, 1), numbers(DIM, 2)
    dispatch = layernorm(X, GAIN, BIAS, Y, TOKENS, DIM, EPS, schedule, last=last)
    expected: list[float] = []
    for row in _rows(x, last=last):
        mean = sum(row) / DIM
        factor = 1 / math.sqrt(sum((value - mean) ** 2 for value in row) / DIM + EPS)
        rest = zip(row, gain, bias, strict=True)
        expected += [(value - mean) * factor * g + b for value, g, b in rest]
    memory = {
        X: floats(x),
        GAIN: floats(gain),
        BIAS: floats(bias),
        Y: bytes(4 * len(expected)),
        STEP: step_bytes(TOKENS),
    }
    return Case((dispatch,), memory, Y, expected)


def rotation(program: Program, schedule: Schedule) -> Case:
    """Return a rotation of two heads at three positions."""
    neox = bool(dict(program.constants).get("NEOX"))
    width = HEADS * HEAD_DIM
    x = numbers(TOKENS * width)
    dispatch = rope(Heads(X, HEADS, HEAD_DIM, width), TABLE, TOKENS, PAIRS, neox=neox)
    expected: list[float] = []
    for at in range(0, len(x), HEAD_DIM):
        expected += turned(x[at : at + HEAD_DIM], POSITION + at // width, PAIRS, neox=neox)
    memory = {
        X: floats(x),
        TABLE: table(range(POSITION, POSITION + TOKENS), PAIRS),
        STEP: step_bytes(TOKENS, POSITION),
    }
    return Case((dispatch,), memory, X, expected)


def turned(head: list[float], position: int, pairs: int, *, neox: bool) -> list[float]:
    """Return a head's values after the rotation of its first pairs."""
    result = list(head)
    for pair, angle in enumerate(ANGLES[:pairs]):
        first, second = (pair, pair + pairs) if neox else (2 * pair, 2 * pair + 1)
        cos, sin = math.cos(position * angle), math.sin(position * angle)
        result[first] = head[first] * cos - head[second] * sin
        result[second] = head[first] * sin + head[second] * cos
    return result


def table(positions: range, pairs: int) -> bytes:
    """Return the rotations of some positions, laid out as plan/rope.py does for all."""
    low = [0.0] * (2 * pairs * LOW)
    for position in positions:
        at = 2 * pairs * (position % LOW)
        low[at : at + 2 * pairs] = _rotations(position % LOW, pairs)
    high = [v for at in range(0, positions.stop, LOW) for v in _rotations(at, pairs)]
    return floats([*low, *high])


def _rotations(position: int, pairs: int) -> list[float]:
    return [part(position * angle) for angle in ANGLES[:pairs] for part in (math.cos, math.sin)]


def activations(program: Program, schedule: Schedule) -> Case:
    """Return an activation, times another half where there is one."""
    gated = bool(dict(program.constants).get("GATED", True))
    name, width = activation(program), 2 * DIM
    x = [4 * value for value in numbers(TOKENS * width)]
    gate, up = Columns(X, DIM, width), Columns(X, DIM, width, DIM)
    dispatch = activate(gate, up if gated else None, Y, TOKENS, name)
    expected = [
        activated(x[at + i], name) * (x[at + DIM + i] if gated else 1.0)
        for at in range(0, len(x), width)
        for i in range(DIM)
    ]
    memory = {X: floats(x), Y: bytes(4 * len(expected)), STEP: step_bytes(TOKENS)}
    return Case((dispatch,), memory, Y, expected)


def _rows(x: list[float], *, last: bool) -> list[list[float]]:
    rows = [x[at : at + DIM] for at in range(0, len(x), DIM)]
    return rows[-1:] if last else rows


MAKERS = {"rmsnorm": rms, "layernorm": layer, "rope": rotation, "activate": activations}
