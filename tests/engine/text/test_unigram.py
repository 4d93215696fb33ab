"""The likeliest pieces, and SentencePiece's normalisation."""

import random
import struct
from itertools import pairwise, product

import pytest

from tiny_vocabularies import CONTROL, NORMAL, UNKNOWN
from wgslm.errors import GgufError
from wgslm.pauses import whole
from wgslm.text import Tokenizer, load_tokenizer
from wgslm.text.charsmap import Charsmap

PIECES = {"a": -2.0, "b": -3.0, "ab": -4.5, "ba": -4.0, "aba": -7.5, "bb": -5.0, "\u2581": -3.5}


def tokenizer(**changes: object) -> Tokenizer:
    keys = {
        "model": "t5",
        "tokens": ["<pad>", "</s>", "<unk>", *PIECES],
        "token_type": [CONTROL, CONTROL, UNKNOWN] + [NORMAL] * len(PIECES),
        "scores": [0.0, 0.0, 0.0, *PIECES.values()],
        **changes,
    }
    return load_tokenizer({f"tokenizer.ggml.{key}": value for key, value in keys.items()})


def cuts(text: str) -> list[list[str]]:
    """Return all ways to write a text with PIECES."""
    ways = []
    for marks in product([False, True], repeat=len(text) - 1):
        edges = [0, *(i + 1 for i, mark in enumerate(marks) if mark), len(text)]
        words = [text[i:j] for i, j in pairwise(edges)]
        if all(word in PIECES for word in words):
            ways.append(words)
    return ways


def test_the_pieces_are_the_likeliest_of_all() -> None:
    ours = tokenizer()
    source = random.Random(3)

    for _ in range(60):
        text = "".join(source.choices("ab", k=source.randint(1, 9)))
        found = [ours.tokens[id] for id in ours.encode(text, bos=False)]

        best = max(sum(PIECES[word] for word in way) for way in cuts(text))
        assert "".join(found) == text
        assert sum(PIECES[word] for word in found) == pytest.approx(best)


def test_unknown_characters_in_a_row_are_one_unknown() -> None:
    ours = tokenizer()

    assert [ours.tokens[id] for id in ours.encode("axyzb", bos=False)] == ["a", "<unk>", "b"]


def test_a_text_ends_with_eos_and_starts_with_a_space_as_the_file_says() -> None:
    plain, spaced = tokenizer(), tokenizer(add_space_prefix=True, remove_extra_whitespaces=True)

    assert [plain.tokens[id] for id in plain.encode("a  a")] == ["a", *"\u2581\u2581a", "</s>"]
    assert [spaced.tokens[id] for id in spaced.encode("  a  a ", bos=False)] == [*"\u2581a\u2581a"]
    assert spaced.encode("   ", bos=False) == []


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        ([1, 2, 3], "has 3 bytes"),
        ([3, 0, 0, 0, 0, 0, 0, 0], "says that 3 are its index"),
        ([200, 0, 0, 0, 0, 0, 0, 0], "says that 200"),
        ([256], "something else than bytes"),
    ],
)
def test_a_broken_charsmap_is_refused(blob: list[int], message: str) -> None:
    with pytest.raises(GgufError, match=message):
        tokenizer(precompiled_charsmap=blob)


def test_a_charsmap_that_leads_out_of_itself_replaces_nothing_or_is_refused() -> None:
    source = random.Random(4)

    for _ in range(300):
        units = [source.getrandbits(32) for _ in range(256)]
        for byte in range(1, 256):  # so that some walks get somewhere
            units[byte] = units[byte] & 0x7FFFFF00 & ~0x400000 | byte
        units[0] = 0
        blob = struct.pack("<I256I", 1024, *units) + source.randbytes(9)
        try:
            assert isinstance(whole(Charsmap(blob).normalize("".join(map(chr, range(300))))), str)
        except GgufError as error:
            assert "precompiled_charsmap has no replacement at" in str(error)
