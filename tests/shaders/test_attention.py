"""Attention over the cache: head sizes, shared keys, long contexts, both cache types."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from run_kernel import run, slot, step_words
from twins import Array
from twins import attention as twin
from wgslm.gpu import Device
from wgslm.kernels import STEP
from wgslm.kernels.attention import Heads, KvType, attention, kv_append
from wgslm.kernels.schedule import SOFTWARE, Schedule

pytestmark = pytest.mark.gpu
Q, OUT, K, V, X = slot("q"), slot("o"), slot("k"), slot("v"), slot("x")
GUARD = 777.0
each_kv = pytest.mark.parametrize("kv", ["f32", "f16"])
DTYPE = {"f32": np.float32, "f16": np.float16}


def wide(values: NDArray[Any]) -> Array:
    return values.astype(np.float64)


@each_kv
@pytest.mark.parametrize(("heads", "kv_heads"), [(1, 1), (6, 2), (4, 4)])
@pytest.mark.parametrize("dim", [4, 12, 64, 80, 128, 256])
@pytest.mark.parametrize("position", [0, 60, 300])
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
    context, tokens = position + 7, 5
    offset, stride = 4, heads * dim + 8
    k, v = rng.standard_normal((2, kv_heads, context, dim)).astype(DTYPE[kv])
    q = (2 * rng.standard_normal((tokens + 1, stride))).astype(np.float32)
    o = np.full((tokens + 1, heads * dim), GUARD, np.float32)

    actual = run(
        device,
        attention(
            Heads(Q, heads, dim, stride, offset),
            K,
            V,
            OUT,
            tokens + 1,
            kv_heads,
            context,
            0.3,
            kv,
            schedule,
        ),
        {STEP: step_words(tokens, position), Q: q, K: k, V: v, OUT: o},
    )[OUT]

    queries = q[:tokens, offset : offset + heads * dim].reshape(tokens, heads, dim)
    expected = twin.attention(wide(queries), wide(k), wide(v), position, 0.3)
    # scores up to 50 are off by 2^-24 of their terms, and exp turns that into a relative error
    np.testing.assert_allclose(actual[:tokens], expected.reshape(tokens, -1), rtol=0, atol=2e-5)
    assert np.all(actual[tokens:] == GUARD)


@pytest.mark.parametrize("outstanding", [0, 7, 13, 31, 63, 64, 129])
def test_large_scores_do_not_overflow(device: Device, schedule: Schedule, outstanding: int) -> None:
    """exp of the differences overflows unless the highest score is found, whichever lane has it."""
    q = np.full((1, 64), 100, np.float32)
    k = np.full((1, 130, 64), -1, np.float32)
    k[0, outstanding] = 1
    v = np.random.default_rng(1).standard_normal((1, 130, 64)).astype(np.float32)

    actual = run(
        device,
        attention(Heads(Q, 1, 64, 64), K, V, OUT, 1, 1, 130, 1.0, "f32", schedule),
        {STEP: step_words(1, 129), Q: q, K: k, V: v, OUT: np.zeros((1, 64), np.float32)},
    )[OUT]

    assert np.array_equal(actual[0], v[0, outstanding])


@each_kv
def test_what_lies_behind_the_last_key_is_not_read(device: Device, kv: KvType) -> None:
    k = np.full((1, 70, 4), np.nan, DTYPE[kv])
    v = k.copy()
    k[:, :2], v[:, :2] = 0, 3

    actual = run(
        device,
        attention(Heads(Q, 1, 4, 4), K, V, OUT, 1, 1, 70, 1.0, kv, SOFTWARE),
        {
            STEP: step_words(1, 1),
            Q: np.ones((1, 4), np.float32),
            K: k,
            V: v,
            OUT: np.zeros((1, 4), np.float32),
        },
    )[OUT]

    assert np.array_equal(actual, np.full((1, 4), 3))


@each_kv
@pytest.mark.parametrize(("heads", "dim"), [(1, 4), (3, 20), (2, 256)])
@pytest.mark.parametrize("position", [0, 9])
def test_append_equals_twin(
    device: Device, kv: KvType, heads: int, dim: int, position: int
) -> None:
    rng = np.random.default_rng(dim)
    context, offset, stride = 13, 8, heads * dim + 12
    x = (10 * rng.standard_normal((4, stride))).astype(np.float32)
    cache = np.full((heads, context, dim), GUARD, DTYPE[kv])

    actual = run(
        device,
        kv_append(Heads(X, heads, dim, stride, offset), K, 4, context, kv),
        {STEP: step_words(3, position), X: x, K: cache},
    )[K]

    expected = cache.astype(np.float64)
    values = x[:3, offset : offset + heads * dim].reshape(3, heads, dim)
    twin.append(expected, values.astype(np.float64), position, kv)
    # WGSL lets pack2x16float round either way: 1 ulp of f16
    tolerance = np.spacing(np.abs(expected).astype(np.float16)) if kv == "f16" else 0
    assert np.all(np.abs(actual - expected) <= tolerance)


def test_append_stops_at_the_end_of_the_context(device: Device) -> None:
    cache = np.full((2, 6, 4), GUARD, np.float32)
    x = np.ones((4, 8), np.float32)

    actual = run(
        device,
        kv_append(Heads(X, 2, 4, 8), K, 4, 6, "f32"),
        {STEP: step_words(4, 4), X: x, K: cache},
    )[K]

    assert np.all(actual[:, 4:] == 1)
    assert np.all(actual[:, :4] == GUARD)


def test_an_f16_cache_limits_what_it_cannot_hold(device: Device) -> None:
    x = np.array([[1e6, -1e6, 65504, 6e-8]], np.float32)

    actual = run(
        device,
        kv_append(Heads(X, 1, 4, 4), K, 1, 1, "f16"),
        {STEP: step_words(1), X: x, K: np.zeros((1, 1, 4), np.float16)},
    )[K]

    assert np.array_equal(actual[0, 0, :3], np.array([65504, -65504, 65504], np.float16))
