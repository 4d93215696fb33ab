"""Twins of attention and kv_append."""

from collections.abc import Callable

import numpy as np

from twins import Array
from twins.kv import stored
from twins.norm import rmsnorm


def append(k_or_v: Array, x: Array, position: int, kv: str) -> None:
    """Write x [T, heads, dim] into a cache of values [heads, slots, dim]."""
    slots = np.arange(position, position + len(x)) % k_or_v.shape[1]
    k_or_v[:, slots] = stored(kv, x).transpose(1, 0, 2)


def attention(
    q: Array, k_cache: Array, v_cache: Array, position: int, scale: float, window: int = 0
) -> Array:
    """q, result: [T, heads, dim]; caches: [kv_heads, slots, dim]. No token sees later keys.

    With a window a token sees that many positions, its own included.
    """
    tokens, heads, _ = q.shape
    group = heads // len(k_cache)
    o = np.empty_like(q)
    for t in range(tokens):
        last = position + t
        first = max(0, last + 1 - window) if window else 0
        slots = np.arange(first, last + 1) % k_cache.shape[1]
        for h in range(heads):
            scores = scale * k_cache[h // group, slots] @ q[t, h]
            weights = np.exp(scores - scores.max())
            o[t, h] = weights / weights.sum() @ v_cache[h // group, slots]
    return o


def attention_step(
    q: Array,
    k: Array,
    v: Array,
    caches: tuple[Array, Array],
    position: int,
    scale: float,
    kv: str,
    *,
    window: int = 0,
    rotate: Callable[[Array], Array] = lambda x: x,
    gains: tuple[Array | None, Array | None] = (None, None),
    eps: float = 0.0,
) -> Array:
    """Norm, rotation, append and attention of one token. q, k, v, result: [1, heads, dim].

    Writes into the caches, as values [kv_heads, slots, dim].
    """
    turned = [
        rotate(x if gain is None else rmsnorm(x, gain, eps))
        for x, gain in zip((q, k), gains, strict=True)
    ]
    append(caches[0], turned[1], position, kv)
    append(caches[1], v, position, kv)
    return attention(turned[0], *caches, position, scale, window)
