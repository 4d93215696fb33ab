"""Random weights in every format, for tests of what reads them."""

import numpy as np
from numpy.typing import NDArray

from twins.quants import Blocks, decode
from wgslm.quants import Quant

HALVES = {  # where a block has half floats, which must not become infinities
    "q1_0": (0,), "q2_0": (0,), "q4_0": (0,), "q4_1": (0, 2), "q5_0": (0,), "q5_1": (0, 2),
    "q8_0": (0,), "q2_k": (80, 82), "q3_k": (108,), "q4_k": (0, 2), "q5_k": (0, 2),
    "q6_k": (208,), "iq1_s": (0,), "iq2_xxs": (0,), "iq2_xs": (0,), "iq2_s": (0,),
    "iq3_xxs": (0,), "iq3_s": (0,), "iq4_nl": (0,), "iq4_xs": (0,), "tq1_0": (52,),
    "tq2_0": (64,),
}  # fmt: skip


def random_blocks(quant: Quant, count: int, seed: int = 0, factor: float = 1) -> Blocks:
    """Return blocks u8 [count, nbytes] of any bits, with scales up to `factor` in size."""
    rng = np.random.default_rng(seed)
    if quant.is_float:
        return float_blocks(quant, factor * rng.standard_normal(count))
    blocks = rng.integers(0, 256, (count, quant.nbytes), np.uint8)
    for index in range(scales_of(quant)):
        put_scales(quant, blocks, index, factor * rng.uniform(-1, 1, count))
    return blocks


def scales_of(quant: Quant) -> int:
    """Return how many scales a block has that are floats."""
    return {"iq1_m": 1, "mxfp4": 1, "nvfp4": 4}.get(quant.name) or len(HALVES[quant.name])


def put_scales(quant: Quant, blocks: Blocks, index: int, values: NDArray[np.floating]) -> None:
    """Store one scale of every block, rounded as the format has it."""
    if quant.name == "mxfp4":  # 2^(e - 128); the least exponents would be denormal
        blocks[:, 0] = np.clip(np.frexp(values)[1] + 127, 2, 255)
    elif quant.name == "nvfp4":
        blocks[:, index] = e4m3(2.0 * np.abs(values.astype(np.float64)))
    elif quant.name == "iq1_m":
        put_nibbles(blocks, values.astype("<f2").view("<u2"))
    else:
        at = HALVES[quant.name][index]
        blocks[:, at : at + 2] = values.astype("<f2").view(np.uint8).reshape(-1, 2)


def put_nibbles(blocks: Blocks, halves: NDArray[np.uint16]) -> None:
    """Spread IQ1_M's half float over the highest nibbles of its last four u16."""
    for i in range(4):
        nibble = (halves >> 4 * i & 15).astype(np.uint8)
        blocks[:, 49 + 2 * i] = blocks[:, 49 + 2 * i] & 15 | nibble << 4


def e4m3(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Round down to floats of 4 bits exponent and 3 bits mantissa, at most 448."""
    values = np.minimum(values, 448)
    exponent = np.clip(np.frexp(values)[1] - 1, -6, 8)
    steps = (values / np.exp2(exponent - 3.0)).astype(np.uint8)  # from 8 on, unless the least
    encoded: NDArray[np.uint8] = ((exponent + 6).astype(np.uint8) << 3) + steps
    return encoded


def float_blocks(quant: Quant, values: NDArray[np.float64]) -> Blocks:
    """Return numbers rounded to F32, F16 or BF16."""
    single = values.astype("<f4")
    if quant.name == "f16":
        return single.astype("<f2").view(np.uint8).reshape(-1, 2)
    data = single.view(np.uint8).reshape(-1, 4)
    return data[:, 2:].copy() if quant.name == "bf16" else data


def random_rows(quant: Quant, rows: int, row: int, seed: int = 0) -> bytes:
    """Return a tensor's bytes."""
    return random_blocks(quant, rows * row // quant.block, seed).tobytes()


def spread_rows(quant: Quant, rows: int, row: int, spread: float, seed: int = 0) -> bytes:
    """Return a tensor's bytes whose weights have about the standard deviation `spread`."""
    if quant.is_float:
        values = spread * np.random.default_rng(seed).standard_normal(rows * row)
        return float_blocks(quant, values).tobytes()
    blocks = random_blocks(quant, rows * row // quant.block, seed)
    factor = spread / decode(quant, blocks).std()
    return random_blocks(quant, len(blocks), seed, factor).tobytes()
