"""Twin of linear_rows, linear_vec, linear_rows_tile, linear_rows_broadcast and linear_tile*."""

import numpy as np

from twins import Array


def linear(x: Array, w: Array, bias: Array | None = None, residual: Array | None = None) -> Array:
    """x: [T, dim]; w: [rows, dim]; bias: [rows]; residual, result: [T, rows]."""
    y = x @ w.T
    if bias is not None:
        y = y + bias
    return y if residual is None else y + residual


def rounded(h: Array) -> tuple[Array, Array]:
    """Twin of lib/dp4a's values32: h [T, dim] rounded to Q8_0, and the steps it is rounded to.

    In blocks of 32 the largest value without sign becomes 127 steps.
    """
    blocks = h.reshape(len(h), -1, 32)
    step = np.abs(blocks).max(-1, keepdims=True) / 127
    whole = np.round(np.divide(blocks, step, where=step > 0, out=np.zeros_like(blocks)))
    return (whole * step).reshape(h.shape), np.broadcast_to(step, blocks.shape).reshape(h.shape)
