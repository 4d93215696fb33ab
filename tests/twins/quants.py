"""Twins of shaders/quants: exact to the bit, in float32 and in ggml's order of operations.

Each decoder takes blocks u8 [n, nbytes] and returns two f32 [n, block]: the products and what is
added to them. Their float32 sum is the weight.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from wgslm.quants import Quant

Blocks: TypeAlias = NDArray[np.uint8]
Single: TypeAlias = NDArray[np.float32]
Terms: TypeAlias = tuple[Single, Single]

ZERO = np.zeros((1, 1), np.float32)


def decode(quant: Quant, blocks: Blocks) -> Single:
    """Return the weights f32 [n, block] of blocks u8 [n, nbytes]."""
    product, offset = terms(quant, blocks)
    return product + offset if offset is not ZERO else product


def terms(quant: Quant, blocks: Blocks) -> Terms:
    """Return the two terms of every weight."""
    terms_of: Terms = globals()[quant.name](blocks)
    return terms_of


def largest_term(quant: Quant, blocks: Blocks) -> Single:
    """Return the larger of every weight's terms, without sign."""
    product, offset = terms(quant, blocks)
    return np.maximum(np.abs(product), np.abs(offset))


def decode_rows(quant: Quant, data: bytes, row: int) -> Single:
    """Return a tensor's bytes as f32 [rows, row]."""
    blocks = np.frombuffer(data, np.uint8).reshape(-1, quant.nbytes)
    return decode(quant, blocks).reshape(-1, row)


def f32(b: Blocks) -> Terms:
    """Four bytes."""
    return b.copy().view("<f4"), ZERO


def f16(b: Blocks) -> Terms:
    """Two bytes, widened."""
    return b.copy().view("<f2").astype(np.float32), ZERO


def bf16(b: Blocks) -> Terms:
    """The upper two bytes of a float."""
    return (b.copy().view("<u2").astype(np.uint32) << 16).view(np.float32), ZERO


def q4_0(b: Blocks) -> Terms:
    """f16 d, 16 bytes of nibbles."""
    return (_nibbles(b[:, 2:]) - 8) * _half(b, 0), ZERO


def q4_1(b: Blocks) -> Terms:
    """f16 d, f16 m, 16 bytes of nibbles."""
    return _nibbles(b[:, 4:]) * _half(b, 0), _half(b, 2)


def q5_0(b: Blocks) -> Terms:
    """f16 d, u32 of fifth bits, 16 bytes of nibbles."""
    return (_nibbles(b[:, 6:]) + 16 * _bits(b[:, 2:6]) - 16) * _half(b, 0), ZERO


def q5_1(b: Blocks) -> Terms:
    """f16 d, f16 m, u32 of fifth bits, 16 bytes of nibbles."""
    return (_nibbles(b[:, 8:]) + 16 * _bits(b[:, 4:8])) * _half(b, 0), _half(b, 2)


def q8_0(b: Blocks) -> Terms:
    """f16 d, 32 x i8."""
    return b[:, 2:].view(np.int8).astype(np.float32) * _half(b, 0), ZERO


def q4_k(b: Blocks) -> Terms:
    """f16 d, f16 dmin, 12 bytes of 6-bit scales and mins, 128 bytes of nibbles."""
    scale, low = _k_scales(b)  # [n, 8, 1]
    q = _nibbles(b[:, 16:].reshape(-1, 4, 32))  # [n, 4, 64]: two groups each
    return _flat(scale * q.reshape(-1, 8, 32)), _flat(np.repeat(-low, 32, 2))


def q5_k(b: Blocks) -> Terms:
    """Q4_K with 32 bytes before the nibbles, whose bit j belongs to group j."""
    scale, low = _k_scales(b)
    q = _nibbles(b[:, 48:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    fifth = b[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[None, :, None] & 1  # [n, 8, 32]
    return _flat(scale * (q + 16 * fifth.astype(np.float32))), _flat(np.repeat(-low, 32, 2))


def q6_k(b: Blocks) -> Terms:
    """128 bytes of low nibbles, 64 of upper pairs, 16 x i8 scales, f16 d."""
    low = b[:, :128].reshape(-1, 2, 1, 64)  # two halves of 128 weights
    low = np.concatenate([low & 15, low >> 4], 2).reshape(-1, 2, 4, 32)
    pairs = b[:, 128:192].reshape(-1, 2, 1, 32)
    high = pairs >> np.array([0, 2, 4, 6], np.uint8)[None, None, :, None] & 3
    q = (low | high << 4).astype(np.float32) - 32  # [n, 2, 4, 32]
    scales = b[:, 192:208].view(np.int8).astype(np.float32)
    return _flat(np.repeat(_half(b, 208) * scales, 16, 1) * _flat(q)), ZERO


def _half(b: Blocks, at: int) -> Single:
    """The f16 at byte `at`: [n, 1]."""
    return b[:, at : at + 2].copy().view("<f2").astype(np.float32)


def _nibbles(b: Blocks) -> Single:
    """All low nibbles, then all high ones, along the last axis."""
    return np.concatenate([b & 15, b >> 4], -1).astype(np.float32)


def _bits(b: Blocks) -> Single:
    """Bits, lowest first: [n, 4] -> [n, 32]."""
    return np.unpackbits(b, axis=1, bitorder="little").astype(np.float32)


def _k_scales(b: Blocks) -> Terms:
    """The scale and minimum of each of 8 groups: [n, 8, 1]."""
    early, late, mixed = b[:, 4:8], b[:, 8:12], b[:, 12:16]
    scale = np.concatenate([early & 63, mixed & 15 | early >> 6 << 4], 1).astype(np.float32)
    low = np.concatenate([late & 63, mixed >> 4 | late >> 6 << 4], 1).astype(np.float32)
    return (_half(b, 0) * scale)[:, :, None], (_half(b, 2) * low)[:, :, None]


def _flat(values: Single) -> Single:
    return values.reshape(len(values), -1)
