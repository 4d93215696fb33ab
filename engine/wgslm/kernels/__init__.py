"""One function per operation: which shader, which constants, which grid.

A kernel is plain data (`Dispatch`) over names (`Ref`); nothing here touches a device.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wgslm.gpu import Program

Kind = Literal["slot", "weight", "state"]
Grid = tuple[int, int, int]


@dataclass(frozen=True)
class Ref:
    """Memory by name: an activation, a stream of a weight, or state that outlives the step.

    slot: `name` is an activation. weight: `name` is a tensor and `part` a piece of it,
    `stream` says which of its streams. state: the KV cache, the step buffer, a RoPE table.
    """

    kind: Kind
    name: str
    part: int = 0
    stream: Literal["quants", "scales"] = "quants"

    def __str__(self) -> str:
        """Return the name as a plan's table prints it."""
        part = f"[{self.part}]" if self.part else ""
        return f"{self.name}{part}" + (".scales" if self.stream == "scales" else "")


@dataclass(frozen=True)
class Dispatch:
    """One kernel call. `bindings` are keyed by the shader's own names, `params` likewise."""

    program: Program
    params: Mapping[str, int | float]
    bindings: Mapping[str, Ref]
    grid: Grid


@dataclass(frozen=True)
class Columns:
    """`count` values a token, in columns `offset ..` of memory f32 [T, stride]."""

    ref: Ref
    count: int
    stride: int
    offset: int = 0


STEP = Ref("state", "step")
STEP_IDS = 8  # u32 words before the ids in the step buffer: count, position, 6 to spare


def ceil_div(value: int, by: int) -> int:
    """Return the number of pieces of size `by` that cover `value`."""
    return -(-value // by)


def fold(groups: int) -> Grid:
    """Return a grid of at least `groups` workgroups, in rows of 32,768.

    A dimension ends at 65,535; the shader reads its index as `x + y * 32768`.
    """
    width = 32768
    return (groups, 1, 1) if groups <= width else (width, ceil_div(groups, width), 1)
