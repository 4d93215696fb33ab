"""Splitting blocks into streams, byte for byte, however the blocks are cut."""

from itertools import pairwise

import numpy as np
import pytest

from random_blocks import random_rows
from run_kernel import run, slot
from twins.repack import repack as twin
from wgslm.gpu import Device
from wgslm.kernels.repack import repack, unit_of
from wgslm.quants import QUANTS, Quant

pytestmark = pytest.mark.gpu
each_quant = pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)
RAW, BLOCKS, SCALES = slot("raw"), slot("quants"), slot("scales")
UNTOUCHED = 0xA5


@each_quant
@pytest.mark.parametrize("start", [0, 1, 2, 3, 66])
def test_repack_in_pieces_equals_twin(device: Device, quant: Quant, start: int) -> None:
    row = 20 if quant.is_float else quant.block  # a float's row is padded to 32
    units = 29
    data = random_rows(quant, units, row)
    unit = unit_of(quant, row)
    quants, scales = twin(quant, data, row)
    memory = {
        RAW: np.frombuffer(bytes(start) + data + bytes(-(start + len(data)) % 4), np.uint8),
        BLOCKS: np.full(len(quants) + 16, UNTOUCHED, np.uint8),
        SCALES: np.full(-(-len(scales) // 4) * 4 + 16, UNTOUCHED, np.uint8),
    }
    cuts = [0, 4, 16, 20, units]  # multiples of 4, so that scales go on at a word

    written = run(
        device,
        [
            repack(
                quant, unit, RAW, BLOCKS, SCALES,
                start=start + first * unit.nbytes, blocks=last - first, first_block=first,
            )
            for first, last in pairwise(cuts)
        ],
        memory,
    )  # fmt: skip

    assert written[BLOCKS].tobytes() == quants + bytes([UNTOUCHED]) * 16
    padding = bytes(-len(scales) % 4)
    assert written[SCALES].tobytes() == scales + padding + bytes([UNTOUCHED]) * 16


def test_repack_folds_its_grid(device: Device) -> None:
    quant = next(quant for quant in QUANTS if quant.name == "q4_0")
    count = 32768 * 64 + 5  # one lane a block, 64 lanes a group: beyond one row of the grid
    data = random_rows(quant, count, 32)
    quants, scales = twin(quant, data, 32)
    memory = {
        RAW: np.frombuffer(data + bytes(-len(data) % 4), np.uint8),
        BLOCKS: np.zeros(len(quants), np.uint8),
        SCALES: np.zeros(-(-len(scales) // 4) * 4, np.uint8),
    }

    dispatch = repack(
        quant, unit_of(quant, 32), RAW, BLOCKS, SCALES, start=0, blocks=count, first_block=0
    )
    written = run(device, dispatch, memory)

    assert dispatch.grid[1] == 2
    assert written[BLOCKS].tobytes() == quants
    assert written[SCALES].tobytes()[: len(scales)] == scales
