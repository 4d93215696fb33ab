"""Matrix products with quantised weights, and the look-up of single rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from wgslm.gpu import Program
from wgslm.kernels import STEP, Dispatch, Grid, Ref, ceil_div, fold
from wgslm.kernels.schedule import Schedule
from wgslm.quants import Quant

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


def linear(
    w: Matrix,
    x: Ref,
    y: Ref,
    tokens: int,
    schedule: Schedule,
    *,
    bias: Ref | None = None,
    residual: Ref | None = None,
) -> Iterator[Dispatch]:
    """y = x W^T (+ bias) (+ residual). x: f32 [tokens, row]; y, residual: f32 [tokens, rows]."""
    shader = schedule.linear_one if tokens == 1 else schedule.linear_many
    constants = [("HAS_BIAS", True)] if bias else []
    constants += [("HAS_RESIDUAL", True)] if residual else []
    for part, (first, rows) in enumerate(w.parts):
        bindings = {**w.streams(part), "x": x, "bias": bias or x, "residual": residual or x, "y": y}
        if tokens > 1:
            bindings = {"step": STEP, **bindings}
        program = Program(shader, w.program_bound, tuple(constants))
        yield Dispatch(
            program,
            {
                "rows": rows,
                "groups": w.groups,
                "dim4": w.row // 4,
                "first_row": first,
                "width": w.rows,
            },
            bindings,
            _grid(program, rows, tokens),
        )


def _grid(program: Program, rows: int, tokens: int) -> Grid:
    """Cover rows and tokens with tiles of the shape that the shader states."""
    shader = program.source()
    groups = ceil_div(rows, shader.constant("TILE_ROWS"))
    if tokens == 1:
        return fold(groups)
    return (groups, ceil_div(tokens, shader.constant("TILE_TOKENS")), 1)
