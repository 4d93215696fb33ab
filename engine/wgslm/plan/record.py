"""The verbs in which a model describes its step.

A verb checks shapes and appends an operation; which kernels it becomes is `lower`'s decision.
"""

from dataclasses import dataclass, field
from typing import Literal

from wgslm.errors import GgufError, UnsupportedError
from wgslm.kernels.activate import Activation
from wgslm.plan import Slot
from wgslm.plan.operations import (
    Attention,
    Embed,
    Head,
    Linear,
    Mlp,
    Norm,
    NormLinear,
    Operation,
)
from wgslm.plan.rope import Rope
from wgslm.plan.tensors import Gain, Group, Weight


@dataclass
class Recorder:
    """Collects the operations of a step. `norm` and `eps` hold for all its normalisations."""

    norm: Literal["rms", "layer"]
    eps: float
    each: bool = False  # logits of every token, not only of the last
    operations: list[Operation] = field(default_factory=list)
    _names: int = 0

    def embed(self, table: Weight, positions: Weight | None = None) -> Slot:
        """Look up the tokens' rows, and add those of their positions. -> [T, dim]"""
        y = self._slot(table.matrix.row)
        matrix = positions.matrix if positions else None
        if matrix:
            _check(matrix.row, y.columns, matrix.name, "values a row")
        self.operations.append(Embed(table.matrix, matrix, y))
        return y

    def norm_linear(self, x: Slot, gain: Gain, group: Group) -> tuple[Slot, ...]:
        """Normalise x [T, dim] and multiply. -> [T, rows] for each matrix of the group"""
        y = self._products(x, group)
        self.operations.append(NormLinear(x, self._norm(gain, x.columns), group, y))
        return tuple(y.slice(first, count) for first, count in group.columns)

    def attention(
        self,
        layer: int,
        q: Slot,
        k: Slot,
        v: Slot,
        *,
        heads: int,
        kv_heads: int,
        head_dim: int,
        rope: Rope | None,
        q_norm: Gain | None = None,
        k_norm: Gain | None = None,
    ) -> Slot:
        """Normalise and rotate q and k, append k and v to the cache, attend. -> [T, H * D]"""
        _check(q.columns, heads * head_dim, f"layer {layer}: the query projection", "rows")
        _check(k.columns, kv_heads * head_dim, f"layer {layer}: the key projection", "rows")
        _check(v.columns, k.columns, f"layer {layer}: the value projection", "rows")
        if q.columns % k.columns:
            raise GgufError(
                f"layer {layer}: {q.columns // head_dim} query heads cannot share "
                f"{k.columns // head_dim} key heads evenly"
            )
        if head_dim > 256 or head_dim % 4:
            raise UnsupportedError(
                f"layer {layer}: head size {head_dim}; it must be a multiple of 4, at most 256"
            )
        y = self._slot(q.columns)
        self.operations.append(
            Attention(
                layer,
                q,
                k,
                v,
                head_dim,
                rope,
                self._norm(q_norm, head_dim) if q_norm else None,
                self._norm(k_norm, head_dim) if k_norm else None,
                head_dim**-0.5,
                y,
            )
        )
        return y

    def linear(self, x: Slot, w: Weight, *, residual: Slot) -> Slot:
        """Multiply and add. -> [T, rows]"""
        y = self._product(x, w)
        _check(w.matrix.rows, residual.columns, w.matrix.name, "rows")
        self.operations.append(Linear(x, w, residual, y))
        return y

    def gated_mlp(
        self, x: Slot, gain: Gain, gate_up: Group, down: Weight, *, act: Activation
    ) -> Slot:
        """x + down(act(gate(norm(x))) * up(norm(x))). -> [T, dim]"""
        (_, gate), (_, up) = gate_up.columns
        _check(gate, up, gate_up.weights[0].matrix.name, "rows")
        return self._mlp(x, gain, gate_up, down, act)

    def mlp(self, x: Slot, gain: Gain, up: Group, down: Weight, *, act: Activation) -> Slot:
        """x + down(act(up(norm(x)))). -> [T, dim]"""
        return self._mlp(x, gain, up, down, act)

    def head(self, x: Slot, gain: Gain, w: Weight) -> Slot:
        """Return the logits of the step's last token, or of all. -> [1 or T, vocab]"""
        _check(w.matrix.row, x.columns, w.matrix.name, "values a row")
        logits = Slot("logits", w.matrix.rows)
        self.operations.append(Head(x, self._norm(gain, x.columns), w, self.each, logits))
        return logits

    def _mlp(self, x: Slot, gain: Gain, up: Group, down: Weight, act: Activation) -> Slot:
        self._products(x, up)
        _check(down.matrix.row, up.columns[-1][1], down.matrix.name, "values a row")
        _check(down.matrix.rows, x.columns, down.matrix.name, "rows")
        y = self._slot(x.columns)
        self.operations.append(Mlp(x, self._norm(gain, x.columns), up, down, act, y))
        return y

    def _norm(self, gain: Gain, dim: int) -> Norm:
        _check(gain.gain.size, dim, gain.gain.name, "values")
        if (gain.bias is not None) != (self.norm == "layer"):
            wanted = "needs" if self.norm == "layer" else "must not have"
            raise GgufError(f"the norm {gain.gain.name!r} {wanted} a bias in this architecture")
        return Norm(self.norm, self.eps, gain)

    def _products(self, x: Slot, group: Group) -> Slot:
        for w in group.weights:
            _check(w.matrix.row, x.columns, w.matrix.name, "values a row")
        return self._slot(group.rows)

    def _product(self, x: Slot, w: Weight) -> Slot:
        _check(w.matrix.row, x.columns, w.matrix.name, "values a row")
        return self._slot(w.matrix.rows)

    def _slot(self, columns: int) -> Slot:
        self._names += 1
        return Slot(f"x{self._names}", columns)


def _check(actual: int, expected: int, name: str, what: str) -> None:
    if actual != expected:
        raise GgufError(f"{name!r} has {actual} {what}; the model needs {expected}")
