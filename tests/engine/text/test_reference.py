"""Vectors that llama.cpp made: its vocabulary tests and recorded answers."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from wgslm.text import TextStream, Tokenizer

EXACT = ("llama-spm", "phi-3", "gpt-2", "llama-bpe", "qwen2")  # their text comes back as it was
VOCABULARIES = (*EXACT, "bert-bge")
MODELS = {
    "stories260K": "stories260K.f32.gguf",
    "tinytalk.q4_0": "tinytalk.q4_0.gguf",
    "llama-2-tiny-random": "llama-2-tiny-random.gguf",
}

Load = Callable[[str], Tokenizer]


def cases(reference_data: Path, name: str) -> list[tuple[str, list[int]]]:
    file = reference_data / "vocabs" / f"ggml-vocab-{name}.gguf"
    texts = Path(f"{file}.inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
    lines = Path(f"{file}.out").read_text().split("\n")
    return [
        (text, [int(id) for id in line.split()]) for text, line in zip(texts, lines, strict=True)
    ]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_text_becomes_the_ids_that_llama_cpp_makes(
    reference_data: Path, reference_tokenizer: Load, name: str
) -> None:
    tokenizer = reference_tokenizer(f"vocabs/ggml-vocab-{name}.gguf")

    expected = cases(reference_data, name)

    assert len(expected) == 47
    assert [(text, tokenizer.encode(text, bos=False)) for text, _ in expected] == expected


@pytest.mark.parametrize("name", EXACT)
def test_the_ids_of_llama_cpp_become_the_text_again(
    reference_data: Path, reference_tokenizer: Load, name: str
) -> None:
    tokenizer = reference_tokenizer(f"vocabs/ggml-vocab-{name}.gguf")
    prefix = " " if name in ("llama-spm", "phi-3") else ""

    for text, ids in cases(reference_data, name):
        assert tokenizer.decode(ids) == (prefix + text if text else "")


@pytest.mark.parametrize("name", MODELS)
def test_prompts_and_answers_equal_the_recorded_ones(
    reference_data: Path, reference_tokenizer: Load, name: str
) -> None:
    golden = json.loads((reference_data / "models" / f"{name}.golden.json").read_text())
    tokenizer = reference_tokenizer(f"models/{MODELS[name]}")

    assert tokenizer.add_bos == golden["add_bos"]
    for case in golden["cases"]:
        stream = TextStream(tokenizer)
        streamed = "".join(map(stream.push, case["greedy_ids"])) + stream.flush()

        assert tokenizer.encode(case["prompt"]) == case["prompt_ids"]
        assert tokenizer.decode(case["greedy_ids"]) == case["greedy_text"]
        assert streamed == case["greedy_text"]


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("llama-spm", {"</s>"}),
        ("phi-3", {"</s>", "<|endoftext|>", "<|end|>"}),
        ("gpt-2", {"<|endoftext|>"}),
        ("llama-bpe", {"<|end_of_text|>", "<|eot_id|>"}),
        ("bert-bge", {"[PAD]"}),
        ("qwen2", {"</s>", "<|endoftext|>", "<|im_end|>"}),
    ],
)
def test_every_end_of_a_vocabulary_is_known(
    reference_tokenizer: Load, name: str, ends: set[str]
) -> None:
    tokenizer = reference_tokenizer(f"vocabs/ggml-vocab-{name}.gguf")

    assert {tokenizer.tokens[id] for id in tokenizer.end_ids} == ends


@pytest.mark.parametrize("name", EXACT)
def test_random_text_comes_back(reference_tokenizer: Load, name: str) -> None:
    tokenizer = reference_tokenizer(f"vocabs/ggml-vocab-{name}.gguf")
    prefix = " " if name in ("llama-spm", "phi-3") else ""
    source = random.Random(2)
    codes = [*range(0xD800), *range(0xE000, 0x110000)]

    for _ in range(100):
        size = source.randint(1, 60)
        text = "".join(
            chr(source.choice(codes) if source.random() < 0.5 else source.randrange(0x300))
            for _ in range(size)
        ).replace("\u2581", "")  # which is a space to SentencePiece

        assert tokenizer.decode(tokenizer.encode(text, bos=False)) == prefix + text


@pytest.mark.parametrize("name", VOCABULARIES)
def test_no_special_token_comes_from_content(reference_tokenizer: Load, name: str) -> None:
    tokenizer = reference_tokenizer(f"vocabs/ggml-vocab-{name}.gguf")
    specials = {tokenizer.tokens.index(text) for text in tokenizer.specials}

    content = tokenizer.encode(
        "".join(tokenizer.specials) + "\n".join(tokenizer.specials), bos=False
    )
    template = tokenizer.encode("".join(tokenizer.specials), specials=True, bos=False)

    assert not specials & set(content)
    assert template == [tokenizer.tokens.index(text) for text in tokenizer.specials]
