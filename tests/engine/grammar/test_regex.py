"""Regular expressions accept what Python's `re` does; what no automaton can do is refused."""

import re

import pytest

from wgslm.errors import RequestError
from wgslm.grammar import Grammar, for_regex
from wgslm.grammar.regex import searching

PATTERNS = [
    "", "a|b", "^a+$", "a^b", "^a|b$", "(^a|b)c", "a{2,3}?", "[^a-c]x", r"\d{3}-\w+", "(?:ab)*c",
    "x*^a", "^$", "(a|a)*b", "a$b", "(^|x)y($|z)", "é+", r"[\d.]+", "(?P<n>a)b", r"[^\]]b",
    r"\x61\u0062", "a{0}b", "(ab?){2,}", "[a-]", r"[\]]", "((a*)*)*b", ".x",
]  # fmt: skip
TEXTS = [
    "", "a", "b", "aa", "aaa", "ab", "ac", "bc", "xac", "xbc", "bcx", "dx", "ax", "123-ab_",
    "12-a", "ababc", "xa", "y", "xy", "yz", "xyz", "wy", "wxyzw", "é", "éé", "1.5", "zb", "bz",
    "az", "aab", "abab", "-", "]", "\nx", "😀x",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "found"])
def test_accepts_what_re_does(pattern: str, is_whole: bool) -> None:
    find = re.fullmatch if is_whole else re.search
    wanted = [text for text in TEXTS if find(pattern, text)]

    def accepted() -> list[str]:
        grammar = for_regex(pattern) if is_whole else Grammar({"root": searching(pattern)})
        return [text for text in TEXTS if grammar.accepts(text)]

    if "a^b" in pattern or "a$b" in pattern:
        with pytest.raises(RequestError, match="no text at all"):
            accepted()
    else:
        assert accepted() == wanted


def test_classes_are_those_of_unicode_where_they_say_so() -> None:
    assert for_regex(r"\p{L}+").accepts("Zoë日本") and not for_regex(r"\p{L}").accepts("1")
    assert for_regex(r"\p{Lu}\p{Letter}\P{L}").accepts("Éa1")
    assert not for_regex(r"\d").accepts("٣") and for_regex(r"\p{Nd}").accepts("٣")
    assert for_regex(r"\s\S").accepts("\u2003x")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a)\1", "backreference"),
        (r"(?P<x>a)(?P=x)", "backreference"),
        ("a(?=b)", "lookahead"),
        ("a(?!b)", "negative lookahead"),
        ("(?<=a)b", "lookbehind"),
        ("(?<!a)b", "negative lookbehind"),
        (r"\bword\b", "word boundary"),
        ("(?i)a", "flags"),
        ("a*+", "possessive"),
        ("(?>a)", "atomic"),
        ("(a", "never closed"),
        ("a)", "closes nothing"),
        ("[a", "never closed"),
        ("[z-a]", "backwards"),
        ("*a", "repeats nothing"),
        ("a**", "repeats nothing"),
        ("a{3,1}", "repeats from 3 to 1"),
        ("a\\", "ends in a backslash"),
        (r"\p{Nonsense}", "categories"),
        (r"\q", "not known"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(pattern: str, why: str) -> None:
    with pytest.raises(RequestError, match=why) as caught:
        for_regex(pattern)

    assert pattern[:20] in str(caught.value) or repr(pattern) in str(caught.value)
