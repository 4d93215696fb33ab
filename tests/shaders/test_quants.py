"""Decoders: the twins against libggml's own values, the shaders against the twins."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from random_blocks import put_scales, random_blocks, scales_of
from run_kernel import Memory, run, slot, step_words
from twins import quants as twin
from twins.repack import repack
from wgslm.gpu import Device
from wgslm.kernels import STEP, Ref
from wgslm.kernels.linear import Matrix, embed
from wgslm.quants import QUANTS, Quant

each_quant = pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)
BY_NAME = {quant.name: quant for quant in QUANTS}
packed_quant = pytest.mark.parametrize(
    "quant", [quant for quant in QUANTS if not quant.is_float], ids=lambda quant: quant.name
)


@each_quant
def test_twin_equals_libggml_bit_for_bit(reference_data: Path, quant: Quant) -> None:
    if quant.name == "f32":
        pytest.skip("F32 has nothing to decode")
    stored = (reference_data / f"quants/{quant.label}.bin").read_bytes()
    facts = json.loads((reference_data / "quants/quants.json").read_text())["types"][quant.label]

    weights = twin.decode_rows(quant, stored, 512)

    expected = np.fromfile(reference_data / f"quants/{quant.label}.f32.bin", "<u4")
    assert np.array_equal(weights.view(np.uint32).ravel(), expected)
    assert (facts["type_id"], facts["block"], facts["block_bytes"]) == (
        quant.ggml_type,
        quant.block,
        quant.nbytes,
    )


@packed_quant
def test_twin_equals_gguf_py_on_any_bits(quant: Quant) -> None:
    gguf = pytest.importorskip("gguf")
    if quant.name in ("q1_0", "q2_0"):
        pytest.skip("gguf-py 0.19 knows the type, but not how to decode it")
    blocks = random_blocks(quant, 64)

    weights = twin.decode(quant, blocks)

    expected = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType(quant.ggml_type))
    assert np.array_equal(weights, expected.reshape(weights.shape))


@pytest.mark.gpu
@each_quant
def test_shader_decodes_libggml_blocks(device: Device, reference_data: Path, quant: Quant) -> None:
    name = "w.f32" if quant.name == "f32" else quant.label
    data = (reference_data / f"quants/{name}.bin").read_bytes()
    check_decoder(device, quant, np.frombuffer(data, np.uint8).reshape(-1, quant.nbytes), 512)


@pytest.mark.gpu
@each_quant
def test_shader_decodes_any_bits(device: Device, quant: Quant) -> None:
    check_decoder(device, quant, random_blocks(quant, 33 * 512 // quant.block), 512)


@pytest.mark.gpu
@packed_quant
def test_shader_decodes_extreme_scales(device: Device, quant: Quant) -> None:
    extremes = np.array([65504, -65504, 6.1e-5, 6e-8, -6e-8, 0.0, -0.0, 1.0], "<f2")
    blocks = random_blocks(quant, len(extremes) * len(extremes))
    for index in range(scales_of(quant)):
        scales = np.tile(extremes, 8) if index == 0 else np.repeat(extremes, 8)
        put_scales(quant, blocks, index, scales)
    check_decoder(device, quant, blocks, quant.block)


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["mxfp4", "nvfp4"])
def test_shader_decodes_every_byte_of_a_scale(device: Device, name: str) -> None:
    quant = BY_NAME[name]
    blocks = random_blocks(quant, 256)
    blocks[:, 0] = np.arange(256)
    finite = slice(2, 253)  # of MXFP4: the first two are denormal, the last three overflow
    check_decoder(device, quant, blocks[finite] if name == "mxfp4" else blocks, quant.block)


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["f32", "f16", "bf16"])
def test_shader_decodes_extreme_floats(device: Device, name: str) -> None:
    quant = BY_NAME[name]
    upper = np.array([0x0000, 0x8000, 0x3F80, 0x7F7F, 0xFF7F, 0x0080, 0x8080, 0x7F80], "<u2")
    if name == "f16":
        upper = np.array([0x0000, 0x8000, 0x3C00, 0x7BFF, 0xFBFF, 0x0400, 0x0001, 0x7C00], "<u2")
    bits = upper.astype("<u4") << 16 if name == "f32" else upper
    check_decoder(device, quant, bits.view(np.uint8).reshape(-1, quant.nbytes), 8)


def check_decoder(device: Device, quant: Quant, blocks: NDArray[np.uint8], row: int) -> None:
    """Compare every weight, read through `embed` with a scale of 1.

    A single product has one rounding, so it is exact. Where something is added, WGSL may contract
    to a fused multiply-add, which changes the result by up to 1 ulp of the larger term.
    """
    expected = twin.decode(quant, blocks).reshape(-1, row)
    rows = len(expected)
    matrix = Matrix("w", quant, row, rows, ((0, rows),))
    quants, scales = repack(quant, blocks.tobytes(), row)
    scales = quant.grid + scales + bytes(-len(scales) % 4)
    y = np.full((rows, row), 777, np.float32)
    memory: Memory = {
        STEP: step_words(rows, ids=range(rows)),
        Ref("weight", "w"): np.frombuffer(quants, np.uint8),
        Ref("weight", "w", stream="scales"): np.frombuffer(scales or bytes(16), np.uint8),
        slot("y"): y,
    }

    actual = run(device, embed(matrix, slot("y"), rows), memory)[slot("y")]

    largest = twin.largest_term(quant, blocks).reshape(-1, row)
    adds = twin.terms(quant, blocks)[1] is not twin.ZERO
    with np.errstate(invalid="ignore"):  # inf - inf
        wrong = np.abs(actual - expected) > (np.spacing(largest) if adds else 0)
    assert not np.any(wrong | (np.isnan(actual) != np.isnan(expected)))
