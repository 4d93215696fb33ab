"""Twins of shaders/quants: exact to the bit, in float32 and in ggml's order of operations.

Each decoder takes blocks u8 [n, nbytes] and returns two f32 [n, block]: the products and what is
added to them. Their float32 sum is the weight.
"""

from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from twins.grids import even_signs, grid, signs
from wgslm.quants import Quant

Blocks: TypeAlias = NDArray[np.uint8]
Single: TypeAlias = NDArray[np.float32]
Terms: TypeAlias = tuple[Single, Single]
Number = TypeVar("Number", bound=np.number)

ZERO = np.zeros((1, 1), np.float32)
E2M1 = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], np.float32)
IQ4_VALUES = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32
)
IQ1_GRID = grid("iq1", 8, (-1, 0, 1, 0))
IQ2_XXS_GRID = grid("iq2_xxs", 8, (8, 25, 43, 0))
IQ2_XS_GRID = grid("iq2_xs", 8, (8, 25, 43, 0))
IQ2_S_GRID = grid("iq2_s", 8, (8, 25, 43, 0))
IQ3_XXS_GRID = grid("iq3_xxs", 4, (4, 12, 20, 28, 36, 44, 52, 62))
IQ3_S_GRID = grid("iq3_s", 4, (1, 3, 5, 7, 9, 11, 13, 15))


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


def q1_0(b: Blocks) -> Terms:
    """f16 d, 16 bytes of bits."""
    return (2 * _bits(b[:, 2:]) - 1) * _half(b, 0), ZERO


def q2_0(b: Blocks) -> Terms:
    """f16 d, 16 bytes of pairs."""
    pairs = b[:, 2:, None] >> np.arange(0, 8, 2, dtype=np.uint8) & 3
    return (_flat(pairs).astype(np.float32) - 1) * _half(b, 0), ZERO


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


def q2_k(b: Blocks) -> Terms:
    """16 bytes of 4-bit scales and mins, 64 of pairs, f16 d, f16 dmin."""
    scale = _half(b, 80) * (b[:, :16] & 15).astype(np.float32)
    low = _half(b, 82) * (b[:, :16] >> 4).astype(np.float32)
    return np.repeat(scale, 16, 1) * _pairs(b[:, 16:80]), np.repeat(-low, 16, 1)


def q3_k(b: Blocks) -> Terms:
    """32 bytes of high bits, 64 of pairs, 12 of 6-bit scales, f16 d."""
    high = _flat(b[:, None, :32] >> np.arange(8, dtype=np.uint8)[:, None] & 1)
    low = b[:, 96:104, None] >> np.array([0, 4], np.uint8) & 15  # [n, 8, 2]
    upper = b[:, None, 104:108] >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3  # [n, 4, 4]
    scales = _flat(low.swapaxes(1, 2)) + _flat(upper) * np.float32(16) - 32
    q = _pairs(b[:, 32:96]) + 4 * high.astype(np.float32) - 4
    return np.repeat(_half(b, 108) * scales, 16, 1) * q, ZERO


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


def iq1_s(b: Blocks) -> Terms:
    """f16 d, 32 bytes of points, 8 x u16 of high bits, scale and the sign of delta."""
    h = _words(b[:, 34:50], "<u2")  # [n, 8]
    scale = _half(b, 0) * (2 * (h >> 12 & 7) + 1).astype(np.float32)
    delta = np.where(h & 0x8000, np.float32(-0.125), np.float32(0.125))
    high = _flat(h[:, :, None] >> np.array([0, 3, 6, 9], np.uint16) & 7)
    value = IQ1_GRID[b[:, 2:34] | high << 8].reshape(-1, 8, 32)
    return _flat(scale[:, :, None] * (value + delta[:, :, None])), ZERO


def iq1_m(b: Blocks) -> Terms:
    """32 bytes of points, 16 of high bits and signs of delta, 4 x u16 of scales and f16 d."""
    s = _words(b[:, 48:56], "<u2")  # [n, 4]
    d = (s >> 12 << np.array([0, 4, 8, 12], np.uint16)).sum(1, dtype=np.uint16)
    scales = _flat(s[:, :, None] >> np.array([0, 3, 6, 9], np.uint16) & 7)  # [n, 16]
    scale = d.view("<f2").astype(np.float32)[:, None] * (2 * scales + 1).astype(np.float32)
    h = _flat(b[:, 32:48, None] >> np.array([0, 4], np.uint8) & 15).astype(np.uint16)  # [n, 32]
    delta = np.where(h & 8, np.float32(-0.125), np.float32(0.125))
    value = IQ1_GRID[b[:, :32] | (h & 7) << 8] + delta[:, :, None]
    return np.repeat(scale, 16, 1) * _flat(value), ZERO


def iq2_xxs(b: Blocks) -> Terms:
    """f16 d; per 32 weights 4 points, then 4 x 7 signs and 4 bits of scale."""
    w = _words(b[:, 2:66], "<u4")[:, 1::2]
    points = b[:, 2:66].reshape(-1, 8, 8)[:, :, :4]
    sign = even_signs(w[:, :, None] >> np.array([0, 7, 14, 21], np.uint32))
    scale = _half(b, 0) * ((w >> 28).astype(np.float32) + np.float32(0.5)) * np.float32(0.25)
    return _scaled(scale, IQ2_XXS_GRID[points] * sign), ZERO


def iq2_xs(b: Blocks) -> Terms:
    """f16 d, 32 x u16 (a point of 9 bits, 7 signs), 16 scales of 4 bits."""
    w = _words(b[:, 2:66], "<u2")
    return _scaled(_iq2_scale(b, 66), IQ2_XS_GRID[w & 511] * even_signs(w >> 9)), ZERO


def iq2_s(b: Blocks) -> Terms:
    """f16 d, 32 bytes of points, 32 of signs, 8 of high pairs, 16 scales of 4 bits."""
    high = _flat(b[:, 66:74, None] >> np.array([0, 2, 4, 6], np.uint8) & 3).astype(np.uint16)
    return _scaled(_iq2_scale(b, 74), IQ2_S_GRID[b[:, 2:34] | high << 8] * signs(b[:, 34:66])), ZERO


def iq3_xxs(b: Blocks) -> Terms:
    """f16 d, 64 bytes of points; per 32 weights 4 x 7 signs and 4 bits of scale."""
    w = _words(b[:, 66:98], "<u4")
    sign = even_signs(w[:, :, None] >> np.array([0, 7, 14, 21], np.uint32))
    scale = _half(b, 0) * ((w >> 28).astype(np.float32) + np.float32(0.5)) * np.float32(0.5)
    return _scaled(scale, _flat(IQ3_XXS_GRID[b[:, 2:66]]) * _flat(sign)), ZERO


def iq3_s(b: Blocks) -> Terms:
    """f16 d, 64 bytes of points, 8 of high bits, 32 of signs, 8 scales of 4 bits."""
    point = b[:, 2:66] + 256 * _bits(b[:, 66:74]).astype(np.uint16)
    scale = _half(b, 0) * (2 * _each_nibble(b[:, 106:110]) + 1)
    return _scaled(scale, _flat(IQ3_S_GRID[point]) * _flat(signs(b[:, 74:106]))), ZERO


def iq4_nl(b: Blocks) -> Terms:
    """f16 d, 16 bytes of nibbles."""
    return IQ4_VALUES[_nibbles(b[:, 2:]).astype(int)] * _half(b, 0), ZERO


def iq4_xs(b: Blocks) -> Terms:
    """f16 d, 8 x 2 high and 8 x 4 low bits of scales, 128 bytes of nibbles."""
    high = _words(b[:, 2:4], "<u2") >> np.arange(0, 16, 2, dtype=np.uint16) & 3  # [n, 8]
    scale = _half(b, 0) * (_each_nibble(b[:, 4:8]) + 16 * high.astype(np.float32) - 32)
    q = IQ4_VALUES[_nibbles(b[:, 8:].reshape(-1, 8, 16)).astype(int)]  # [n, 8, 32]
    return _scaled(scale, q), ZERO


def tq1_0(b: Blocks) -> Terms:
    """48 bytes of 5 and 4 bytes of 4 digits to base 3, f16 d."""
    power = np.array([1, 3, 9, 27, 81], np.uint8)[:, None]
    parts = [b[:, None, :32] * power, b[:, None, 32:48] * power, b[:, None, 48:52] * power[:4]]
    fractions = np.concatenate([_flat(part) for part in parts], 1)  # of 256
    return _half(b, 52) * ((fractions.astype(np.uint16) * 3 >> 8).astype(np.float32) - 1), ZERO


def tq2_0(b: Blocks) -> Terms:
    """64 bytes of pairs, f16 d."""
    return _half(b, 64) * (_pairs(b[:, :64]) - 1), ZERO


def mxfp4(b: Blocks) -> Terms:
    """An exponent e for a factor of 2^(e - 128), 16 bytes of nibbles."""
    e = b[:, :1].astype(np.uint32)
    bits = np.where(e < 2, np.uint32(0x00200000) << e, (np.maximum(e, 1) - 1) << 23)
    return bits.astype(np.uint32).view(np.float32) * E2M1[_nibbles(b[:, 1:]).astype(int)], ZERO


def nvfp4(b: Blocks) -> Terms:
    """4 x float of 4 bits exponent, 3 bits mantissa; 4 x 8 bytes of nibbles."""
    exponent, mantissa = b[:, :4] >> 3 & 15, (b[:, :4] & 7).astype(np.float32)
    normal = (8 + mantissa) * np.exp2(exponent.astype(np.float32) - np.float32(11))
    scale = np.where(exponent == 0, mantissa * np.float32(2**-10), normal)
    scale = np.where(b[:, :4] == 127, np.float32(0), scale)
    return _scaled(scale, E2M1[_nibbles(b[:, 4:].reshape(-1, 4, 8)).astype(int)]), ZERO


def _half(b: Blocks, at: int) -> Single:
    """The f16 at byte `at`: [n, 1]."""
    return b[:, at : at + 2].copy().view("<f2").astype(np.float32)


def _nibbles(b: Blocks) -> Single:
    """All low nibbles, then all high ones, along the last axis."""
    return np.concatenate([b & 15, b >> 4], -1).astype(np.float32)


def _each_nibble(b: Blocks) -> Single:
    """The low and the high nibble of each byte: [n, k] -> [n, 2 k]."""
    return _flat(b[:, :, None] >> np.array([0, 4], np.uint8) & 15).astype(np.float32)


def _pairs(b: Blocks) -> Single:
    """Pair k of byte i of each 32 bytes is number 32 k + i: [n, 64] -> [n, 256]."""
    shifts = np.array([0, 2, 4, 6], np.uint8)[:, None]
    return _flat(b.reshape(-1, 2, 1, 32) >> shifts & 3).astype(np.float32)


def _words(b: Blocks, dtype: str) -> NDArray[np.unsignedinteger]:
    """Bytes as larger numbers, along the last axis."""
    return b.copy().view(dtype)


def _scaled(scale: Single, values: Single) -> Single:
    """Multiply equal shares of a block's values by its scales: [n, k], [n, ...] -> [n, block]."""
    return _flat(scale[:, :, None] * values.reshape(*scale.shape, -1))


def _iq2_scale(b: Blocks, at: int) -> Single:
    """The scales of 16 weights each: [n, 16]."""
    return _half(b, 0) * (_each_nibble(b[:, at : at + 8]) + np.float32(0.5)) * np.float32(0.25)


def _bits(b: Blocks) -> Single:
    """Bits, lowest first: [n, k] -> [n, 8 k]."""
    return np.unpackbits(b, axis=1, bitorder="little").astype(np.float32)


def _k_scales(b: Blocks) -> Terms:
    """The scale and minimum of each of 8 groups: [n, 8, 1]."""
    early, late, mixed = b[:, 4:8], b[:, 8:12], b[:, 12:16]
    scale = np.concatenate([early & 63, mixed & 15 | early >> 6 << 4], 1).astype(np.float32)
    low = np.concatenate([late & 63, mixed >> 4 | late >> 6 << 4], 1).astype(np.float32)
    return (_half(b, 0) * scale)[:, :, None], (_half(b, 2) * low)[:, :, None]


def _flat(values: NDArray[Number]) -> NDArray[Number]:
    return values.reshape(len(values), -1)
