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
    reduce: Literal["reduce_tree", "reduce_subgroup"] = "reduce_tree"

    @property
    def reduce_bound(self) -> tuple[tuple[str, str], ...]:
        """The file that a shader's `#import reduce` stands for."""
        return (("reduce", f"lib/{self.reduce}"),)


SOFTWARE = Schedule("linear_rows", "linear_rows_tile", "attention_lanes")
GPU = Schedule("linear_vec", "linear_tile", "attention_tile")


def choose(kind: Literal["gpu", "software"], features: frozenset[str]) -> Schedule:
    """Return the schedule for an adapter kind with its features."""
    schedule = SOFTWARE if kind == "software" else GPU
    return replace(schedule, reduce="reduce_subgroup") if "subgroups" in features else schedule
