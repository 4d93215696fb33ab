"""Twin of embed."""

from collections.abc import Sequence

from twins import Array


def embed(table: Array, index: Sequence[int], scale: float = 1.0) -> Array:
    """table: [rows, dim]; result: [T, dim]."""
    return scale * table[list(index)]
