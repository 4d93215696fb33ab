"""Twins of rmsnorm and layernorm."""

import numpy as np

from twins import Array


def rmsnorm(x: Array, gain: Array, eps: float) -> Array:
    """x, result: [rows, dim]; gain: [dim]."""
    scale: Array = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    return x / scale * gain


def layernorm(x: Array, gain: Array, bias: Array, eps: float) -> Array:
    """x, result: [rows, dim]; gain, bias: [dim]."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale: Array = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    y: Array = centred / scale * gain + bias
    return y
