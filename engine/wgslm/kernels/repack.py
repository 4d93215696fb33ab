"""Splitting GGUF's blocks into the aligned streams that decoders read."""

from dataclasses import dataclass

from wgslm.gpu import Program
from wgslm.kernels import Dispatch, Ref, ceil_div, fold
from wgslm.kernels.linear import GROUP
from wgslm.quants import Quant


@dataclass(frozen=True)
class Unit:
    """What repacking counts: a block, or for floats a whole row, padded to groups of 32."""

    weights: int
    nbytes: int  # in the file
    quants_nbytes: int


def unit_of(quant: Quant, row: int) -> Unit:
    """Return the unit of a matrix with rows of `row` weights."""
    if quant.is_float:
        return Unit(row, row * quant.nbytes, ceil_div(row, GROUP) * GROUP * quant.nbytes)
    return Unit(quant.block, quant.nbytes, len(quant.quants))


def repack(
    quant: Quant,
    unit: Unit,
    raw: Ref,
    quants: Ref,
    scales: Ref,
    *,
    start: int,
    blocks: int,
    first_block: int,
) -> Dispatch:
    """Split `blocks` units from byte `start` of `raw`. See shaders/repack."""
    lanes = blocks * unit.quants_nbytes // 16 + ceil_div(blocks * quant.scales_nbytes, 4)
    return Dispatch(
        Program("repack"),
        {
            "start": start,
            "blocks": blocks,
            "first_block": first_block,
            "nbytes": unit.nbytes,
            "quants_at": quant.quants.start,
            "scales_nbytes": quant.scales_nbytes,
            "block_vectors": unit.quants_nbytes // 16,
            "nibbles_at": max(0, quant.nibbles.start - quant.quants.start) // 16,
            "nibbles_vectors": len(quant.nibbles) // 16,
        },
        {"raw": raw, "quants": quants, "scales": scales},
        fold(ceil_div(lanes, 64)),
    )
