"""Streamed text: equal for any split."""

import random
from itertools import combinations, pairwise

import pytest

from tiny_vocabularies import spm_metadata
from wgslm.text import TextStream, Tokenizer, load_tokenizer

FIRST_BYTE = 3
# Whole characters, cut ones, stray parts, overlong forms, surrogates, beyond the last code point.
HARD = [
    "aé漢🦙".encode(),
    b"\xf0\x9f\xa6",
    b"\xf0\x9f\xa6a",
    b"\xe6\xbc\xe6\xbc\xa2",
    b"\xc0\xaf\x80\xff",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf0\x80\x80\x80",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    words = {"".join(letters): 0.0 for letters in ("é", "é漢", "a")}
    return load_tokenizer(spm_metadata(words, user_defined=["🦙", "llama"]))


def stream_bytes(tokenizer: Tokenizer, data: bytes) -> list[str]:
    stream = TextStream(tokenizer)
    return [*(stream.push(FIRST_BYTE + byte) for byte in data), stream.flush()]


@pytest.mark.parametrize("data", HARD)
def test_a_stream_of_bytes_gives_the_text_of_the_whole(tokenizer: Tokenizer, data: bytes) -> None:
    assert "".join(stream_bytes(tokenizer, data)) == data.decode("utf-8", "replace")


def test_any_bytes_stream_to_what_decode_says(tokenizer: Tokenizer) -> None:
    random_source = random.Random(2)
    starts = [0x61, 0x80, 0xBF, 0xC3, 0xE6, 0xED, 0xF0, 0xF4, 0xFF, 0x9F, 0xA0]

    for _ in range(2000):
        data = bytes(random_source.choices(starts, k=6))
        ids = [FIRST_BYTE + byte for byte in data]

        assert "".join(stream_bytes(tokenizer, data)) == tokenizer.decode(ids)


def test_any_split_of_a_text_gives_the_same_text(tokenizer: Tokenizer) -> None:
    data = "é漢🦙a".encode() + b"\xe6\xbc"

    class Cut(Tokenizer):
        def __init__(self, pieces: list[bytes]) -> None:
            self.pieces = pieces

        def piece(self, id: int, *, specials: bool = False) -> bytes:
            return self.pieces[id]

    for count in range(4):
        for cuts in combinations(range(1, len(data)), count):
            bounds = [0, *cuts, len(data)]
            pieces = [data[a:b] for a, b in pairwise(bounds)]
            stream = TextStream(Cut(pieces))
            text = "".join(map(stream.push, range(len(pieces)))) + stream.flush()

            assert text == data.decode("utf-8", "replace")


def test_a_character_appears_only_when_it_is_whole(tokenizer: Tokenizer) -> None:
    assert stream_bytes(tokenizer, "x🦙".encode()) == ["x", "", "", "", "🦙", ""]


def test_flush_shows_the_unfinished_and_starts_anew(tokenizer: Tokenizer) -> None:
    stream = TextStream(tokenizer)

    assert stream.push(FIRST_BYTE + 0xF0) == ""
    assert stream.flush() == "\ufffd"
    assert stream.flush() == ""
    assert stream.push(FIRST_BYTE + ord("b")) == "b"


def test_control_tokens_show_only_when_asked_for(tokenizer: Tokenizer) -> None:
    assert TextStream(tokenizer).push(2) == ""
    assert TextStream(tokenizer, specials=True).push(2) == "</s>"
