"""How text is cut into words, against the published expressions."""

import random
import unicodedata

import pytest
from tokenizers import Regex, pre_tokenizers

from published_expressions import PUBLISHED
from scripts import sentence
from wgslm.errors import UnsupportedError
from wgslm.text import expressions
from wgslm.text.characters import SPACES, complement, intersection, named, union
from wgslm.text.pretokenize import by_name, splitter
from wgslm.text.pretokenizers import PRE_TOKENIZERS

NAMES = [pre.names[0] for pre in PRE_TOKENIZERS]
ALL_NAMES = [name for pre in PRE_TOKENIZERS for name in pre.names]
# The White_Space property of PropList.txt, which Python's unicodedata does not have.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
CODE_POINTS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def characters(ranges: tuple[tuple[int, int], ...]) -> set[str]:
    return {chr(code) for first, last in ranges for code in range(first, last + 1)}


@pytest.mark.parametrize("name", ["L", "Lu", "Ll", "Lt", "Lm", "M", "N", "Nd", "P", "S", "Pc"])
def test_a_category_has_the_characters_that_unicode_puts_there(name: str) -> None:
    expected = {c for c in CODE_POINTS if unicodedata.category(c).startswith(name)}
    unassigned = {c for c in CODE_POINTS if unicodedata.category(c) == "Cn"}

    # Han that this Python does not know yet is known to us.
    assert characters(named(name)) - unassigned == expected


def test_han_and_white_space_are_those_of_the_standard() -> None:
    ideographs = {
        c
        for c in CODE_POINTS
        if unicodedata.name(c, "").startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEO"))
    }

    assert ideographs <= characters(named("Han"))
    assert characters(SPACES) == set(WHITE_SPACE)


def test_sets_follow_their_laws() -> None:
    some, others = ((5, 9), (20, 30)), ((8, 22), (40, 0x10FFFF))

    assert union([some, others]) == ((5, 30), (40, 0x10FFFF))
    assert intersection(some, others) == ((8, 9), (20, 22))
    assert complement(complement(some)) == some
    assert complement(others) == ((0, 7), (23, 39))


@pytest.mark.parametrize("name", NAMES)
def test_text_in_all_scripts_is_cut_as_the_published_expressions_cut_it(name: str) -> None:
    parts = [pre_tokenizers.Split(Regex(part), "isolated") for part in PUBLISHED[name]]
    other = pre_tokenizers.Sequence(parts)
    split = splitter(by_name(name))

    for seed in range(60):
        text = sentence(seed)
        expected = [text[start:stop] for _, (start, stop) in other.pre_tokenize_str(text)]

        assert list(split(text)) == expected


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
        ("gpt-4o", "getUserName's IDs/\n", ["get", "User", "Name's", " IDs", "/\n"]),
        ("tekken", "HTMLPage's 12", ["HTMLPage", "'s", " ", "1", "2"]),
        ("kimi-k2", "iPhone\u4e2d\u6587ab", ["i", "Phone", "\u4e2d\u6587", "ab"]),
        ("tiny_aya", "1234567 1234x", ["1", "234", "567", " ", "123", "4", "x"]),
        ("superbpe", "to be or 12345 not", ["to be or ", "12", "345", " not"]),
        ("deepseek-v3", "a_b 1234\u306e!", ["a", "_b", " ", "123", "4", "\u306e", "!"]),
        ("gemma4", "a b\n\nc", ["a b", "\n\n", "c"]),
    ],
)
def test_text_is_cut_into_the_published_words(name: str, text: str, words: list[str]) -> None:
    assert list(splitter(by_name(name))(text)) == words


@pytest.mark.parametrize("name", NAMES)
def test_a_long_text_is_cut_as_a_short_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(sentence(seed) for seed in range(8))
    split = splitter(by_name(name))
    expected = list(split(text))

    monkeypatch.setattr(expressions, "AT_ONCE", 0)
    monkeypatch.setattr(expressions, "BATCH", 7)

    assert list(split(text)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_no_character_is_lost(name: str) -> None:
    random_source = random.Random(1)
    split = splitter(by_name(name))

    for _ in range(50):
        some = random_source.sample(CODE_POINTS, 20)
        text = "".join(random_source.choices([*WHITE_SPACE, *some, *CODE_POINTS[:99]], k=50))

        assert "".join(split(text)) == text


def test_no_name_has_two_meanings() -> None:
    assert len(set(ALL_NAMES)) == len(ALL_NAMES) == 90
    assert by_name("llama3") is by_name("llama-v3") is by_name("llama-bpe")


@pytest.mark.parametrize("pre", ["jinx", "", "QWEN2"])
def test_an_unknown_name_is_refused_and_the_known_are_listed(pre: str) -> None:
    with pytest.raises(UnsupportedError, match=f"is '{pre}'.*gpt-2.*llama-bpe.*qwen2"):
        by_name(pre)


def test_a_missing_name_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"no tokenizer\.ggml\.pre.*gpt-2"):
        by_name(None)
