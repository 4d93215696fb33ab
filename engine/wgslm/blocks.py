"""Random blocks of every format: any bits where any are allowed, small finite scales elsewhere.

The spread of the weights is about that with which models are initialised, so activations neither
vanish nor overflow, whatever the depth. Speed does not depend on the values, but a benchmark that
computes infinities would measure (and hide) something else; a self-test would compare nothing.
"""

import random
import struct
import zlib
from functools import cache

from wgslm.errors import UnsupportedError
from wgslm.quants import Quant

TILE = 1 << 20  # bytes after which the blocks repeat, about
SPREAD = 0.02  # standard deviation of the weights

Fixed = tuple[int, int, int]  # byte of a block, bits of it that stay random, the others' value


def _half(at: int, value: float) -> tuple[Fixed, Fixed]:
    low, high = struct.pack("<e", value)
    return (at, 0, low), (at + 1, 0, high)


def _halves(*values: tuple[int, float]) -> tuple[Fixed, ...]:
    return tuple(fixed for at, value in values for fixed in _half(at, value))


def _iq1_m() -> tuple[Fixed, ...]:
    """Spread the scale over the upper nibbles of the last four 16-bit words."""
    (bits,) = struct.unpack("<H", struct.pack("<e", SPREAD / 8))
    return tuple((49 + 2 * i, 0x0F, (bits >> 4 * i & 0xF) << 4) for i in range(4))


# Floats of 2^-6 to 2^-5 of either sign. Scales are SPREAD over what a block with scale 1 spreads;
# minima are what centres the weights at 0. Offsets as in ggml-common.h.
FIXED: dict[str, tuple[Fixed, ...]] = {
    "f32": ((2, 0x7F, 0x80), (3, 0x80, 0x3C)),
    "f16": ((1, 0x83, 0x24),),
    "bf16": ((0, 0x7F, 0x80), (1, 0x80, 0x3C)),
    "q1_0": _halves((0, SPREAD)),
    "q2_0": _halves((0, SPREAD / 1.1)),
    "q4_0": _halves((0, SPREAD / 4.6)),
    "q4_1": _halves((0, SPREAD / 4.6), (2, -7.5 * SPREAD / 4.6)),
    "q5_0": _halves((0, SPREAD / 9.2)),
    "q5_1": _halves((0, SPREAD / 9.2), (2, -15.5 * SPREAD / 9.2)),
    "q8_0": _halves((0, SPREAD / 74)),
    "q2_k": _halves((80, SPREAD / 13), (82, 1.5 * SPREAD / 13)),
    "q3_k": _halves((108, SPREAD / 43)),
    "q4_k": _halves((0, SPREAD / 240), (2, 7.5 * SPREAD / 240)),
    "q5_k": _halves((0, SPREAD / 490), (2, 15.5 * SPREAD / 490)),
    "q6_k": _halves((208, SPREAD / 1370)),
    "iq1_s": _halves((0, SPREAD / 8)),
    "iq1_m": _iq1_m(),
    "iq2_xxs": _halves((0, SPREAD / 60)),
    "iq2_xs": _halves((0, SPREAD / 60)),
    "iq2_s": _halves((0, SPREAD / 60)),
    "iq3_xxs": _halves((0, SPREAD / 120)),
    "iq3_s": _halves((0, SPREAD / 150)),
    "iq4_nl": _halves((0, SPREAD / 70)),
    "iq4_xs": _halves((0, SPREAD / 1300)),
    "tq1_0": _halves((52, SPREAD / 0.8)),
    "tq2_0": _halves((64, SPREAD / 1.1)),
    "mxfp4": ((0, 0, 120),),  # 2^-7 / 2 per unit of E2M1 doubled
    "nvfp4": tuple((i, 0, 4) for i in range(4)),  # 2^-7 in E4M3
}


@cache
def tile(quant: Quant) -> bytes:
    """Return about TILE bytes of whole blocks, the same every time."""
    nbytes = TILE // quant.nbytes * quant.nbytes
    return finite(quant, random.Random(zlib.crc32(quant.name.encode())).randbytes(nbytes))


def finite(quant: Quant, bits: bytes) -> bytes:
    """Return whole blocks with these bits, except where scales must be small and finite."""
    if quant.name not in FIXED:
        raise UnsupportedError(
            f"no random weights are known in {quant.label}; known: "
            f"{', '.join(name.upper() for name in sorted(FIXED))}"
        )
    blocks = bytearray(bits)
    for at, free, value in FIXED[quant.name]:
        kept = bytes(byte & free | value for byte in range(256))
        blocks[at :: quant.nbytes] = blocks[at :: quant.nbytes].translate(kept)
    return bytes(blocks)
