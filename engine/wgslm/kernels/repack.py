"""Splitting GGUF's blocks into the aligned streams that decoders read."""

from wgslm.gpu import Program
from wgslm.kernels import Dispatch, Ref, ceil_div, fold
from wgslm.kernels.linear import GROUP
from wgslm.quants import Quant


def packed_block(quant: Quant, row: int) -> tuple[int, int, int]:
    """Return (weights, bytes in the file, bytes in `quants`) of a unit of repacking.

    That is a block, or for floats a whole row, padded to groups of 32.
    """
    if quant.is_float:
        return row, row * quant.nbytes, ceil_div(row, GROUP) * GROUP * quant.nbytes
    return quant.block, quant.nbytes, len(quant.quants)


def repack(
    quant: Quant,
    row: int,
    raw: Ref,
    quants: Ref,
    scales: Ref,
    *,
    start: int,
    blocks: int,
    first_block: int,
) -> Dispatch:
    """Split `blocks` units from byte `start` of `raw`. See `packed_block` and shaders/repack."""
    _, nbytes, quants_nbytes = packed_block(quant, row)
    lanes = blocks * quants_nbytes // 16 + ceil_div(blocks * quant.scales_nbytes, 4)
    return Dispatch(
        Program("repack"),
        {
            "start": start,
            "blocks": blocks,
            "first_block": first_block,
            "nbytes": nbytes,
            "quants_at": quant.quants.start,
            "scales_nbytes": quant.scales_nbytes,
            "block_vectors": quants_nbytes // 16,
            "nibbles_at": max(0, quant.nibbles.start - quant.quants.start) // 16,
            "nibbles_vectors": len(quant.nibbles) // 16,
        },
        {"raw": raw, "quants": quants, "scales": scales},
        fold(ceil_div(lanes, 64)),
    )
