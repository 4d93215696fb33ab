"""Which activations share a buffer, and what a plan needs in all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wgslm.gpu import ALIGNMENT
from wgslm.plan import Plan


@dataclass(frozen=True)
class Layout:
    """`place[slot]` is the index of its buffer; `sizes[i]` is the bytes of buffer i."""

    place: Mapping[str, int]
    sizes: tuple[int, ...]


def share(plan: Plan) -> Layout:
    """Give every slot a buffer that no slot in use at the same time has.

    WebGPU tracks a buffer as a whole within a dispatch, so what is read and what is written lie
    in different buffers. Greedy by first use: the free buffer that needs to grow least.
    """
    first, last = _lifetimes(plan)
    place: dict[str, int] = {}
    sizes: list[int] = []
    until: list[int] = []  # the dispatch after which a buffer is free
    for slot in sorted(first, key=first.__getitem__):
        nbytes = -(-plan.slots[slot] // ALIGNMENT) * ALIGNMENT
        free = [i for i, end in enumerate(until) if end < first[slot]]
        if free:
            best = min(free, key=lambda i: (max(0, nbytes - sizes[i]), sizes[i]))
            sizes[best] = max(sizes[best], nbytes)
        else:
            best = len(sizes)
            sizes.append(nbytes)
            until.append(-1)
        until[best] = last[slot]
        place[slot] = best
    return Layout(place, tuple(sizes))


def _lifetimes(plan: Plan) -> tuple[dict[str, int], dict[str, int]]:
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for index, dispatch in enumerate(plan.dispatches):
        for ref in dispatch.bindings.values():
            if ref.kind == "slot":
                first.setdefault(ref.name, index)
                last[ref.name] = index
    last[plan.logits.name] = len(plan.dispatches)  # read back after the step
    return first, last


def merged(layouts: Iterable[Layout]) -> tuple[int, ...]:
    """Return the buffers that serve several plans in turn: at each index, the largest."""
    sizes: list[int] = []
    for layout in layouts:
        for i, nbytes in enumerate(layout.sizes):
            if i == len(sizes):
                sizes.append(0)
            sizes[i] = max(sizes[i], nbytes)
    return tuple(sizes)
