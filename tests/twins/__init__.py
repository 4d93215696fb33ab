"""What every shader computes, in NumPy and float64: slow, plain, the definition of correct."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
