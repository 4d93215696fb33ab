"""Byte-level BPE on vocabularies small enough to follow by hand."""

import random
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from tiny_vocabularies import bpe_metadata, byte_characters
from wgslm.errors import RequestError
from wgslm.text import Tokenizer, load_tokenizer

DOUBLING = ["a a", "aa aa", "aaaa aaaa"]


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.tokens[id] for id in tokenizer.encode(text, bos=False)]


def merged_slowly(text: str, merges: Sequence[str]) -> list[str]:
    symbols = list(text)
    while True:
        pairs = [f"{left} {right}" for left, right in pairwise(symbols)]
        best = min((merges.index(pair) for pair in pairs if pair in merges), default=None)
        if best is None:
            return symbols
        at = pairs.index(merges[best])
        symbols[at : at + 2] = ["".join(symbols[at : at + 2])]


def test_the_lowest_rank_merges_first_and_of_equals_the_leftmost() -> None:
    tokenizer = load_tokenizer(bpe_metadata(["b c", "a b", "a a"]))

    assert pieces(tokenizer, "abc") == ["a", "bc"]
    assert pieces(tokenizer, "aaa") == ["aa", "a"]


def test_merging_equals_the_definition_on_random_words() -> None:
    random_source = random.Random(3)
    made = ["a", "b", "c"]
    merges: list[str] = []
    while len(merges) < 40:
        left, right = random_source.choices(made, k=2)
        if f"{left} {right}" not in merges and len(left + right) < 8:
            merges.append(f"{left} {right}")
            made.append(left + right)
    tokenizer = load_tokenizer(bpe_metadata(merges))

    for length in range(120):
        word = "".join(random_source.choices("abc", k=length))

        assert pieces(tokenizer, word) == merged_slowly(word, merges)


def test_merges_stay_inside_words() -> None:
    tokenizer = load_tokenizer(bpe_metadata(["Ġ a", "a Ġa", "a Ġ"]))

    assert pieces(tokenizer, "a a") == ["a", "Ġa"]


def test_of_two_equal_merges_the_first_counts() -> None:
    tokenizer = load_tokenizer(bpe_metadata(["a b", "b c", "a b"]))

    assert pieces(tokenizer, "abc") == ["ab", "c"]


@pytest.mark.parametrize(("pre", "expected"), [("llama-bpe", ["cat"]), ("qwen2", ["c", "a", "t"])])
def test_only_llama_takes_a_whole_word_without_merging(pre: str, expected: list[str]) -> None:
    tokenizer = load_tokenizer(bpe_metadata(pre=pre, words=["cat"]))

    assert pieces(tokenizer, "cat") == expected


def test_a_whole_word_is_never_a_control_token() -> None:
    tokenizer = load_tokenizer(bpe_metadata(pre="llama-bpe", controls=["system"]))

    assert pieces(tokenizer, "system") == list("system")


def test_a_merge_that_makes_no_token_becomes_its_characters() -> None:
    metadata = bpe_metadata()
    metadata["tokenizer.ggml.merges"] = ["a b", "Ã ©"]
    tokenizer = load_tokenizer(metadata)

    assert pieces(tokenizer, "abé") == ["a", "b", "Ã", "©"]


def test_every_byte_and_text_comes_back() -> None:
    tokenizer = load_tokenizer(bpe_metadata(DOUBLING))
    text = "".join(map(chr, [*range(0x500), *range(0xFFF0, 0x10010), 0x1F999, 0x10FFFF]))

    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert b"".join(map(tokenizer.piece, range(256))) == bytes(range(256))


def without_byte(byte: int, unknown_id: int | None = None) -> Tokenizer:
    metadata = bpe_metadata(unknown_token_id=unknown_id)
    tokens = metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, list)
    tokens[byte] = "a token in its place"
    return load_tokenizer(metadata)


def test_a_byte_without_a_token_is_refused() -> None:
    tokenizer = without_byte(ord("q"))

    with pytest.raises(RequestError, match="no token for the byte 0x71"):
        tokenizer.encode("quit")


def test_a_byte_without_a_token_is_the_unknown_token_if_there_is_one() -> None:
    tokenizer = without_byte(ord("q"), unknown_id=7)

    assert tokenizer.encode("q") == [7]


def test_a_token_outside_the_alphabet_writes_itself() -> None:
    tokenizer = load_tokenizer(bpe_metadata(words=["naïve 漢"]))

    # ï is a byte of the alphabet; the space and 漢 are not.
    assert tokenizer.piece(256) == b"na\xefve " + "漢".encode()
    assert byte_characters()[0xEF] == "ï"


@pytest.mark.parametrize("adds", [True, False, None])
def test_gemma_4_always_begins_with_bos_as_llama_cpp_makes_it(adds: bool | None) -> None:
    metadata = bpe_metadata(["a b"], model="gemma4", add_bos_token=adds, pre="gemma4")
    tokenizer = load_tokenizer(metadata)

    assert tokenizer.add_bos
    assert tokenizer.encode("ab")[0] == tokenizer.bos_id


@pytest.mark.parametrize(
    ("lowercase", "expected"),
    [(True, ["ab", "c", "\u4e2d", "\x1c"]), (False, ["?", "b", "c", "\u4e2d", "\x1c"])],
)
def test_white_space_makes_no_token_where_models_embed_words(
    lowercase: bool, expected: list[str]
) -> None:
    tokens = ["?", "a", "b", "c", "ab", "\u4e2d", "\x1c"]
    keys = {"model": "whitespace", "pre": "whitespace", "tokens": tokens, "merges": ["a b"],
            "unknown_token_id": 0, "normalizer.lowercase": lowercase}  # fmt: skip
    tokenizer = load_tokenizer({f"tokenizer.ggml.{key}": value for key, value in keys.items()})

    assert pieces(tokenizer, " Ab\u3000c \n\u4e2d \x1c ") == expected


@pytest.mark.parametrize("text", ["a", "_", "a b ", " ", "\n", "'", "漢", "!_"])
def test_long_text_takes_time_in_proportion(text: str) -> None:
    tokenizer = load_tokenizer(bpe_metadata(DOUBLING, pre="llama-bpe"))

    def seconds(length: int) -> float:
        data = text * (length // len(text))
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            tokenizer.encode(data)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(80_000) < 8 * seconds(20_000) + 0.02
