"""Time grows with the text and no faster, whatever the text."""

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import process_time

import pytest

from tiny_vocabularies import bpe_metadata, spm_metadata
from wgslm.text import Tokenizer, load_tokenizer
from wgslm.text.pretokenize import splitter
from wgslm.text.pretokenizers import PRE_TOKENIZERS, PreTokenizer

SMALL, GROWTH = 2_000, 8
# Times as long for GROWTH times the text: n log n on a noisy machine; n * n would take 64.
MOST = 20
NOISE = 0.05  # seconds
PATTERNS = (
    "a", "A", "aA", "Aa", "\xe9", "e\u0301", "\u0301", "\u0301\u0323", "\u0903a", "1",
    "\u0661", "a1", "1 ", " ", "\t", " \t", "\n", " \n", "\r\n", "\xa0", "'", "'s", "'S",
    "!", "! ", "!\n", "_", "_a",
    "(", "(a", "[A",
    "\u4e2d", "\u4e2da", "\u3042", "\u0e01", "\U0001f600", "\U0001f600a", "\U00020000",
    "<sentinel:", "IMG", "\u2581", "\0",
    "\u2581a", "/", "//a", "a ", " a", "\u20ac", "a\u200d",
)  # fmt: skip
# What follows decides whether a long match was in vain.
ENDINGS = ("", "a", "1", "!", "\n")


def texts(size: int) -> list[str]:
    repeated = [pattern * (size // len(pattern)) for pattern in PATTERNS]
    mixed = "".join(random.Random(1).choices(PATTERNS, k=size))
    return [*(text + ending for text in repeated for ending in ENDINGS[:2]), mixed] + [
        " " * size + ending for ending in ENDINGS[2:]
    ]


def assert_linear(run: Callable[[str], object], small: str, large: str) -> None:
    times = [seconds(run, small), seconds(run, large)]
    if times[1] > MOST * times[0] + NOISE:  # once more: others use the machine too
        times = [max(times[0], seconds(run, small)), min(times[1], seconds(run, large))]
    assert times[1] <= MOST * times[0] + NOISE, f"{small[:9]!a}: {times}"


def seconds(run: Callable[[str], object], text: str) -> float:
    start = process_time()
    run(text)
    return process_time() - start


@pytest.mark.parametrize("pre", PRE_TOKENIZERS, ids=lambda pre: pre.names[0])
def test_cutting_into_words_is_linear(pre: PreTokenizer) -> None:
    words = splitter(pre)

    def split(text: str) -> list[str]:
        return list(words(text))

    split("a\U0001f600")
    split("a")

    for small, large in zip(texts(SMALL), texts(GROWTH * SMALL), strict=True):
        assert_linear(split, small, large)


@cache
def loaded(name: str) -> Tokenizer:
    if name == "spm":
        scores = {"\u2581": -1.0, **{text * n: -n for text in "aA1 !" for n in (1, 2, 4, 8, 16)}}
        return load_tokenizer(spm_metadata(scores))
    if name == "unigram":
        pieces = {text * n: -n for text in "aA1!\u2581" for n in (1, 2, 4, 8, 16)}
        return load_tokenizer(
            spm_metadata(pieces, model="t5", unknown_token_id=0, remove_extra_whitespaces=True)
        )
    if name == "bert":
        tokens = ["[UNK]", "[CLS]", "[SEP]", "\u2581a", "a", "aa", "aaaa", "\u25811", "1"]
        keys = {"model": "bert", "tokens": tokens, "unknown_token_id": 0, "cls_token_id": 1,
                "seperator_token_id": 2}  # fmt: skip
        return load_tokenizer({f"tokenizer.ggml.{key}": value for key, value in keys.items()})
    merges = ["a a", "aa aa", "aaaa aaaa", "A A", "1 1", "! !", "\u0120 \u0120"]
    return load_tokenizer(bpe_metadata(merges, pre="superbpe", user_defined=["<<", "<<<<", "<a>"]))


@pytest.mark.parametrize("name", ["spm", "unigram", "bert", "bpe without words"])
def test_encoding_is_linear(name: str) -> None:
    tokenizer = loaded(name)

    for small, large in zip(texts(SMALL), texts(GROWTH * SMALL), strict=True):
        assert_linear(tokenizer.encode, small, large)


def test_finding_special_tokens_is_linear() -> None:
    tokenizer = loaded("bpe without words")

    for pattern in ("<", "<a", "<a>", "<<"):
        assert_linear(tokenizer.encode, pattern * SMALL, pattern * SMALL * GROWTH)


def test_a_megabyte_of_prose_takes_two_seconds(
    reference_data: Path, reference_tokenizer: Callable[[str], Tokenizer]
) -> None:
    prose = (reference_data / "corpora/tinystories_B.txt").read_text()[:1_000_000]

    for name in ("gpt-2", "llama-bpe", "qwen2", "llama-spm", "bert-bge"):
        tokenizer = reference_tokenizer(f"vocabs/ggml-vocab-{name}.gguf")
        start = process_time()
        tokenizer.encode(prose)

        assert process_time() - start <= 2.0, name
