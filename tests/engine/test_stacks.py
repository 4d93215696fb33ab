"""Tensors that lie side by side in one buffer."""

import asyncio

import numpy as np
import pytest

from engine.test_weights import CHUNK, streams, tensor
from memory_source import MemorySource
from random_blocks import random_rows
from tiny_gguf import Tensor, gguf_bytes
from twins.repack import repack as twin
from wgslm.gguf import read_directory
from wgslm.gpu import Device, Limits
from wgslm.quants import QUANTS, Quant
from wgslm.weights import Stack, can_stack, free, load_weights

each_quant = pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)


@pytest.mark.gpu
@each_quant
@pytest.mark.parametrize("binding_nbytes", [1 << 20, 5120])
def test_tensors_side_by_side(
    device: Device, monkeypatch: pytest.MonkeyPatch, quant: Quant, binding_nbytes: int
) -> None:
    """Three tensors in an order that is not the file's, and vectors of several lengths."""
    monkeypatch.setattr("wgslm.weights.CHUNK", CHUNK)
    monkeypatch.setattr(device, "limits", Limits(1 << 20, binding_nbytes))
    row = 36 if quant.is_float else quant.block
    rows = {"c": 8, "a": 20, "b": 13}
    tensors = {
        name: Tensor((row, count), random_rows(quant, count, row, seed=count), quant.ggml_type)
        for name, count in rows.items()
    }
    vectors = {"p": np.arange(8, dtype="<f4"), "q": np.arange(36, dtype="<f4")}
    tensors |= {name: Tensor(v.shape, v.tobytes()) for name, v in vectors.items()}

    async def check() -> None:
        source = MemorySource(gguf_bytes({"general.architecture": "none"}, tensors))
        infos = (await read_directory([source])).tensors
        matrix = Stack(tuple(infos[name] for name in "acb"))
        vector = Stack((infos["q"], infos["p"]))
        weights = await load_weights(device, [source], [matrix, vector], lambda *_: None)

        joined = b"".join(tensors[name].data for name in "acb")
        quants, scales = twin(quant, joined, row)
        found = await streams(device, weights, "a+c+b")
        assert found[0] == quants
        if len(weights["a+c+b"]) == 1:
            assert found[1] == quant.grid + scales + bytes(-len(scales) % 4)
        assert (await streams(device, weights, "q+p"))[0] == tensors["q"].data + tensors["p"].data
        free(device, weights)

    asyncio.run(check())


@each_quant
def test_only_what_begins_at_a_word_is_stacked(quant: Quant) -> None:
    row = 36 if quant.is_float else quant.block
    short, long = tensor(quant, row, 6), tensor(quant, row, 8)

    assert can_stack([long, short])
    assert not can_stack([short, long])
    assert not can_stack([long, tensor(quant, 2 * row, 8)])
