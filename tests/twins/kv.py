"""Twins of shaders/lib/kv_*: what a KV cache stores, to the bit.

A cache is [heads, slots, row] of raw bytes; a row holds `dim` values.
"""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from twins import Array
from wgslm.kernels.attention import KvType

F16_MAX = 65504.0
Raw = NDArray[Any]
KV_TYPES: Sequence[KvType] = get_args(KvType)


def head_dims(kv: KvType) -> tuple[int, ...]:
    """Head sizes to test."""
    return (16, 64, 80, 128, 256)


def pack(kv: str, x: Array) -> Raw:
    """Return rows [..., dim] of values as the cache stores them: [..., row]."""
    if kv == "f32":
        return x.astype(np.float32)
    return np.clip(x, -F16_MAX, F16_MAX).astype(np.float16)


def unpack(kv: str, rows: Raw, dim: int) -> Array:
    """Return what is stored as values f64 [..., dim]."""
    return rows.astype(np.float64)


def stored(kv: str, x: Array) -> Array:
    """What the cache keeps of x [..., dim]."""
    return unpack(kv, pack(kv, x), x.shape[-1])
