"""Matrix products with quantised weights, and the look-up of single rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wgslm.errors import RequestError
from wgslm.gpu import Program, wgsl
from wgslm.kernels import STEP, Columns, Dispatch, Ref, ceil_div, fold
from wgslm.kernels.activate import Activation, activation_bound
from wgslm.kernels.schedule import Schedule, Variant
from wgslm.quants import QUANTS, Quant

GROUP = 32  # weights that a decoder returns at once


@dataclass(frozen=True)
class Matrix:
    """A weight as kernels see it: `rows` x `row` values, cut by rows into parts that one binding
    can hold. Rows are padded to whole groups of 32.
    """

    name: str
    quant: Quant
    row: int
    rows: int
    parts: tuple[tuple[int, int], ...]  # (first row, rows)

    @property
    def groups(self) -> int:
        """Groups of 32 weights in a row."""
        return ceil_div(self.row, GROUP)

    @property
    def program_bound(self) -> tuple[tuple[str, str], ...]:
        """The decoder that a shader's `#import quant` stands for."""
        return (("quant", f"quants/{self.quant.name}"),)

    def streams(self, part: int) -> dict[str, Ref]:
        """Return the bindings of a part. Formats without scales bind their quants twice."""
        quants = Ref("weight", self.name, part, "quants")
        scales = Ref("weight", self.name, part, "scales") if self.quant.scales_nbytes else quants
        return {"quants": quants, "scales": scales}


def embed(
    table: Matrix, y: Ref, tokens: int, *, scale: float = 1.0, by_position: bool = False
) -> Iterator[Dispatch]:
    """Look up each token's row, or add the row of its position. y: f32 [tokens, row]."""
    constants = (("BY_POSITION", True), ("ADD", True)) if by_position else ()
    for part, (first, rows) in enumerate(table.parts):
        yield Dispatch(
            Program("embed", table.program_bound, constants),
            {
                "dim4": table.row // 4,
                "groups": table.groups,
                "first_row": first,
                "rows": rows,
                "scale": scale,
            },
            {"step": STEP, **table.streams(part), "y": y},
            (ceil_div(table.groups, 32), tokens, 1),
        )


@dataclass(frozen=True)
class Product:
    """A matrix with its bias, if it has one: f32 values from `offset` on."""

    matrix: Matrix
    bias: Columns | None = None


@dataclass(frozen=True)
class InputNorm:
    """What is done to x before a product: RMS norm with a gain f32 [dim]."""

    gain: Ref
    eps: float


def linear(
    w: Product,
    x: Ref,
    y: Columns,
    tokens: int,
    schedule: Schedule,
    *,
    residual: Ref | None = None,
) -> Iterator[Dispatch]:
    """y = x W^T (+ bias) (+ residual). x: f32 [tokens, row]; residual: f32 [tokens, rows]."""
    if tokens == 1:
        yield from linear_one((w,), x, y, schedule, residual=residual)
        return
    variant = schedule.many
    if not variant.is_exact:
        _check_integers(variant, (w,))
    program = Program(
        variant.shader,
        (*w.matrix.program_bound, *variant.bound),
        variant.constants,
    )
    for part, (first, rows) in enumerate(w.matrix.parts):
        yield Dispatch(
            program,
            {
                "rows": rows,
                "groups": w.matrix.groups,
                "dim4": w.matrix.row // 4,
                "width": y.stride,
                "column": y.offset + first,
                "bias_at": w.bias.offset + first if w.bias else 0,
                "has_bias": int(w.bias is not None),
                "has_residual": int(residual is not None),
            },
            {
                "step": STEP,
                **w.matrix.streams(part),
                "x": x,
                "bias": w.bias.ref if w.bias else x,
                "residual": residual or x,
                "y": y.ref,
            },
            (
                ceil_div(rows, program.constant("TILE_ROWS")),
                ceil_div(tokens, program.constant("TILE_TOKENS")),
                1,
            ),
        )


def linear_one(
    products: Sequence[Product],
    x: Ref,
    y: Columns,
    schedule: Schedule,
    *,
    norm: InputNorm | None = None,
    residual: Ref | None = None,
    gate: Activation | None = None,
) -> Iterator[Dispatch]:
    """y = h W^T (+ bias) (+ residual) for one token; h is x, or its norm.

    Up to two products at once (`can_join`): the second's rows follow the first's. With `gate` the
    first half of all rows are gates: y = act(gate) * up. One product alone is left out in a step of
    no token.
    """
    assert not (norm and residual), "they share a binding"
    first, second = products[0], products[1] if len(products) > 1 else None
    assert second is None or can_join(first, second), "one dispatch cannot do both"
    bound = (*first.matrix.program_bound, ("second", "lib/no_second"))
    if second:
        bound = (bound[0], ("second", f"quants/{second.matrix.quant.name} as second"))
    variant = schedule.one
    if not variant.is_exact:
        _check_integers(variant, products)
    constants = [*variant.constants, *([("NORM", True)] if norm else [])]
    constants += [("HAS_SECOND", True)] if second else []
    constants += [("GATED", True), *activation_bound(gate)] if gate else []
    program = Program(variant.shader, (*bound, *variant.bound), tuple(constants))
    tile = program.constant("TILE_ROWS")
    rows_second = second.matrix.rows if second else 0
    for part, (start, rows) in enumerate(first.matrix.parts):
        outputs = (rows + rows_second) // (2 if gate else 1)
        yield Dispatch(
            program,
            {
                "outputs": outputs,
                "rows": rows,
                "groups": first.matrix.groups,
                "dim4": first.matrix.row // 4,
                "column": y.offset + start,
                "bias_at": first.bias.offset + start if first.bias else 0,
                "eps": norm.eps if norm else 0.0,
                "has_bias": int(first.bias is not None),
                "has_residual": int(residual is not None),
            },
            {
                **first.matrix.streams(part),
                **_second(second, part),
                "x": x,
                "other": norm.gain if norm else residual or x,
                "bias": first.bias.ref if first.bias else x,
                "y": y.ref,
            },
            fold(ceil_div(outputs, tile // 2 if gate else tile)),
        )


def can_join(first: Product, second: Product) -> bool:
    """Say whether one dispatch can do both: whole matrices, biases one after the other."""
    whole = len(first.matrix.parts) == len(second.matrix.parts) == 1
    if not (whole and first.bias and second.bias):
        return whole and first.bias is second.bias
    return (
        first.bias.ref == second.bias.ref
        and first.bias.offset + first.matrix.rows == second.bias.offset
    )


def has_integers(quant: Quant) -> bool:
    """Say whether a format's decoder can give its weights as integers: see lib/dp4a."""
    return "fn integers32(" in wgsl.load(f"quants/{quant.name}").text


def _check_integers(variant: Variant, products: Sequence[Product]) -> None:
    for w in products:
        if not has_integers(w.matrix.quant):
            known = ", ".join(quant.label for quant in QUANTS if has_integers(quant))
            raise RequestError(
                f"variant {variant.name!r} multiplies integers and {w.matrix.name!r} is "
                f"{w.matrix.quant.label}; formats that give integers: {known}",
                "variant",
            )


def _second(w: Product | None, part: int) -> dict[str, Ref]:
    """Return the bindings of a second matrix; without one they tell of the step."""
    streams = w.matrix.streams(part) if w else {"quants": STEP, "scales": STEP}
    return {f"{name}_second": ref for name, ref in streams.items()}
