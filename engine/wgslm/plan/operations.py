"""The block operations that a model is made of. What each computes is said in `record`."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from wgslm.kernels.activate import Activation
from wgslm.kernels.linear import Matrix
from wgslm.plan import Slot
from wgslm.plan.rope import Rope
from wgslm.plan.tensors import Gain, Group, Weight


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
    """y = norm(x) times each weight of the group, in columns one after the other."""

    x: Slot
    norm: Norm
    group: Group
    y: Slot


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
    """y = x + down(act(gate(norm(x))) * up(norm(x))); without a gate, act(up(norm(x))).

    `up` is the group of both (gate first), or of up alone.
    """

    x: Slot
    norm: Norm
    up: Group
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
