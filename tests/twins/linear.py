"""Twin of linear_rows, linear_vec, linear_rows_tile, linear_rows_broadcast and linear_tile."""

from twins import Array


def linear(x: Array, w: Array, bias: Array | None = None, residual: Array | None = None) -> Array:
    """x: [T, dim]; w: [rows, dim]; bias: [rows]; residual, result: [T, rows]."""
    y = x @ w.T
    if bias is not None:
        y = y + bias
    return y if residual is None else y + residual
