"""Matrices for kernel tests: as the shaders bind them, and as numbers."""

import numpy as np
from numpy.typing import NDArray

from random_blocks import random_rows
from run_kernel import Memory
from twins import Array
from twins.quants import decode_rows
from twins.repack import repack
from wgslm.kernels import Ref
from wgslm.kernels.linear import Matrix
from wgslm.quants import Quant


def matrix(
    quant: Quant, rows: int, row: int, part_rows: int | None = None
) -> tuple[Matrix, Memory, Array]:
    """Return a random matrix, its buffers, and its weights f64 [rows, row]."""
    size = part_rows or rows
    parts = tuple((first, min(size, rows - first)) for first in range(0, rows, size))
    data = random_rows(quant, rows, row)
    memory: dict[Ref, NDArray[np.uint8]] = {}
    nbytes = len(data) // rows
    for part, (first, count) in enumerate(parts):
        streams = repack(quant, data[first * nbytes : (first + count) * nbytes], row)
        memory[Ref("weight", "w", part)] = np.frombuffer(streams[0], np.uint8)
        if streams[1]:
            padded = quant.grid + streams[1] + bytes(-len(streams[1]) % 4)
            memory[Ref("weight", "w", part, "scales")] = np.frombuffer(padded, np.uint8)
    weights = decode_rows(quant, data, row).astype(np.float64)
    return Matrix("w", quant, row, rows, parts), memory, weights
