"""Grids of the IQ formats, unpacked, and signs."""

import numpy as np
from numpy.typing import NDArray

from wgslm.grids import GRIDS


def grid(name: str, weights: int, values: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the points f32 [n, weights] of a grid whose numbers stand for `values`."""
    points = np.frombuffer(bytes.fromhex(GRIDS[name]), "<u2")
    bits = 16 // weights
    shifts = np.arange(0, 16, bits, dtype=np.uint16)
    numbers = points[:, None] >> shifts & (1 << bits) - 1
    weights_of: NDArray[np.float32] = np.array(values, np.float32)[numbers]
    return weights_of


def signs(eight: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return -1 for each bit that is set, lowest first: [...] -> [..., 8]."""
    bits = eight[..., None].astype(np.uint8) >> np.arange(8, dtype=np.uint8) & 1
    return np.where(bits, np.float32(-1), np.float32(1))


def even_signs(seven: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return 7 signs, and the eighth that makes the number of minus signs even."""
    seven = seven & 127
    parity = np.zeros_like(seven)
    for bit in range(7):
        parity ^= seven >> bit & 1
    return signs(seven | parity << 7)
