"""The reference lowering: one plain kernel per step of the formula."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from wgslm.kernels import Columns, Dispatch, Ref
from wgslm.kernels import attention as attention_kernels
from wgslm.kernels.activate import activate
from wgslm.kernels.attention import Cache, Heads, KvType, kv_row_nbytes
from wgslm.kernels.linear import Product, embed, linear
from wgslm.kernels.norm import layernorm, rmsnorm
from wgslm.kernels.sample import SAMPLED_NBYTES, SAMPLING_NBYTES, maxima_nbytes, sample
from wgslm.kernels.schedule import Schedule
from wgslm.kernels.top import FOUND_NBYTES, top
from wgslm.plan import Slot, State
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
from wgslm.plan.tensors import Group, Weight

FOUND = Ref("state", "found")
MAXIMA = Ref("state", "maxima")
ROPE = Ref("state", "rope")
SAMPLED = Ref("state", "sampled")
SAMPLING = Ref("state", "sampling")


@dataclass
class Lowering:
    """The dispatches of a step of up to `size` tokens, as they come to be."""

    size: int
    context: int
    kv: KvType
    schedule: Schedule

    def __post_init__(self) -> None:
        """Begin empty."""
        self.dispatches: list[Dispatch] = []
        self.candidates: list[Dispatch] = []
        self.slots: dict[str, int] = {}
        self.states: dict[str, State] = {}

    def add(self, operation: Operation) -> None:
        """Append what an operation becomes."""
        match operation:
            case Embed():
                self.dispatches += self._embed(operation)
            case NormLinear():
                self.dispatches += self._norm_linear(operation)
            case Attention():
                self.dispatches += self._attention(operation)
            case Linear():
                self.dispatches += self._linear(
                    operation.w, operation.x, operation.y, operation.residual
                )
            case Mlp():
                self.dispatches += self._mlp(operation)
            case Head():
                self.dispatches += self._head(operation)

    def _embed(self, o: Embed) -> Iterator[Dispatch]:
        y = self._use(o.y)
        yield from embed(o.table, y, self.size)
        if o.positions:
            yield from embed(o.positions, y, self.size, by_position=True)

    def _norm_linear(self, o: NormLinear) -> Iterator[Dispatch]:
        h = Slot(f"{o.y.name}.norm", o.x.columns)
        yield self._norm(o.norm, o.x, h)
        yield from self._group(o.group, h, o.y)

    def _group(self, group: Group, x: Slot, y: Slot) -> Iterator[Dispatch]:
        column = 0
        for w in group.weights:
            yield from self._linear(w, x, y.slice(column, w.matrix.rows))
            column += w.matrix.rows

    def _attention(self, o: Attention) -> Iterator[Dispatch]:
        q, k = o.q, o.k
        if o.q_norm:
            q = Slot(f"{o.y.name}.q", o.q.columns)
            yield self._norm(o.q_norm, o.q, q)
        if o.k_norm:
            k = Slot(f"{o.y.name}.k", o.k.columns)
            yield self._norm(o.k_norm, o.k, k)
        queries, keys = self._heads(q, o.head_dim), self._heads(k, o.head_dim)
        values = self._heads(o.v, o.head_dim)
        if o.rope:
            table = self._rope_table(o.rope)
            for heads in (queries, keys):
                yield attention_kernels.rope(
                    heads, table, self.size, o.rope.pairs, neox=o.rope.neox
                )
        cache = self._cache(o)
        yield attention_kernels.kv_append(keys, values, cache, self.size)
        yield attention_kernels.attention(
            queries, cache, self._use(o.y), self.size, o.scale, self.schedule
        )

    def _mlp(self, o: Mlp) -> Iterator[Dispatch]:
        name = o.y.name
        h, up = Slot(f"{name}.norm", o.x.columns), Slot(f"{name}.up", o.up.rows)
        activated = Slot(f"{name}.act", o.down.matrix.row)
        yield self._norm(o.norm, o.x, h)
        yield from self._group(o.up, h, up)
        halves = [self._columns(up.slice(first, count)) for first, count in o.up.columns]
        gate, other = halves if len(halves) == 2 else (halves[0], None)
        yield activate(gate, other, self._use(activated), self.size, o.activation)
        yield from self._linear(o.down, activated, o.y, o.x)

    def _head(self, o: Head) -> Iterator[Dispatch]:
        h = Slot("head.norm", o.x.columns)
        if o.each:
            yield self._norm(o.norm, o.x, h)
            yield from self._linear(o.w, h, o.logits)
            return
        one = replace(self, size=1)
        one.slots = self.slots
        yield one._norm(o.norm, o.x, h, last=True)
        yield from one._linear(o.w, h, o.logits)
        yield from self._draw(o)

    def _draw(self, o: Head) -> Iterator[Dispatch]:
        """Draw on the GPU, or collect what the CPU draws from."""
        vocab, logits = o.w.matrix.rows, self._use(o.logits, tokens=1)
        for ref, nbytes in (
            (FOUND, FOUND_NBYTES),
            (MAXIMA, maxima_nbytes(vocab)),  # `top` needs no more
            (SAMPLING, SAMPLING_NBYTES),
            (SAMPLED, SAMPLED_NBYTES),
        ):
            self.states[ref.name] = State(ref.name, nbytes)
        self.candidates += top(logits, MAXIMA, FOUND, vocab)
        yield sample(logits, MAXIMA, SAMPLING, SAMPLED, vocab)

    def _norm(self, norm: Norm, x: Slot, y: Slot, *, last: bool = False) -> Dispatch:
        """Normalise rows of x, or each head in them, as long as the gain is."""
        gain, bias = norm.weights.gain, norm.weights.bias
        if norm.kind == "rms":
            return rmsnorm(
                self._columns(x),
                gain.ref,
                self._use(y),
                self.size,
                gain.size,
                norm.eps,
                self.schedule,
                last=last,
            )
        assert bias is not None, "the recorder checked that a layer norm has a bias"
        return layernorm(
            self._use(_whole(x)),
            gain.ref,
            bias.ref,
            self._use(y),
            self.size,
            gain.size,
            norm.eps,
            self.schedule,
            last=last,
        )

    def _linear(
        self, w: Weight, x: Slot, y: Slot, residual: Slot | None = None
    ) -> Iterator[Dispatch]:
        return linear(
            product(w),
            self._use(_whole(x)),
            self._columns(y),
            self.size,
            self.schedule,
            residual=self._use(_whole(residual)) if residual else None,
        )

    def _columns(self, slot: Slot) -> Columns:
        return Columns(self._use(slot), slot.columns, slot.width, slot.offset)

    def _heads(self, slot: Slot, dim: int) -> Heads:
        return Heads(self._use(slot), slot.columns // dim, dim, slot.width, slot.offset)

    def _cache(self, o: Attention) -> Cache:
        k, v = (Ref("state", f"cache.{which}.{o.layer}") for which in "kv")
        heads = o.k.columns // o.head_dim
        nbytes = heads * self.context * kv_row_nbytes(self.kv, o.head_dim)
        for ref in (k, v):
            self.states[ref.name] = State(ref.name, nbytes)
        return Cache(k, v, heads, o.head_dim, self.context, self.kv)

    def _rope_table(self, rope: Rope) -> Ref:
        table = rope.table(self.context)
        known = self.states.get(ROPE.name)
        assert known is None or known.initial == table, "one rotation for all layers"
        self.states[ROPE.name] = State(ROPE.name, len(table), table)
        return ROPE

    def _use(self, slot: Slot, tokens: int | None = None) -> Ref:
        """Note how much memory a slot needs."""
        nbytes = 4 * (tokens or self.size) * slot.width
        self.slots[slot.name] = max(nbytes, self.slots.get(slot.name, 0))
        return slot.ref


def product(w: Weight) -> Product:
    """Return a weight as kernels see it."""
    if w.bias is None:
        return Product(w.matrix)
    return Product(w.matrix, Columns(w.bias.ref, w.bias.size, w.bias.size, w.bias.offset))


def _whole(slot: Slot) -> Slot:
    assert slot.width == slot.columns, f"{slot}: only attention reads columns of a wider slot"
    return slot
