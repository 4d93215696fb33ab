"""The shapes and mixes of known models: as published files of them are."""

import asyncio
from collections import Counter

import pytest

from tiny_shape import TINY
from wgslm.bench.mixes import MIXES, tensor_quant, usable
from wgslm.bench.random_source import RandomSource
from wgslm.bench.shapes import SHAPES, shape_named
from wgslm.bench.traffic import by_place, rows
from wgslm.errors import RequestError, UnsupportedError
from wgslm.gpu import Limits
from wgslm.header import Header, open_header
from wgslm.kernels.schedule import GPU
from wgslm.quants import QUANTS
from wgslm.words import read_words

SUPPORTED = {quant.name for quant in QUANTS}


def header(name: str, mix: str) -> Header:
    return asyncio.run(open_header(RandomSource(shape_named(name), mix)))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("smollm2-135m", 134_515_008),
        ("qwen3-0.6b", 596_049_920),
        ("llama-3.2-1b", 1_235_814_432),  # of which 32 are rope_freqs
        ("qwen3-4b", 4_022_468_096),
        ("llama-3.1-8b", 8_030_261_312),  # of which 64 are rope_freqs
    ],
)
def test_a_shape_has_its_models_parameters(name: str, parameters: int) -> None:
    found = header(name, "q8_0")

    assert found.parameters == parameters
    assert found.ignored == ()


@pytest.mark.parametrize(
    ("name", "counts"),
    [  # as llama.cpp prints them when it loads the published files
        ("llama-3.1-8b", {"F32": 66, "Q4_K": 193, "Q6_K": 33}),
        ("llama-3.2-1b", {"F32": 34, "Q4_K": 96, "Q6_K": 17}),
        ("qwen3-4b", {"F32": 145, "Q4_K": 216, "Q6_K": 37}),
    ],
)
def test_q4_k_m_mixes_as_published_files_do(name: str, counts: dict[str, int]) -> None:
    tensors = header(name, "q4_k_m").directory.tensors

    assert Counter(info.quant.label for info in tensors.values()) == counts


def test_rows_of_576_fall_back_to_blocks_of_32() -> None:
    tensors = header("smollm2-135m", "q4_k_m").directory.tensors

    labels = {name: info.quant.label for name, info in tensors.items()}
    assert labels["token_embd.weight"] == "Q8_0"
    assert labels["blk.0.attn_q.weight"] == "Q5_0"
    assert labels["blk.0.attn_v.weight"] == "Q8_0"  # would be Q6_K
    assert labels["blk.4.ffn_down.weight"] == "Q4_K"  # its rows have 1536
    assert labels["blk.5.ffn_down.weight"] == "Q6_K"


def counted(name: str, mix: str, context: int, binding_nbytes: int) -> tuple[set[int], int]:
    """Return how many dispatches of a token's step a GPU gets in each layer, and outside."""
    found = header(name, mix)
    plans, _ = found.plans(Limits(1 << 33, binding_nbytes), GPU, context, "f16")
    layers, outside = by_place(list(rows(plans[0], found, binding_nbytes)))
    assert len(layers) == plans[0].layers
    return set(layers.values()), outside


@pytest.mark.parametrize("shape", [shape.name for shape in SHAPES])
@pytest.mark.parametrize("mix", ["q4_k_m", "q8_0", "q3_k_m", "q2_k", "iq4_xs", "f16"])
def test_a_token_takes_five_dispatches_a_layer_and_three_outside(shape: str, mix: str) -> None:
    short, long = (counted(shape, mix, context, 1 << 31) for context in (512, 4096))

    assert short == ({5}, 3)
    assert long == ({6}, 3)  # the keys are split


@pytest.mark.parametrize(
    ("shape", "mix", "a_layer", "outside"),
    [
        ("smollm2-135m", "q8_0", {5}, 3),
        ("qwen3-0.6b", "q8_0", {5}, 5),
        ("llama-3.2-1b", "q4_k_m", {5}, 5),
        ("llama-3.1-8b", "q4_k_m", {5}, 8),
        ("llama-3.1-8b", "f16", {8}, 17),
    ],
)
def test_small_bindings_cut_what_does_not_fit(
    shape: str, mix: str, a_layer: set[int], outside: int
) -> None:
    """Of the 128 MiB that WebGPU promises, and that lavapipe has."""
    assert counted(shape, mix, 512, 128 << 20) == (a_layer, outside)


@pytest.mark.parametrize("mix", MIXES)
def test_every_mix_gives_every_tensor_a_format_that_fits_its_rows(mix: str) -> None:
    for shape in SHAPES:
        for name, dimensions in shape.tensors():
            try:
                quant = tensor_quant(mix, shape, name, dimensions)
            except UnsupportedError as error:
                needed = str(error).split(",")[0].rsplit(" ", 1)[-1].lower()
                assert needed not in SUPPORTED
                continue
            assert dimensions[0] % quant.block == 0


@pytest.mark.parametrize("mix", usable())
def test_what_is_offered_can_be_made_in_every_shape(mix: str) -> None:
    for shape in SHAPES:
        assert RandomSource(shape, mix).size > shape.vocab * shape.dim // 8


def test_floats_are_not_mixed() -> None:
    quants = {info.quant.label for info in header("llama-3.2-1b", "f16").directory.tensors.values()}

    assert quants == {"F32", "F16"}


def test_the_vocabulary_has_the_right_size_and_reads_text() -> None:
    for shape in SHAPES:
        tokenizer, _ = read_words(header(shape.name, "q8_0"))

        assert tokenizer.vocab_size == shape.vocab
        assert tokenizer.decode(tokenizer.encode("Grüße")) == "Grüße"


def test_rope_divisors_go_from_1_to_the_factor() -> None:
    divisors = TINY.rope_divisors()

    assert divisors[0] == 1.0
    assert divisors[-1] == pytest.approx(8.0)
    assert list(divisors) == sorted(divisors)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(RequestError, match=r"no shape 'gpt-5'; shapes: smollm2-135m, "):
        shape_named("gpt-5")
    with pytest.raises(RequestError, match=r"no quant 'q9'; quants: f32, f16, "):
        RandomSource(TINY, "q9")
