"""Twins of shaders/lib/kv_*: what a KV cache stores, to the bit.

A cache is [heads, slots, row] of raw bytes; a row holds `dim` values.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twins import Array
from twins.quants import decode
from wgslm.kernels.attention import KvType
from wgslm.quants import QUANTS

F16_MAX = 65504.0
Raw = NDArray[Any]
BY_NAME = {quant.name: quant for quant in QUANTS}


def head_dims(kv: KvType) -> tuple[int, ...]:
    """Head sizes to test: blocks of 32 values fit only into some."""
    return (16, 64, 80, 128, 256) if kv in ("f32", "f16") else (32, 64, 96, 128, 256)


def pack(kv: str, x: Array) -> Raw:
    """Return rows [..., dim] of values as the cache stores them: [..., row]."""
    if kv == "f32":
        return x.astype(np.float32)
    if kv == "f16":
        return np.clip(x, -F16_MAX, F16_MAX).astype(np.float16)
    missing = [(0, 0)] * (x.ndim - 1) + [(0, -x.shape[-1] % 64)]  # a block of zeros, for its scale
    blocks = np.pad(x.astype(np.float32), missing).reshape(*x.shape[:-1], -1, 32)
    scales, quants = (q8_0 if kv == "q8_0" else q4_0)(blocks)
    quants = quants[..., : x.shape[-1] // 32, :].reshape(*x.shape[:-1], -1)
    scales = scales.reshape(*x.shape[:-1], -1).view(np.uint8)
    return np.concatenate([quants, scales], -1)


def q8_0(x: NDArray[np.float32]) -> tuple[Raw, Raw]:
    """ggml's quantize_row_q8_0_ref: scales f16 [..., 1] and bytes u8 [..., 32] of blocks."""
    scale = np.abs(x).max(-1, keepdims=True) / np.float32(127)
    y = np.abs(x * _inverse(scale))
    whole = np.trunc(y) + (y - np.trunc(y) >= np.float32(0.5))  # roundf: halves away from zero
    return _half(scale), (np.sign(x) * whole).astype(np.int8).view(np.uint8)


def q4_0(x: NDArray[np.float32]) -> tuple[Raw, Raw]:
    """ggml's quantize_row_q4_0_ref: scales f16 [..., 1] and nibbles u8 [..., 16] of blocks."""
    first = np.abs(x).argmax(-1, keepdims=True)
    scale = np.take_along_axis(x, first, -1) / np.float32(-8)
    y = np.minimum(15, np.trunc(x * _inverse(scale) + np.float32(8.5))).astype(np.uint8)
    return _half(scale), y[..., :16] | y[..., 16:] << 4


def _inverse(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    one = np.ones_like(scale)
    return np.divide(one, scale, out=np.zeros_like(scale), where=scale != 0)


def _half(scale: NDArray[np.float32]) -> NDArray[np.float16]:
    return np.clip(scale, -F16_MAX, F16_MAX).astype(np.float16)


def unpack(kv: str, rows: Raw, dim: int) -> Array:
    """Return what is stored as values f64 [..., dim]."""
    if kv in ("f32", "f16"):
        return rows.astype(np.float64)
    nbytes = dim if kv == "q8_0" else dim // 2
    quants = rows[..., :nbytes].reshape(-1, nbytes * 32 // dim)
    scales = rows[..., nbytes : nbytes + dim // 16].reshape(-1, 2)
    values = decode(BY_NAME[kv], np.concatenate([scales, quants], 1))  # blocks as in a GGUF
    return values.astype(np.float64).reshape(*rows.shape[:-1], dim)


def stored(kv: str, x: Array) -> Array:
    """What the cache keeps of x [..., dim]."""
    return unpack(kv, pack(kv, x), x.shape[-1])
