"""Metadata from outside: what is refused, and with which words."""

import math
import re
from array import array

import pytest

from tiny_vocabularies import bpe_metadata, spm_metadata
from wgslm.errors import GgufError, UnsupportedError
from wgslm.text import load_tokenizer

SPM = {"a": -1.0}
COUNT = 260


@pytest.mark.parametrize("model", ["rwkv", "plamo2", "hybriddna", "no_vocab", "none", "jinx", ""])
def test_another_tokenizer_is_refused_by_name(model: str) -> None:
    supported = "llama, gpt2, gemma4, whitespace, t5, bert"

    with pytest.raises(UnsupportedError, match=f"is '{model}'.*{supported}"):
        load_tokenizer({"tokenizer.ggml.model": model})


def test_a_file_without_a_tokenizer_is_refused() -> None:
    with pytest.raises(GgufError, match=r"no tokenizer\.ggml\.model"):
        load_tokenizer({})


def test_arrays_of_numbers_may_be_packed() -> None:
    metadata = spm_metadata(SPM)
    kinds, scores = metadata["tokenizer.ggml.token_type"], metadata["tokenizer.ggml.scores"]
    assert isinstance(kinds, list) and isinstance(scores, list)
    packed = {
        **metadata,
        "tokenizer.ggml.token_type": array("i", kinds),
        "tokenizer.ggml.scores": array("f", scores),
    }

    assert load_tokenizer(packed).encode("a a") == load_tokenizer(metadata).encode("a a")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model", 3, "model is 3; it must be a string"),
        ("tokens", None, "the file has no tokenizer.ggml.tokens"),
        ("tokens", [], "tokens is empty"),
        ("tokens", "abc", "tokens is 'abc'; it must be an array of strings"),
        ("tokens", [1] * COUNT, "tokens contains 1; every element must be a string"),
        ("tokens", ["a"] * COUNT, "tokens has 'a' twice, as 0 and 259"),
        ("token_type", [1] * (COUNT - 1), "has 259 elements; it must have one per token"),
        ("token_type", [7] * COUNT, "token_type contains 7; every element must be an integer"),
        ("token_type", [-1] * COUNT, "token_type contains -1"),
        ("token_type", [1.0] * COUNT, "token_type contains 1.0"),
        ("token_type", [2**70] * COUNT, "token_type contains 1180591620717411303424"),
        ("token_type", ["1"] * COUNT, "token_type contains '1'"),
        ("token_type", array("f", [1.5] * COUNT), "token_type contains 1.5"),
        ("token_type", [6] * COUNT, "which tokenizer.ggml.token_type calls a byte"),
        ("token_type", True, "token_type is True; it must be an array of integers"),
        ("scores", None, "the file has no tokenizer.ggml.scores"),
        ("scores", [0.0], "scores has 1 elements"),
        ("scores", [0.0] * (COUNT - 1) + [math.nan], "scores contains nan"),
        ("scores", ["0"] * COUNT, "scores contains '0'"),
        ("bos_token_id", COUNT, "bos_token_id is 260; the vocabulary has the ids 0 to 259"),
        ("eos_token_id", -1, "eos_token_id is -1"),
        ("eot_token_id", 2**32 - 1, "eot_token_id is 4294967295"),
        ("eom_token_id", "2", "eom_token_id is '2'; it must be a token id"),
        ("unknown_token_id", True, "unknown_token_id is True; it must be a token id"),
        ("fim_pad_token_id", 9999, "fim_pad_token_id is 9999"),
        ("suppress_tokens", [0, COUNT], "suppress_tokens contains 260; the vocabulary has"),
        ("suppress_tokens", [[1]], "suppress_tokens contains an array of 1 elements"),
        ("suppress_tokens", [True], "suppress_tokens contains True"),
        ("suppress_tokens", 3, "suppress_tokens is 3; it must be an array of token ids"),
        ("add_bos_token", 1, "add_bos_token is 1; it must be true or false"),
        ("add_eos_token", "yes", "add_eos_token is 'yes'"),
        ("add_space_prefix", [True], "add_space_prefix is an array of 1 elements"),
    ],
)
def test_a_hostile_value_is_named_with_its_key(key: str, value: object, message: str) -> None:
    metadata = {**spm_metadata(SPM), f"tokenizer.ggml.{key}": value}
    if value is None:
        del metadata[f"tokenizer.ggml.{key}"]

    with pytest.raises(GgufError, match=re.escape(message)):
        load_tokenizer(metadata)


@pytest.mark.parametrize(
    ("merges", "message"),
    [
        (["a b", "ab"], "merges contains 'ab'; a merge is two tokens with a space between"),
        (["a b", 7], "merges contains 7; every element must be a string"),
        ({"a b": 1}, "merges is {'a b': 1}; it must be an array of strings"),
        (None, "the file has no tokenizer.ggml.merges"),
    ],
)
def test_hostile_merges_are_refused(merges: object, message: str) -> None:
    metadata = {**bpe_metadata(), "tokenizer.ggml.merges": merges}
    if merges is None:
        del metadata["tokenizer.ggml.merges"]

    with pytest.raises(GgufError, match=re.escape(message)):
        load_tokenizer(metadata)


def test_a_long_hostile_value_does_not_fill_the_message() -> None:
    metadata = {**bpe_metadata(), "tokenizer.ggml.merges": ["x" * 1_000_000]}

    with pytest.raises(GgufError) as refused:
        load_tokenizer(metadata)

    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("which", ["bos", "eos"])
def test_a_token_to_add_must_exist(which: str) -> None:
    metadata = bpe_metadata(**{f"add_{which}_token": True, f"{which}_token_id": None})  # type: ignore[arg-type]

    with pytest.raises(GgufError, match=f"add_{which}_token is true, but the file has no"):
        load_tokenizer(metadata)


def test_empty_tokens_are_padding() -> None:
    tokenizer = load_tokenizer(bpe_metadata(controls=["<s>", "", ""]))

    assert tokenizer.vocab_size == 259
    assert tokenizer.piece(258, specials=True) == b""
    assert tokenizer.encode("", specials=True) == []


def test_token_types_may_be_missing() -> None:
    tokenizer = load_tokenizer(bpe_metadata(token_type=None))

    assert tokenizer.specials == ("<|endoftext|>",)
    assert tokenizer.decode(tokenizer.encode("hello")) == "hello"


def test_tokens_that_a_file_suppresses_are_known_once() -> None:
    key = "tokenizer.ggml.suppress_tokens"

    assert load_tokenizer({**spm_metadata(SPM), key: [5, 3, 5]}).suppressed == (5, 3)
    assert load_tokenizer(spm_metadata(SPM)).suppressed == ()
