"""What is found in a tokenizer that a file tells wrong."""

import re

import pytest

from tiny_vocabularies import bpe_metadata, spm_metadata
from wgslm.text.check import check_tokenizer

GOOD = bpe_metadata(["h i"], controls=["<|endoftext|>", "<|im_end|>"], eot_token_id=258)


def found(metadata: dict[str, object]) -> dict[str, str]:
    return {f.key.removeprefix("tokenizer.ggml."): f.text for f in check_tokenizer(metadata)}


def test_nothing_is_found_where_all_is_well() -> None:
    assert found(GOOD) == {}


def test_what_cannot_be_used_is_fatal() -> None:
    (finding,) = check_tokenizer({**GOOD, "tokenizer.ggml.pre": "jinx"})

    assert finding.fatal
    assert "'jinx'" in finding.text


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("pre", "default", "did not know the model"),
        ("eos_token_id", 0, r"0 \('\u0100'\) is of kind normal"),
        ("add_eos_token", True, "same token as BOS"),
        ("merges", ["h i", "i h"], "'i h' make what is no token"),
        ("scores", [0.0], "is not used"),
        ("precompiled_charsmap", [1], "is not used"),
    ],
)
def test_what_is_odd_is_named(key: str, value: object, text: str) -> None:
    metadata = {**GOOD, f"tokenizer.ggml.{key}": value}

    assert re.search(text, found(metadata)[key])


def test_an_end_of_turn_that_only_its_text_gives_away_is_named() -> None:
    metadata = {key: value for key, value in GOOD.items() if "eot" not in key}

    assert "is not in the file; 258 ('<|im_end|>')" in found(metadata)["eot_token_id"]


def test_ordinary_tokens_that_look_special_are_found() -> None:
    metadata = bpe_metadata(words=["<|user|>", "<b>"])

    assert found(metadata)["token_type"].startswith("'<|user|>' look like special tokens")


def test_missing_bytes_are_found() -> None:
    metadata = spm_metadata({"\u2581": 0.0})
    for key in ("tokens", "token_type", "scores"):
        values = metadata[f"tokenizer.ggml.{key}"]
        assert isinstance(values, list)
        del values[10]

    assert "'<0x07>' are missing" in found(metadata)["tokens"]


def test_a_bos_that_is_added_against_the_file_is_named() -> None:
    changes = {"model": "gemma4", "pre": "gemma4", "add_bos_token": False}
    keys = {f"tokenizer.ggml.{key}": value for key, value in changes.items()}

    assert "BOS is added all the same" in found({**GOOD, **keys})["add_bos_token"]
