"""Twin of repack: blocks of bytes split into two aligned streams, some nibbles regrouped."""

import numpy as np

from wgslm.quants import Quant

GROUP = 32


def repack(quant: Quant, data: bytes, row: int) -> tuple[bytes, bytes]:
    """Return the streams (quants, scales) of a tensor whose rows have `row` weights."""
    raw = np.frombuffer(data, np.uint8)
    if quant.is_float:
        rows = raw.reshape(-1, row * quant.nbytes)
        padding = -row % GROUP * quant.nbytes
        return np.pad(rows, ((0, 0), (0, padding))).tobytes(), b""
    blocks = raw.reshape(-1, quant.nbytes).copy()
    nibbles = blocks[:, quant.nibbles.start : quant.nibbles.stop]
    a, b = nibbles.reshape(len(blocks), -1, 2, 16).swapaxes(0, 2).swapaxes(1, 2)  # [n, k, 16]
    nibbles[:] = np.stack([a & 15 | (b & 15) << 4, a >> 4 | b & 240], 2).reshape(nibbles.shape)
    at = quant.quants
    scales = np.concatenate([blocks[:, : at.start], blocks[:, at.stop :]], 1)
    return blocks[:, at.start : at.stop].tobytes(), scales.tobytes()
