"""Twin of activate."""

import numpy as np

from twins import Array


def silu(x: Array) -> Array:
    """x times its logistic function."""
    with np.errstate(over="ignore"):  # exp(1000) is inf, and 1 / inf is what is meant
        y: Array = x / (1 + np.exp(-x))
    return y


def gelu(x: Array) -> Array:
    """GELU in its tanh form."""
    y: Array = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return y


def activate(gate: Array, up: Array | None, activation: str) -> Array:
    """act(gate) * up, or act(gate)."""
    y = {"silu": silu, "gelu": gelu}[activation](gate)
    return y if up is None else y * up
