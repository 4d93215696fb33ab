"""Writing keys and values into the cache: every type, rings, the end of the context."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from run_kernel import run, slot, step_words
from twins.kv import head_dims, pack
from wgslm.gpu import Device
from wgslm.kernels import STEP, Ref
from wgslm.kernels.attention import KV_TYPES, Cache, Heads, KvType, kv_append

pytestmark = pytest.mark.gpu
K, V, X, Y = slot("k"), slot("v"), slot("x"), slot("y")
GUARD = 99


CASES = [(kv, dim) for kv in KV_TYPES for dim in head_dims(kv)]


@pytest.mark.parametrize(("kv", "dim"), [("f32", 4), ("f16", 20), *CASES])
@pytest.mark.parametrize(("position", "window"), [(0, 0), (9, 0), (9, 8)])
def test_append_equals_twin(
    device: Device, kv: KvType, dim: int, position: int, window: int
) -> None:
    rng = np.random.default_rng(dim)
    heads, tokens, slots = 3, 3, 11 if window else 13
    memory: dict[Ref, NDArray[Any]] = {STEP: step_words(tokens, position)}
    sources: list[Heads] = []
    expected: dict[Ref, NDArray[Any]] = {}
    for source, ref, offset, stride in ((X, K, 8, heads * dim + 12), (Y, V, 4, heads * dim + 4)):
        x = (10 * rng.standard_normal((4, stride))).astype(np.float32)
        values = x[:tokens, offset : offset + heads * dim].reshape(tokens, heads, dim)
        rows = pack(kv, values.astype(np.float64)).transpose(1, 0, 2)
        memory[source] = x
        memory[ref] = np.full((heads, slots, rows.shape[-1]), GUARD, rows.dtype)
        expected[ref] = memory[ref].copy()
        expected[ref][:, np.arange(position, position + tokens) % slots] = rows
        sources.append(Heads(source, heads, dim, stride, offset))

    actual = run(
        device,
        kv_append(sources[0], sources[1], Cache(K, V, heads, dim, slots, kv, window), 4),
        memory,
    )

    for ref in (K, V):
        if kv == "f16":  # WGSL lets pack2x16float round either way: 1 ulp of f16
            tolerance = np.spacing(np.abs(expected[ref]))
            assert np.all(np.abs(actual[ref] - expected[ref]) <= tolerance)
        else:
            np.testing.assert_array_equal(actual[ref], expected[ref])


@pytest.mark.parametrize("kv", ["q8_0", "q4_0"])
def test_blocks_of_special_values(device: Device, kv: KvType) -> None:
    """Zeros, ties of rounding, scales that are subnormal halves, that vanish, that overflow."""
    ties = np.arange(32) - 15.5
    ties[0] = 127 if kv == "q8_0" else -16
    shape = np.random.default_rng(0).uniform(-1, 1, (6, 32)) * 8
    scaled = shape * np.array([1e-2, 1e-4, 1e-6, 1e-7, 1e-12, 1e7])[:, None]
    between = ties[None] * (1 + 2.0**-11)  # its scale lies halfway between two half floats
    x = np.concatenate([np.zeros((1, 32)), ties[None], -ties[None], scaled, between])
    x = x.astype(np.float32)  # ten blocks: heads of 64
    heads = Heads(X, 5, 64, 320)
    rows = pack(kv, x.astype(np.float64).reshape(5, 1, 64))

    actual = run(
        device,
        kv_append(heads, heads, Cache(K, V, 5, 64, 1, kv), 1),
        {STEP: step_words(1), X: x, K: np.zeros_like(rows), V: np.zeros_like(rows)},
    )

    for ref in (K, V):
        np.testing.assert_array_equal(actual[ref], rows)


def test_append_stops_at_the_end_of_the_context(device: Device) -> None:
    cache = np.full((2, 6, 4), GUARD, np.float32)
    x = Heads(X, 2, 4, 8)

    actual = run(
        device,
        kv_append(x, x, Cache(K, V, 2, 4, 6, "f32"), 4),
        {STEP: step_words(4, 4), X: np.ones((4, 8), np.float32), K: cache, V: cache},
    )

    for ref in (K, V):
        assert np.all(actual[ref][:, 4:] == 1)
        assert np.all(actual[ref][:, :4] == GUARD)


def test_an_f16_cache_limits_what_it_cannot_hold(device: Device) -> None:
    x = np.array([[1e6, -1e6, 65504, 6e-8]], np.float32)
    cache = np.zeros((1, 1, 4), np.float16)
    heads = Heads(X, 1, 4, 4)

    actual = run(
        device,
        kv_append(heads, heads, Cache(K, V, 1, 4, 1, "f16"), 1),
        {STEP: step_words(1), X: x, K: cache, V: cache},
    )

    for ref in (K, V):
        assert np.array_equal(actual[ref][0, 0, :3], np.array([65504, -65504, 65504], np.float16))
