"""Random weights that are a valid model: served by range, finite, the same every time."""

import asyncio
import itertools

import numpy as np
import pytest

from tiny_shape import TINY, TINY_QWEN3
from twins.quants import decode
from wgslm.bench.random_source import RandomSource
from wgslm.bench.shapes import Shape, shape_named
from wgslm.blocks import SPREAD, tile
from wgslm.engine import Engine
from wgslm.errors import UnsupportedError
from wgslm.gguf import read_directory
from wgslm.gpu import Device
from wgslm.quants import QUANTS, Quant

BLOCKS = 500


@pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)
def test_blocks_decode_to_small_numbers(quant: Quant) -> None:
    blocks = np.frombuffer(tile(quant), np.uint8).reshape(-1, quant.nbytes)[:BLOCKS]

    weights = decode(quant, blocks)

    assert np.isfinite(weights).all()
    assert SPREAD / 1.5 < weights.std() < SPREAD * 1.5
    assert abs(weights.mean()) < SPREAD / 2


def test_a_format_without_a_rule_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="no random weights are known in Q9_9; known: BF16"):
        tile(Quant("q9_9", ggml_type=99, block=32, nbytes=20, quants=range(4, 20)))


def test_ranges_agree_with_the_whole() -> None:
    source = RandomSource(TINY, "q4_k_m")
    whole = asyncio.run(source.read(0, source.size))
    assert len(whole) == source.size
    cuts = sorted({0, 1, 1000, source.size, *(s + d for s in source._starts[:6] for d in (0, 7))})

    for start, stop in itertools.pairwise(cuts):
        assert asyncio.run(source.read(start, stop)) == whole[start:stop]
        assert bytes(asyncio.run(source.chunk(start, stop))) == whole[start:stop]  # type: ignore[call-overload]


def test_a_part_of_one_tensor_is_a_view() -> None:
    source = RandomSource(shape_named("llama-3.1-8b"), "q4_k_m")
    start = source._starts[0] + 123_456_789

    chunk = asyncio.run(source.chunk(start, start + (8 << 20)))
    again = asyncio.run(source.chunk(start, start + (8 << 20)))

    assert isinstance(chunk, memoryview)
    assert chunk.obj is again.obj  # type: ignore[attr-defined]


def test_tensors_hold_whole_blocks_from_their_start() -> None:
    source = RandomSource(TINY, "q6_k")  # its blocks of 210 bytes do not fill 32
    directory = asyncio.run(read_directory([source]))
    info = directory.tensors["blk.1.ffn_up.weight"]

    data = asyncio.run(source.read(info.start, info.start + info.nbytes))

    assert data == tile(info.quant)[: info.nbytes]
    norm = directory.tensors["blk.1.ffn_norm.weight"]
    gains = asyncio.run(source.read(norm.start, norm.start + norm.nbytes))
    assert (np.frombuffer(gains, "<f4") == 1).all()


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("mix", ["f16", "q8_0", "q4_0", "q4_k_m", "q5_k_m", "q6_k"])
@pytest.mark.parametrize("shape", [TINY, TINY_QWEN3], ids=lambda shape: shape.name)
def test_it_loads_and_computes_finite_logits(device: Device, shape: Shape, mix: str) -> None:
    async def logits() -> list[float]:
        engine = await Engine.load(RandomSource(shape, mix), context=32)
        try:
            assert engine.name == f"{shape.name}-{mix}-random"
            return (await engine.logits([1, 2, 3]))[0]
        finally:
            await engine.close()

    found = np.array(asyncio.run(logits()))

    assert np.isfinite(found).all()
    assert found.std() > 0.01
