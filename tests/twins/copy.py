"""Twin of copy."""

import numpy as np
from numpy.typing import NDArray


def copy(x: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """x, again."""
    return x.copy()
