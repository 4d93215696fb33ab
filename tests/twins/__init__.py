"""What every shader computes, in NumPy and float64: slow, obvious, and the definition of correct."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[Any]
