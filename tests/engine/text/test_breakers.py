"""DRY's sequence breakers as ids: whole in a token, or beginning at its end."""

import pytest

from tiny_vocabularies import bpe_metadata
from wgslm.text import Tokenizer, load_tokenizer
from wgslm.text.breakers import LONGEST_TAIL, breaker_ids


@pytest.fixture
def tokenizer() -> Tokenizer:
    return load_tokenizer(bpe_metadata(["a :", "x <", "e n", "en d"], controls=("<eos>",)))


def texts(tokenizer: Tokenizer, breaker: str) -> dict[bytes, list[bytes]]:
    """Return the tokens that a breaker begins in, and the texts that make it whole."""
    found = breaker_ids(tokenizer, [breaker])
    return {
        tokenizer.piece(id, specials=True): [b"".join(map(tokenizer.piece, tail)) for tail in tails]
        for id, tails in found.items()
    }


def test_a_token_that_holds_a_breaker_needs_nothing_more(tokenizer: Tokenizer) -> None:
    assert texts(tokenizer, ":") == {b":": [b""], b"a:": [b""]}


def test_a_control_token_breaks_by_its_text(tokenizer: Tokenizer) -> None:
    assert texts(tokenizer, "eos") == {
        b"<eos>": [b""],
        b"e": [b"os"],
    }


def test_a_breaker_may_begin_at_a_tokens_end(tokenizer: Tokenizer) -> None:
    assert texts(tokenizer, "<end>") == {b"<": [b"end>"], b"x<": [b"end>"]}


def test_a_breaker_inside_of_a_character_takes_the_whole_breakers_ids(
    tokenizer: Tokenizer,
) -> None:
    sign = "\N{IDEOGRAPHIC FULL STOP}"

    assert texts(tokenizer, sign) == {sign.encode()[:1]: [sign.encode()[1:]]}


def test_all_ways_to_begin_are_kept_once(tokenizer: Tokenizer) -> None:
    (colon,) = tokenizer.encode(":", bos=False)

    tails = breaker_ids(tokenizer, ["::", "::", ":x"])[colon]

    assert [tokenizer.decode(tail) for tail in tails] == [":", "x"]


def test_a_long_rest_is_cut(tokenizer: Tokenizer) -> None:
    found = breaker_ids(tokenizer, ["q" + "z" * 39])

    assert [len(tail) for tails in found.values() for tail in tails] == [LONGEST_TAIL]
