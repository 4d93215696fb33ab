"""Operations become dispatches: the reference lowering, one plain kernel per formula step."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from wgslm.kernels import Dispatch, Ref
from wgslm.kernels import attention as attention_kernels
from wgslm.kernels.activate import activate
from wgslm.kernels.attention import Cache, Heads, KvType, kv_row_nbytes
from wgslm.kernels.linear import embed, linear
from wgslm.kernels.norm import layernorm, rmsnorm
from wgslm.kernels.schedule import Schedule
from wgslm.kernels.top import FOUND_NBYTES, chunk_count, top
from wgslm.plan import Plan, Slot, State
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
from wgslm.plan.tensors import Weight

FOUND = Ref("state", "found")
MAXIMA = Ref("state", "maxima")
ROPE = Ref("state", "rope")


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
        h = Slot(f"{o.ys[0].name}.norm", o.x.columns)
        yield self._norm(o.norm, o.x, h)
        for w, y in zip(o.weights, o.ys, strict=True):
            yield from self._linear(w, h, y)

    def _attention(self, o: Attention) -> Iterator[Dispatch]:
        q, k = o.q, o.k
        if o.q_norm:
            q = Slot(f"{o.y.name}.q", o.q.columns)
            yield self._norm(o.q_norm, o.q, q, per_token=o.q.columns // o.head_dim)
        if o.k_norm:
            k = Slot(f"{o.y.name}.k", o.k.columns)
            yield self._norm(o.k_norm, o.k, k, per_token=o.k.columns // o.head_dim)
        queries, keys = self._heads(q, o.head_dim), self._heads(k, o.head_dim)
        values = self._heads(o.v, o.head_dim)
        if o.rope:
            table = o.rope.table(self.context)
            self.states[ROPE.name] = State(ROPE.name, len(table), table)
            for heads in (queries, keys):
                yield attention_kernels.rope(heads, ROPE, self.size, o.rope.pairs, neox=o.rope.neox)
        cache = self._cache(o)
        yield attention_kernels.kv_append(keys, values, cache, self.size)
        yield attention_kernels.attention(
            queries, cache, self._use(o.y), self.size, o.scale, self.schedule
        )

    def _mlp(self, o: Mlp) -> Iterator[Dispatch]:
        name, hidden = o.y.name, o.up.matrix.rows
        h = Slot(f"{name}.norm", o.x.columns)
        up, activated = Slot(f"{name}.up", hidden), Slot(f"{name}.act", hidden)
        yield self._norm(o.norm, o.x, h)
        if o.gate:
            gate = Slot(f"{name}.gate", hidden)
            yield from self._linear(o.gate, h, gate)
            yield from self._linear(o.up, h, up)
            first, second = self._use(gate), self._use(up)
        else:
            yield from self._linear(o.up, h, up)
            first, second = self._use(up), None
        yield activate(first, second, self._use(activated), self.size, hidden, o.activation)
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
        vocab = o.w.matrix.rows
        for ref, nbytes in ((FOUND, FOUND_NBYTES), (MAXIMA, 4 * chunk_count(vocab))):
            self.states[ref.name] = State(ref.name, nbytes)
        yield from top(self._use(o.logits, tokens=1), MAXIMA, FOUND, vocab)

    def _norm(
        self, norm: Norm, x: Slot, y: Slot, *, per_token: int = 1, last: bool = False
    ) -> Dispatch:
        gain, bias = norm.weights.gain, norm.weights.bias
        refs = (self._use(_whole(x)), gain.ref)
        if norm.kind == "rms":
            return rmsnorm(
                *refs,
                self._use(y),
                self.size,
                gain.size,
                norm.eps,
                self.schedule,
                per_token=per_token,
                last=last,
            )
        assert bias is not None, "the recorder checked that a layer norm has a bias"
        return layernorm(
            *refs, bias.ref, self._use(y), self.size, gain.size, norm.eps, self.schedule, last=last
        )

    def _linear(
        self, w: Weight, x: Slot, y: Slot, residual: Slot | None = None
    ) -> Iterator[Dispatch]:
        return linear(
            w.matrix,
            self._use(_whole(x)),
            self._use(y),
            self.size,
            self.schedule,
            bias=w.bias.ref if w.bias else None,
            residual=self._use(_whole(residual)) if residual else None,
        )

    def _heads(self, slot: Slot, dim: int) -> Heads:
        return Heads(self._use(slot), slot.columns // dim, dim, slot.width, slot.offset)

    def _cache(self, o: Attention) -> Cache:
        k, v = (Ref("state", f"cache.{which}.{o.layer}") for which in "kv")
        heads = o.k.columns // o.head_dim
        nbytes = heads * self.context * kv_row_nbytes(self.kv, o.head_dim)
        for ref in (k, v):
            self.states[ref.name] = State(ref.name, nbytes)
        return Cache(k, v, heads, o.head_dim, self.context, self.kv)

    def _use(self, slot: Slot, tokens: int | None = None) -> Ref:
        """Note how much memory a slot needs."""
        nbytes = 4 * (tokens or self.size) * slot.width
        self.slots[slot.name] = max(nbytes, self.slots.get(slot.name, 0))
        return slot.ref


def _whole(slot: Slot) -> Slot:
    assert slot.width == slot.columns, f"{slot}: only attention reads columns of a wider slot"
    return slot


def lower(
    operations: list[Operation], size: int, context: int, kv: KvType, schedule: Schedule
) -> Plan:
    """Return the plan of a step of up to `size` tokens."""
    lowering = Lowering(size, context, kv, schedule)
    for operation in operations:
        lowering.add(operation)
    head = operations[-1]
    assert isinstance(head, Head), "a model ends with its head"
    return Plan(
        size,
        tuple(lowering.dispatches),
        lowering.slots,
        tuple(lowering.states.values()),
        head.logits.ref,
        head.w.matrix.rows,
        sum(isinstance(operation, Attention) for operation in operations),
    )
