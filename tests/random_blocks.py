"""Random weights in every format, for tests of what reads them."""

import numpy as np
from numpy.typing import NDArray

from twins.quants import Blocks, decode
from wgslm.quants import Quant

HALVES = {  # where a block has half floats, which must not become infinities
    "q4_0": (0,), "q4_1": (0, 2), "q5_0": (0,), "q5_1": (0, 2), "q8_0": (0,), "q4_k": (0, 2),
    "q5_k": (0, 2), "q6_k": (208,),
}  # fmt: skip


def random_blocks(quant: Quant, count: int, seed: int = 0) -> Blocks:
    """Return blocks u8 [count, nbytes] of any bits, with scales between -1 and 1."""
    rng = np.random.default_rng(seed)
    if quant.is_float:
        return float_blocks(quant, rng.standard_normal(count))
    blocks = rng.integers(0, 256, (count, quant.nbytes), np.uint8)
    for at in HALVES[quant.name]:
        put_halves(blocks, at, rng.uniform(-1, 1, count))
    return blocks


def put_halves(blocks: Blocks, at: int, values: NDArray[np.float64]) -> None:
    """Store a half float at byte `at` of every block."""
    blocks[:, at : at + 2] = values.astype("<f2").view(np.uint8).reshape(-1, 2)


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
    for at in HALVES[quant.name]:
        halves = blocks[:, at : at + 2].copy().view("<f2").ravel().astype(np.float64)
        put_halves(blocks, at, halves * factor)
    return blocks.tobytes()
