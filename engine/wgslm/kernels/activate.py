"""Activations between the two halves of a feed-forward block."""

from typing import Literal

from wgslm.gpu import Program
from wgslm.kernels import STEP, Dispatch, Ref, ceil_div

Activation = Literal["silu", "gelu"]


def activate(
    gate: Ref, up: Ref | None, y: Ref, tokens: int, dim: int, activation: Activation
) -> Dispatch:
    """y = act(gate) * up, or act(gate) without `up`. All f32 [tokens, dim]."""
    constants: list[tuple[str, int | float]] = []
    if up is None:
        constants.append(("GATED", False))
    if activation == "gelu":
        constants.append(("GELU", True))
    return Dispatch(
        Program("activate", constants=tuple(constants)),
        {"dim": dim},
        {"step": STEP, "gate": gate, "up": up or gate, "y": y},
        (ceil_div(dim, 64), tokens, 1),
    )
