"""Which variant of a kernel suits an adapter.

Measured on lavapipe with a Q8_0 matrix of 1536 x 576: `linear_rows` reads 2.5 GB/s where a
reduction over 64 lanes reads 0.14 (llvmpipe runs lanes as SIMD and barriers as coroutines).
"""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """Shaders for one token and for many."""

    linear_one: Literal["linear_rows", "linear_vec"]
    linear_many: Literal["linear_rows_tile", "linear_tile"]
    attention_many: Literal["attention_lanes", "attention_tile"]
    attention_one: Literal["attention_step_lanes", "attention_step"]
    attention_splits: int  # of the keys of one token, where the context is long enough for it
    reduce: Literal["reduce_tree", "reduce_subgroup"] = "reduce_tree"

    @property
    def reduce_bound(self) -> tuple[tuple[str, str], ...]:
        """The file that a shader's `#import reduce` stands for."""
        return (("reduce", f"lib/{self.reduce}"),)

    @property
    def reduce4_bound(self) -> tuple[tuple[str, str], ...]:
        """The same for shaders that reduce four values at once."""
        return (("reduce", f"lib/{self.reduce}4"),)

    def splits(self, slots: int) -> int:
        """Return how many workgroups share the keys of one token in a cache of `slots`."""
        return self.attention_splits if slots > SHORT_CONTEXT else 1


SHORT_CONTEXT = 512  # of one workgroup: another dispatch for the sums would cost more
SOFTWARE = Schedule(
    "linear_rows", "linear_rows_tile", "attention_lanes", "attention_step_lanes", attention_splits=2
)
GPU = Schedule("linear_vec", "linear_tile", "attention_tile", "attention_step", attention_splits=16)


def choose(kind: Literal["gpu", "software"], features: frozenset[str]) -> Schedule:
    """Return the schedule for an adapter kind with its features."""
    schedule = SOFTWARE if kind == "software" else GPU
    return replace(schedule, reduce="reduce_subgroup") if "subgroups" in features else schedule
