"""A model's step as plain data: block operations, and the dispatches they become.

A plan knows no device, no shader's text and no byte of a weight, so it can be printed, tested
without a GPU, lowered in several ways, and handed to the tab in one call.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from wgslm.kernels import Dispatch, Ref


@dataclass(frozen=True)
class Slot:
    """An activation f32 [T, columns], or columns `offset ..` of a wider one."""

    name: str
    columns: int
    offset: int = 0
    stride: int = 0  # columns of the whole

    @property
    def ref(self) -> Ref:
        """The memory of the whole slot."""
        return Ref("slot", self.name)

    @property
    def width(self) -> int:
        """Columns from one token to the next."""
        return self.stride or self.columns

    def slice(self, start: int, columns: int) -> "Slot":
        """Return some of the columns."""
        assert 0 <= start and start + columns <= self.columns, "a slice lies within its slot"
        return Slot(self.name, columns, self.offset + start, self.width)


@dataclass(frozen=True)
class State:
    """Memory that outlives a step: the KV cache, a table. `initial` fills it once."""

    name: str
    nbytes: int
    initial: bytes | None = None


@dataclass(frozen=True)
class Plan:
    """One step of up to `size` tokens.

    `dispatches` end with the draw of the next id; where the CPU draws, `candidates` replace it.
    With the logits of every token there is neither.
    """

    size: int
    dispatches: tuple[Dispatch, ...]
    candidates: tuple[Dispatch, ...]
    slots: Mapping[str, int]  # name -> bytes
    states: tuple[State, ...]
    logits: Ref
    vocab: int
    layers: int

    def __str__(self) -> str:
        """Return one line per dispatch: shader, grid, what it reads and what it writes."""
        return "\n".join(line(dispatch) for dispatch in self.dispatches)

    @property
    def body(self) -> tuple[Dispatch, ...]:
        """The dispatches up to the logits."""
        return self.dispatches[:-1] if self.candidates else self.dispatches

    def counts(self) -> Counter[str]:
        """Return how often each shader is dispatched."""
        return Counter(dispatch.program.shader for dispatch in self.dispatches)


def line(dispatch: Dispatch) -> str:
    """Return a dispatch as a line of a plan's table."""
    reads, writes = operands(dispatch)
    grid = "x".join(str(n) for n in dispatch.grid)
    return f"{dispatch.program.shader:24} {grid:>12}  {', '.join(reads)} -> {', '.join(writes)}"


def operands(dispatch: Dispatch) -> tuple[list[str], list[str]]:
    """Return the names of what a dispatch reads and of what it writes."""
    bindings = dispatch.program.source().bindings
    named = [(binding, dispatch.bindings.get(binding.name)) for binding in bindings]
    reads = [str(ref) for b, ref in named if ref and not b.is_written and ref.name != "step"]
    inputs = dict.fromkeys(name for name in reads if not name.endswith(".scales"))
    return list(inputs), [str(ref) for b, ref in named if ref and b.is_written]
