"""Activations between the two halves of a feed-forward block."""

from typing import Literal

from wgslm.gpu import Program
from wgslm.kernels import STEP, Columns, Dispatch, Ref, ceil_div

Activation = Literal["silu", "gelu"]


def activate(
    gate: Columns, up: Columns | None, y: Ref, tokens: int, activation: Activation
) -> Dispatch:
    """y = act(gate) * up, or act(gate) without `up`; both lie in one slot. y: f32 [tokens, dim]."""
    assert up is None or (up.ref, up.stride) == (gate.ref, gate.stride), "one binding holds both"
    constants = [*activation_bound(activation), *(() if up else (("GATED", False),))]
    return Dispatch(
        Program("activate", constants=tuple(constants)),
        {
            "dim": gate.count,
            "stride": gate.stride,
            "gate": gate.offset,
            "up": up.offset if up else 0,
        },
        {"step": STEP, "x": gate.ref, "y": y},
        (ceil_div(gate.count, 64), tokens, 1),
    )


def activation_bound(activation: Activation) -> tuple[tuple[str, bool], ...]:
    """Return the overrides of lib/activation."""
    return (("GELU", True),) if activation == "gelu" else ()
