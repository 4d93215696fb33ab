"""Twins of attention and kv_append."""

import numpy as np

from twins import Array

F16_MAX = 65504.0


def stored(x: Array, kv: str) -> Array:
    """What the cache keeps of x."""
    if kv == "f32":
        return x.astype(np.float32).astype(np.float64)
    return np.clip(x, -F16_MAX, F16_MAX).astype(np.float16).astype(np.float64)


def append(cache: Array, x: Array, position: int, kv: str) -> None:
    """Write x [T, heads, dim] behind what the cache [heads, context, dim] holds."""
    cache[:, position : position + len(x)] = stored(x, kv).transpose(1, 0, 2)


def attention(q: Array, k_cache: Array, v_cache: Array, position: int, scale: float) -> Array:
    """q, result: [T, heads, dim]; caches: [kv_heads, context, dim]. No token sees later keys."""
    tokens, heads, _ = q.shape
    group = heads // len(k_cache)
    o = np.empty_like(q)
    for t in range(tokens):
        keys = position + t + 1
        for h in range(heads):
            scores = scale * k_cache[h // group, :keys] @ q[t, h]
            weights = np.exp(scores - scores.max())
            o[t, h] = weights / weights.sum() @ v_cache[h // group, :keys]
    return o
