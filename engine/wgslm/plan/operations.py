"""The block operations that a model is made of. What each computes is said in `record`."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from wgslm.kernels.activate import Activation
from wgslm.kernels.linear import Matrix
from wgslm.plan import Slot
from wgslm.plan.rope import Rope
from wgslm.plan.tensors import Gain, Weight


@dataclass(frozen=True)
class Norm:
    """A normalisation: root mean square, or mean and variance."""

    kind: Literal["rms", "layer"]
    eps: float
    weights: Gain


@dataclass(frozen=True)
class Embed:
    """y = table[id] (+ positions[position])."""

    table: Matrix
    positions: Matrix | None
    y: Slot


@dataclass(frozen=True)
class NormLinear:
    """ys[i] = weights[i] norm(x)."""

    x: Slot
    norm: Norm
    weights: tuple[Weight, ...]
    ys: tuple[Slot, ...]


@dataclass(frozen=True)
class Attention:
    """y = softmax(scale q K^T) V, with k and v appended to layer `layer`'s cache first."""

    layer: int
    q: Slot
    k: Slot
    v: Slot
    head_dim: int
    rope: Rope | None
    q_norm: Norm | None
    k_norm: Norm | None
    scale: float
    y: Slot


@dataclass(frozen=True)
class Linear:
    """y = w x + residual."""

    x: Slot
    w: Weight
    residual: Slot
    y: Slot


@dataclass(frozen=True)
class Mlp:
    """y = x + down(act(gate(norm(x))) * up(norm(x))); without a gate, act(up(norm(x)))."""

    x: Slot
    norm: Norm
    gate: Weight | None
    up: Weight
    down: Weight
    activation: Activation
    y: Slot


@dataclass(frozen=True)
class Head:
    """logits = w norm(x) of the step's last token, or with `each` of every token."""

    x: Slot
    norm: Norm
    w: Weight
    each: bool
    logits: Slot


Operation: TypeAlias = Embed | NormLinear | Attention | Linear | Mlp | Head
