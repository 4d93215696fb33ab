"""Attention over the cache: every variant, cache type and head size, windows, long contexts."""

import numpy as np
import pytest

from run_kernel import run, slot, step_words
from twins import Array
from twins import attention as twin
from twins.kv import Raw, head_dims, pack, unpack
from wgslm.gpu import Device
from wgslm.kernels import STEP
from wgslm.kernels.attention import KV_TYPES, Cache, Heads, KvType, attention
from wgslm.kernels.schedule import GPU, SOFTWARE, Schedule, choose

pytestmark = pytest.mark.gpu
Q, OUT, K, V = slot("q"), slot("o"), slot("k"), slot("v")
GUARD = 777.0
SCHEDULES = {"software": SOFTWARE, "swiftshader": choose("software", frozenset()), "gpu": GPU}
each_schedule = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


def attend(
    device: Device,
    schedule: Schedule,
    cache: Cache,
    caches: tuple[Raw, Raw],
    q: Array,
    position: int,
    scale: float,
    *,
    tokens: int | None = None,
) -> Array:
    """Run a step of q [T, heads, dim] in a plan for `tokens`: the result [T, heads, dim]."""
    count, heads, dim = q.shape
    size = tokens or count
    offset, stride = 4, heads * dim + 8  # some columns of a wider slot
    wide = np.full((size, stride), np.nan, np.float32)
    wide[:count, offset : offset + heads * dim] = q.reshape(count, -1)
    o = np.full((size, heads * dim), GUARD, np.float32)
    dispatch = attention(Heads(Q, heads, dim, stride, offset), cache, OUT, size, scale, schedule)
    memory = {STEP: step_words(count, position), Q: wide, K: caches[0], V: caches[1], OUT: o}
    actual = run(device, dispatch, memory)[OUT]
    assert np.all(actual[count:] == GUARD)
    return actual[:count].reshape(q.shape).astype(np.float64)


SHAPES = [(6, 2), (3, 3), (5, 1)]  # query heads, KV heads
POSITIONS = [0, 19, 300]
CASES = [  # every pair of two
    *(
        ("f32", *shape, dim, POSITIONS[(i + j) % 3])
        for i, shape in enumerate(SHAPES)
        for j, dim in enumerate((16, 64, 80, 128, 256))
    ),
    *(
        (kv, *SHAPES[0], dim, POSITIONS[i % 3])
        for kv in KV_TYPES
        if kv != "f32"
        for i, dim in enumerate(head_dims(kv))
    ),
]


@pytest.mark.parametrize(("kv", "heads", "kv_heads", "dim", "position"), CASES)
@each_schedule
def test_attention_equals_twin(
    device: Device,
    schedule: Schedule,
    kv: KvType,
    heads: int,
    kv_heads: int,
    dim: int,
    position: int,
) -> None:
    rng = np.random.default_rng(dim)
    count = 13
    cache = Cache(K, V, kv_heads, dim, position + 17, kv)
    raw = [pack(kv, rng.standard_normal((kv_heads, cache.slots, dim))) for _ in "kv"]
    q = (2 * rng.standard_normal((count, heads, dim))).astype(np.float32).astype(np.float64)

    actual = attend(device, schedule, cache, (raw[0], raw[1]), q, position, 0.3, tokens=16)

    k, v = (unpack(kv, rows, dim) for rows in raw)
    # scores up to 50 are off by 2^-24 of their terms, and exp turns that into a relative error
    np.testing.assert_allclose(actual, twin.attention(q, k, v, position, 0.3), rtol=0, atol=2e-5)


@pytest.mark.parametrize("dim", [4, 12, 36])
@each_schedule
def test_head_sizes_that_fill_no_chunk(device: Device, schedule: Schedule, dim: int) -> None:
    rng = np.random.default_rng(dim)
    k, v = rng.standard_normal((2, 2, 90, dim)).astype(np.float32)
    q = rng.standard_normal((70, 2, dim))

    actual = attend(device, schedule, Cache(K, V, 2, dim, 90, "f32"), (k, v), q, 3, 0.5)

    np.testing.assert_allclose(actual, twin.attention(q, k, v, 3, 0.5), rtol=0, atol=1e-5)


@pytest.mark.parametrize("window", [1, 5, 32, 70])
@pytest.mark.parametrize("position", [0, 60, 87, 400])
@each_schedule
def test_a_window_over_a_ring(
    device: Device, schedule: Schedule, window: int, position: int
) -> None:
    """Positions before, at and past the end of the ring, and more than once around it."""
    rng = np.random.default_rng(window)
    count = 30
    slots = window + count + 1
    k, v = rng.standard_normal((2, 2, slots, 16)).astype(np.float32)
    if position + count < slots:  # what was never written
        k[:, position + count :], v[:, position + count :] = np.nan, np.nan
    q = rng.standard_normal((count, 4, 16))
    cache = Cache(K, V, 2, 16, slots, "f32", window)

    actual = attend(device, schedule, cache, (k, v), q, position, 0.5)

    expected = twin.attention(q, k, v, position, 0.5, window)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("outstanding", [0, 7, 13, 31, 63, 64, 127])
@each_schedule
def test_large_scores_do_not_overflow(device: Device, schedule: Schedule, outstanding: int) -> None:
    """exp of the differences overflows unless the highest score is found, whichever lane has it."""
    count = 2
    q = np.full((count, 1, 64), 100.0)
    k = np.full((1, 130, 64), -1, np.float32)
    k[0, outstanding] = 1
    v = np.random.default_rng(1).standard_normal((1, 130, 64)).astype(np.float32)
    cache = Cache(K, V, 1, 64, 130, "f32")

    actual = attend(device, schedule, cache, (k, v), q, 130 - count, 1.0)

    # of the dispatches with several tokens, 1 / total may be 1 ulp off
    np.testing.assert_allclose(actual[-1, 0], v[0, outstanding], rtol=2**-23)


@pytest.mark.parametrize("kv", ["f32", "f16"])
@each_schedule
def test_what_lies_behind_the_last_key_is_not_read(
    device: Device, schedule: Schedule, kv: KvType
) -> None:
    k = pack(kv, np.full((1, 70, 4), np.nan))
    v = k.copy()
    k[:, :2], v[:, :2] = 0, 3
    q = np.ones((2, 1, 4))

    actual = attend(device, schedule, Cache(K, V, 1, 4, 70, kv), (k, v), q, 2 - len(q), 1.0)

    assert np.array_equal(actual, np.full(q.shape, 3))


@each_schedule
def test_nan_stays_nan(device: Device, schedule: Schedule) -> None:
    k, v = np.ones((2, 1, 8, 16), np.float32)
    k[0, 1, 3] = np.nan
    q = np.ones((3, 1, 16))

    actual = attend(device, schedule, Cache(K, V, 1, 16, 8, "f32"), (k, v), q, 4 - len(q), 1.0)

    assert np.all(np.isnan(actual))


@pytest.mark.parametrize("window", [0, 3])
@each_schedule
def test_no_token_hears_of_what_it_does_not_see(
    device: Device, schedule: Schedule, window: int
) -> None:
    k, v = np.random.default_rng(2).standard_normal((2, 1, 16, 16)).astype(np.float32)
    k[0, 9], v[0, 9] = np.nan, np.inf
    v[0, 10] = np.nan
    q = np.ones((16, 1, 16))

    actual = attend(device, schedule, Cache(K, V, 1, 16, 16, "f32", window), (k, v), q, 0, 1.0)

    blind = np.ones(16, bool)
    blind[9 : 10 + window if window else 16] = False
    expected = twin.attention(q, k, v, 0, 1.0, window)
    np.testing.assert_allclose(actual[blind], expected[blind], rtol=0, atol=1e-5)
    assert np.all(np.isnan(actual[9 : 9 + max(window, 1), 0]))
