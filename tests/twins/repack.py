"""Twin of repack: blocks of bytes split into two aligned streams."""

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
    blocks = raw.reshape(-1, quant.nbytes)
    scales = blocks[:, quant.scales_at : quant.scales_at + quant.scales_nbytes]
    before, after = blocks[:, : quant.scales_at], blocks[:, quant.scales_at + scales.shape[1] :]
    return np.concatenate([before, after], 1).tobytes(), scales.tobytes()
