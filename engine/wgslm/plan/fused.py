"""The fused lowering of a step of one token: a dispatch for each dependency on a whole vector.

WGSL has no barrier across workgroups, so what needs all of a vector starts a dispatch; everything
else rides along: a norm is a factor on the sums that follow it, an activation the end of its
product. What has no fused form (layer norms, matrices cut into parts) is lowered plainly.
"""

from collections.abc import Iterator, Sequence

from wgslm.kernels import Dispatch
from wgslm.kernels.attention import Rotation, attention_step, parts_nbytes
from wgslm.kernels.linear import InputNorm, Product, can_join, linear_one
from wgslm.plan import Slot
from wgslm.plan.operations import Attention, Head, Mlp, Norm, NormLinear
from wgslm.plan.reference import Lowering, product


class Fused(Lowering):
    """The dispatches of a step of one token."""

    def _norm_linear(self, o: NormLinear) -> Iterator[Dispatch]:
        if o.norm.kind != "rms":
            yield from super()._norm_linear(o)
            return
        column = 0
        for products in _joined([product(w) for w in o.group.weights]):
            rows = sum(one.matrix.rows for one in products)
            yield from linear_one(
                products,
                self._use(o.x),
                self._columns(o.y.slice(column, rows)),
                self.schedule,
                norm=_input_norm(o.norm),
            )
            column += rows

    def _attention(self, o: Attention) -> Iterator[Dispatch]:
        norms = [norm for norm in (o.q_norm, o.k_norm) if norm]
        if any(norm.kind != "rms" or norm.eps != norms[0].eps for norm in norms):
            yield from super()._attention(o)
            return
        q, k, v = (self._heads(slot, o.head_dim) for slot in (o.q, o.k, o.v))
        cache, y = self._cache(o), self._use(o.y)
        nbytes = parts_nbytes(q, cache, self.schedule)
        rotation = Rotation(self._rope_table(o.rope), o.rope.pairs, o.rope.neox) if o.rope else None
        yield from attention_step(
            q,
            k,
            v,
            cache,
            y,
            self._use(Slot(f"{o.y.name}.parts", nbytes // 4)) if nbytes else y,
            o.scale,
            self.schedule,
            rotation=rotation,
            q_gain=o.q_norm.weights.gain.ref if o.q_norm else None,
            k_gain=o.k_norm.weights.gain.ref if o.k_norm else None,
            eps=norms[0].eps if norms else 0.0,
        )

    def _mlp(self, o: Mlp) -> Iterator[Dispatch]:
        products = [product(w) for w in o.up.weights]
        gated = len(o.up.columns) == 2
        whole = len(_joined(products)) == 1 and len(products[0].matrix.parts) == 1
        if o.norm.kind != "rms" or not gated or not whole:
            yield from super()._mlp(o)
            return
        activated = Slot(f"{o.y.name}.act", o.down.matrix.row)
        yield from linear_one(
            products,
            self._use(o.x),
            self._columns(activated),
            self.schedule,
            norm=_input_norm(o.norm),
            gate=o.activation,
        )
        yield from self._linear(o.down, activated, o.y, o.x)

    def _head(self, o: Head) -> Iterator[Dispatch]:
        if o.each or o.norm.kind != "rms":
            yield from super()._head(o)
            return
        yield from linear_one(
            (product(o.w),),
            self._use(o.x),
            self._columns(o.logits),
            self.schedule,
            norm=_input_norm(o.norm),
        )
        yield from self._draw(o)


def _input_norm(norm: Norm) -> InputNorm:
    return InputNorm(norm.weights.gain.ref, norm.eps)


def _joined(products: Sequence[Product]) -> list[list[Product]]:
    """Pair neighbours that one dispatch can do."""
    pairs: list[list[Product]] = []
    for one in products:
        if pairs and len(pairs[-1]) == 1 and can_join(pairs[-1][0], one):
            pairs[-1].append(one)
        else:
            pairs.append([one])
    return pairs
