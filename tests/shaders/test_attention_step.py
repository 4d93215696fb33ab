"""One token's fused attention: every variant, cache type and head size, borders of splits."""

from dataclasses import dataclass

import numpy as np
import pytest

from linear_checks import need
from run_kernel import run, slot, step_words
from twins import Array
from twins import attention as twin
from twins.kv import Raw, head_dims, pack, unpack
from twins.rope import rope
from wgslm.gpu import Device
from wgslm.kernels import STEP, Ref
from wgslm.kernels.attention import (
    KV_TYPES,
    Cache,
    Heads,
    KvType,
    Rotation,
    attention_step,
    parts_nbytes,
)
from wgslm.kernels.schedule import GPU, SHORT_CONTEXT, SOFTWARE, SUBGROUP, Schedule, Variant
from wgslm.plan.rope import Rope

pytestmark = pytest.mark.gpu
QKV, OUT, PARTS, K, V = slot("qkv"), slot("o"), slot("parts"), slot("k"), slot("v")
TABLE, Q_GAIN, K_GAIN = slot("table"), slot("q_gain"), slot("k_gain")
EPS, SCALE = 1e-5, 0.3
LONG = SHORT_CONTEXT + 88  # slots, enough to split
THREE = Variant("3", constants=(("SPLITS", 3),))
VARIANTS = {
    "lanes": SOFTWARE,
    "tree": GPU,
    "subgroup": GPU.using("reduce", SUBGROUP),
}


@pytest.fixture(params=VARIANTS)
def schedule(request: pytest.FixtureRequest, device: Device) -> Schedule:
    """A schedule that chooses each variant, with three splits of long caches."""
    schedule = VARIANTS[request.param].using("splits", THREE)
    need(device, schedule.reduce)
    return schedule


@dataclass
class Case:
    """One token's q, k and v, the caches before it, and what is done to them."""

    heads: int
    kv_heads: int
    dim: int
    slots: int
    kv: KvType = "f32"
    window: int = 0
    rope: Rope | None = None
    has_gains: bool = False

    def __post_init__(self) -> None:
        """Draw the numbers."""
        rng = np.random.default_rng(self.dim + self.slots)
        self.cache = Cache(K, V, self.kv_heads, self.dim, self.slots, self.kv, self.window)
        shape = (self.kv_heads, self.slots, self.dim)
        self.raw: list[Raw] = [pack(self.kv, rng.standard_normal(shape)) for _ in "kv"]
        columns = (self.heads + 2 * self.kv_heads) * self.dim
        self.row = rng.standard_normal((1, 8 + columns)).astype(np.float32)  # 8 belong to others
        self.gains = rng.uniform(0.5, 1.5, (2, self.dim)).astype(np.float32)

    def columns(self) -> list[Heads]:
        """Return q, k and v as columns of their slot."""
        found, offset = [], 8
        for count in (self.heads, self.kv_heads, self.kv_heads):
            found.append(Heads(QKV, count, self.dim, self.row.shape[1], offset))
            offset += count * self.dim
        return found

    def run(self, device: Device, schedule: Schedule, position: int, count: int = 1) -> list[Raw]:
        """Return o [1, heads, dim] and the caches."""
        q, k, v = self.columns()
        rotation = Rotation(TABLE, self.rope.pairs, self.rope.neox) if self.rope else None
        dispatches = list(
            attention_step(
                *(q, k, v, self.cache, OUT, PARTS, SCALE, schedule),
                rotation=rotation,
                eps=EPS,
                q_gain=Q_GAIN if self.has_gains else None,
                k_gain=K_GAIN if self.has_gains else None,
            )
        )
        assert dispatches[0].program.shader == schedule.attention_one.shader
        assert len(dispatches) == 1 + (self.slots > SHORT_CONTEXT)
        memory: dict[Ref, Raw] = {STEP: step_words(count, position), QKV: self.row}
        memory |= {OUT: np.zeros((1, self.heads, self.dim), np.float32)}
        memory |= {K: self.raw[0], V: self.raw[1], Q_GAIN: self.gains[0], K_GAIN: self.gains[1]}
        nbytes = parts_nbytes(q, self.cache, schedule)
        memory[PARTS] = np.full(max(4, nbytes // 4), np.nan, np.float32)
        table = self.rope.table(position + 1) if self.rope else b"0000"
        memory[TABLE] = np.frombuffer(table, np.float32)
        written = run(device, dispatches, memory)
        return [written[OUT], written[K], written[V]]

    def expected(self, position: int) -> tuple[Array, Array, Array]:
        """Return the same by the twin, the caches as values."""
        wide = self.row.astype(np.float64)
        q, k, v = (
            wide[:, h.offset : h.offset + h.count * h.dim].reshape(1, h.count, h.dim)
            for h in self.columns()
        )
        caches = unpack(self.kv, self.raw[0], self.dim), unpack(self.kv, self.raw[1], self.dim)
        gains = (self.gains[0].astype(np.float64), self.gains[1].astype(np.float64))
        o = twin.attention_step(
            *(q, k, v, caches, position, SCALE, self.kv),
            window=self.window,
            rotate=lambda x: self.turned(x, position),
            gains=gains if self.has_gains else (None, None),
            eps=EPS,
        )
        return (o, *caches)

    def turned(self, x: Array, position: int) -> Array:
        """Rotate heads [1, heads, dim]."""
        r = self.rope
        if r is None:
            return x
        return rope(x, [position], r.angles, neox=r.neox, magnitude=r.magnitude)

    def check(self, device: Device, schedule: Schedule, position: int) -> None:
        """Compare all three, the caches beside the new row to the bit."""
        o, *caches = self.run(device, schedule, position)
        expected, *values = self.expected(position)
        # f16 and the quantised types may round a value beside a border to its other side
        tolerance = {"f32": 1e-5, "f16": 1e-3, "q8_0": 2e-2}.get(self.kv, 3e-1)
        np.testing.assert_allclose(o, expected, rtol=0, atol=tolerance)
        new = position % self.slots
        for before, after, value in zip(self.raw, caches, values, strict=True):
            beside = np.arange(self.slots) != new
            assert np.array_equal(after[:, beside], before[:, beside])
            row = unpack(self.kv, after, self.dim)[:, new]
            np.testing.assert_allclose(row, value[:, new], rtol=0, atol=tolerance)


def angles(pairs: int, *, neox: bool, magnitude: float = 1.0) -> Rope:
    """Return a rotation as most models have it."""
    return Rope(tuple(10000.0 ** (-i / pairs) for i in range(pairs)), neox, magnitude)


@pytest.mark.parametrize("slots", [301, LONG])
@pytest.mark.parametrize("dim", head_dims("f32"))
def test_step_equals_twin(device: Device, schedule: Schedule, slots: int, dim: int) -> None:
    for heads, kv_heads in ((6, 2), (3, 3), (5, 1)):
        case = Case(heads, kv_heads, dim, slots, rope=angles(dim // 2, neox=False), has_gains=True)
        case.check(device, schedule, 300)


@pytest.mark.parametrize("kv", KV_TYPES)
@pytest.mark.parametrize("dim", [32, 96])
def test_every_cache_type(device: Device, schedule: Schedule, kv: KvType, dim: int) -> None:
    for position in (0, 301):
        Case(6, 2, dim, LONG, kv).check(device, schedule, position)


# 32 keys are the least of a split, 128 and 256 are tiles of the variants
@pytest.mark.parametrize("position", [0, 1, 31, 32, 63, 64, 95, 96, 127, 128, 255, 256, 257])
@pytest.mark.parametrize("slots", [300, LONG])
def test_borders_of_tiles_and_splits(
    device: Device, schedule: Schedule, position: int, slots: int
) -> None:
    case = Case(6, 2, 16, slots, rope=angles(8, neox=False))
    for raw in case.raw:
        raw[:, position:] = np.nan  # nobody may read what was not written

    o, *_ = case.run(device, schedule, position)

    np.testing.assert_allclose(o, case.expected(position)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("neox", [False, True])
@pytest.mark.parametrize("pairs", [0, 6, 40])
@pytest.mark.parametrize("has_gains", [False, True])
def test_partial_rotation_and_norm(
    device: Device, schedule: Schedule, neox: bool, pairs: int, has_gains: bool
) -> None:
    rope = angles(pairs, neox=neox, magnitude=1.25) if pairs else None
    case = Case(9, 1, 80, 400, rope=rope, has_gains=has_gains)

    case.check(device, schedule, 290)


@pytest.mark.parametrize("window", [1, 5, 70])
@pytest.mark.parametrize("position", [0, 60, 71, 400])
def test_a_window_over_a_ring(
    device: Device, schedule: Schedule, window: int, position: int
) -> None:
    case = Case(4, 2, 16, window + 1, window=window, rope=angles(8, neox=True))

    case.check(device, schedule, position)


def test_a_window_over_a_long_ring(device: Device, schedule: Schedule) -> None:
    case = Case(4, 2, 16, LONG, window=LONG - 3)

    case.check(device, schedule, 3 * LONG + 2)


@pytest.mark.parametrize(("count", "position"), [(0, 3), (1, 400)])
def test_nothing_is_appended(device: Device, schedule: Schedule, count: int, position: int) -> None:
    """Not by a step of no tokens (one after a stop), nor past the end of the context."""
    case = Case(4, 2, 16, 400)

    _, *caches = case.run(device, schedule, position, count)

    assert all(np.array_equal(a, b) for a, b in zip(caches, case.raw, strict=True))
