"""What a plan reads from memory: bytes of weights by dispatch, bytes of the KV cache by token."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wgslm.header import Header
from wgslm.kernels import Dispatch
from wgslm.plan import Plan, operands
from wgslm.weights import Stack, parts_of

BLOCK = re.compile(r"blk\.(\d+)\.")


@dataclass(frozen=True)
class Row:
    """One dispatch."""

    layer: int | str  # or "embed" before the first block, "head" after the last
    kernel: str
    quant: str
    constants: Mapping[str, int | float]
    grid: tuple[int, int, int]
    weight_bytes: int  # that it touches, each once
    weights: str  # the shapes of its tensors as GGUF writes them: 576x1536; empty without any
    reads: Sequence[str]
    writes: Sequence[str]

    @property
    def likeness(self) -> tuple[object, ...]:
        """What is equal in layers that are alike."""
        return self.kernel, self.quant, tuple(self.constants), self.grid, self.weight_bytes


def rows(plan: Plan, header: Header, binding_nbytes: int) -> Iterator[Row]:
    """Yield a plan's dispatches with what they cost."""
    layer: int | str = "embed"
    for dispatch in plan.dispatches:
        weights = [ref for ref in dispatch.bindings.values() if ref.kind == "weight"]
        if weights:
            found = BLOCK.match(weights[0].name)
            layer = int(found[1]) if found else "embed" if layer == "embed" else "head"
        bound = dict(dispatch.program.bound)
        reads, writes = operands(dispatch)
        yield Row(
            layer,
            dispatch.program.shader,
            bound.get("quant", "").removeprefix("quants/"),
            dict(dispatch.program.constants),
            dispatch.grid,
            _weight_bytes(dispatch, plan.size, header, binding_nbytes),
            _shapes(dispatch, header),
            reads,
            writes,
        )


def kv_nbytes(plan: Plan, context: int) -> int:
    """Return the bytes of cache that one token takes, over all layers."""
    caches = (state.nbytes for state in plan.states if state.name.startswith("cache."))
    return sum(caches) // context


def by_place(dispatches: Sequence[Row]) -> tuple[Mapping[int, int], int]:
    """Return the dispatches of each layer, and how many there are outside of all layers."""
    counts = Counter(row.layer for row in dispatches)
    layers = {layer: n for layer, n in counts.items() if isinstance(layer, int)}
    return layers, len(dispatches) - sum(layers.values())


def token_nbytes(weight_bytes: int, kv_bytes: int, position: float) -> float:
    """Return what decoding one token reads: all weights, and the keys and values before it."""
    return weight_bytes + kv_bytes * (position + 1)


def _weight_bytes(dispatch: Dispatch, tokens: int, header: Header, binding_nbytes: int) -> int:
    """Return the bytes of weights that a dispatch touches, as the file stores them."""
    nbytes = 0
    for name, part in {(r.name, r.part) for r in dispatch.bindings.values() if r.kind == "weight"}:
        stack = _stack(name, header)
        _, count = parts_of(stack, binding_nbytes)[part]
        if dispatch.program.shader == "embed":  # a row a token, in whichever part it lies
            count = min(tokens, stack.rows) if part == 0 else 0
        nbytes += sum(info.nbytes for info in stack.infos) // stack.rows * count
    return nbytes


def _shapes(dispatch: Dispatch, header: Header) -> str:
    """Return the shapes of the matrices; of norms and biases only where there is nothing else."""
    names = dict.fromkeys(r.name for r in dispatch.bindings.values() if r.kind == "weight")
    stacks = [_stack(name, header) for name in names]
    stacks = [stack for stack in stacks if not stack.is_vector] or stacks
    return " + ".join("x".join(map(str, info.shape)) for s in stacks for info in s.infos)


def _stack(name: str, header: Header) -> Stack:
    """Return the tensors that lie side by side under a name."""
    return Stack(tuple(header.directory.tensors[one] for one in name.split("+")))
