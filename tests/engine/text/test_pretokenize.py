"""How text is cut into words, against the published expressions."""

import random
import unicodedata

import pytest

from wgslm.errors import UnsupportedError
from wgslm.text.pretokenize import PRE_TOKENIZERS, by_name, splitter

NAMES = [pre.name for pre in PRE_TOKENIZERS]
# The White_Space property of PropList.txt, which Python's unicodedata does not have.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
CODE_POINTS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def kind(character: str) -> str:
    category = unicodedata.category(character)[0]
    return category if category in "LN" else "space" if character in SPACES else "other"


@pytest.mark.parametrize("wanted", ["L", "N", "space", "other"])
def test_every_code_point_is_in_its_unicode_class(wanted: str) -> None:
    members = "".join(character for character in CODE_POINTS if kind(character) == wanted)

    # In the gpt-2 expression a run of one class is one word.
    assert splitter("gpt-2")(members) == [members]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gpt-2", "I'll  say'S 1234 x²", ["I", "'ll", " ", " say", "'", "S", " 1234", " x", "²"]),
        ("gpt-2", "a_b!?\n\n c\n ", ["a", "_", "b", "!?", "\n\n", " c", "\n "]),
        ("llama-bpe", "I'LL 12345", ["I", "'LL", " ", "123", "45"]),
        ("llama-bpe", "(x)\n\n\ty\r\n", ["(x", ")\n\n", "\ty", "\r\n"]),
        ("llama-bpe", "a  \n  b", ["a", "  \n", " ", " b"]),
        ("llama-bpe", "_name __x", ["_name", " __", "x"]),
        ("qwen2", "I'm 12", ["I", "'m", " ", "1", "2"]),
        ("qwen2", "¡Ⅷ!", ["¡", "Ⅷ", "!"]),
        ("qwen2", "\x1c\x1dz", ["\x1c\x1d", "z"]),
        ("qwen2", "  ", ["  "]),
        ("qwen2", "", []),
    ],
)
def test_text_is_cut_into_the_published_words(name: str, text: str, words: list[str]) -> None:
    assert splitter(name)(text) == words


@pytest.mark.parametrize("name", NAMES)
def test_no_character_is_lost(name: str) -> None:
    random_source = random.Random(1)
    odd = [*SPACES, "'", "s", "_", "5", "é", "!", "\0", "漢", "🦙", "\u0301", "\ue000", "\uffff"]

    for _ in range(300):
        text = "".join(random_source.choices([*odd, *CODE_POINTS[:99]], k=50))

        assert "".join(splitter(name)(text)) == text


def test_an_alias_means_the_same() -> None:
    assert by_name("llama3") is by_name("llama-v3") is by_name("llama-bpe")
    assert by_name("deepseek-r1-qwen") is by_name("qwen2")
    assert by_name("phi-2") is by_name("gpt-2")


@pytest.mark.parametrize("pre", ["tekken", "smollm", "default", "", "QWEN2"])
def test_an_unknown_name_is_refused_and_the_known_are_listed(pre: str) -> None:
    with pytest.raises(UnsupportedError, match=f"is '{pre}'.*gpt-2.*llama-bpe.*qwen2"):
        by_name(pre)


def test_a_missing_name_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"no tokenizer\.ggml\.pre.*gpt-2"):
        by_name(None)
