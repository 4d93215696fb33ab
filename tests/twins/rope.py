"""Twin of rope, from the angles themselves instead of a table."""

from collections.abc import Sequence

import numpy as np

from twins import Array


def rope(
    x: Array,
    positions: Sequence[int],
    angles: Sequence[float],
    *,
    neox: bool,
    magnitude: float = 1.0,
) -> Array:
    """x, result: [T, heads, head_dim]; angles: radians per position for each pair."""
    pairs = len(angles)
    first = np.arange(pairs) * (1 if neox else 2)
    second = first + (pairs if neox else 1)
    theta = np.outer(positions, angles)[:, None, :]  # [T, 1, pairs]
    a, b = x[..., first], x[..., second]
    y = x.copy()
    y[..., first] = magnitude * (a * np.cos(theta) - b * np.sin(theta))
    y[..., second] = magnitude * (a * np.sin(theta) + b * np.cos(theta))
    return y
