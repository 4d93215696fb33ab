"""Rotary position embedding: angles per position, and how files scale them.

Sources: RoFormer (arXiv 2104.09864), YaRN (arXiv 2309.00071), and llama.cpp's ggml_rope_yarn.
"""

import math
from array import array
from dataclasses import dataclass
from functools import lru_cache

LOW = 256  # positions in the table's first part; the second has one row per LOW positions


@dataclass(frozen=True)
class Scaling:
    """How a model stretches its positions, in llama.cpp's terms."""

    factor: float = 1.0  # positions are divided by it
    extrapolation: float = 0.0  # 1: YaRN, 0: linear
    magnitude: float = 1.0  # of cos and sin
    original_context: int = 0
    beta_fast: float = 32.0
    beta_slow: float = 1.0


@dataclass(frozen=True)
class Rope:
    """The rotation of one model: `angles[i]` radians per position for pair i."""

    angles: tuple[float, ...]
    neox: bool
    magnitude: float = 1.0

    @property
    def pairs(self) -> int:
        """Half the number of rotated dims."""
        return len(self.angles)

    def table(self, context: int) -> bytes:
        """Return (cos, sin) f32 pairs for positions 0 .. context, in two parts.

        Row l < 256 is position l, times the magnitude; row 256 + h is position 256 h. The product
        of two rows as complex numbers is the rotation of position 256 h + l.
        """
        return _table(self, context)


@lru_cache(1)  # all plans of a model share it
def _table(rope: Rope, context: int) -> bytes:
    values = array("f")
    for position in range(LOW):
        for angle in rope.angles:
            values.append(rope.magnitude * math.cos(position * angle))
            values.append(rope.magnitude * math.sin(position * angle))
    for position in range(0, context, LOW):
        for angle in rope.angles:
            values.append(math.cos(position * angle))
            values.append(math.sin(position * angle))
    return values.tobytes()


def make_rope(
    dims: int,
    base: float,
    scaling: Scaling,
    *,
    neox: bool,
    divisors: tuple[float, ...] | None = None,
) -> Rope:
    """Return the rotation of `dims` dims: theta_i = base^(-2 i / dims) / divisor_i, scaled.

    `divisors` is the file's `rope_freqs` tensor (Llama 3 bakes its scaling into it).
    """
    low = _ramp_end(dims, base, scaling, scaling.beta_fast)
    high = _ramp_end(dims, base, scaling, scaling.beta_slow)
    first, last = max(0.0, math.floor(low)), min(dims - 1.0, math.ceil(high))
    angles = []
    for i in range(dims // 2):
        angle = base ** (-2.0 * i / dims) / (divisors[i] if divisors else 1.0)
        stretched = angle / scaling.factor
        ramp = 1 - min(1.0, max(0.0, (i - first) / max(0.001, last - first)))
        mix = ramp * scaling.extrapolation
        angles.append(stretched * (1 - mix) + angle * mix)
    return Rope(tuple(angles), neox, scaling.magnitude)


def _ramp_end(dims: int, base: float, scaling: Scaling, turns: float) -> float:
    """Return the pair that turns `turns` times over the original context."""
    if not scaling.extrapolation:
        return 0.0
    length = scaling.original_context / (turns * 2 * math.pi)
    return dims * math.log(length) / (2 * math.log(base))
