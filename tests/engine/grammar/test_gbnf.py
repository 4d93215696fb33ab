"""GBNF as llama.cpp reads it."""

import pytest

from wgslm.errors import RequestError
from wgslm.grammar import for_choices, for_gbnf

ARITHMETIC = r"""
# sums
root  ::= (expr "=" ws term "\n")+
expr  ::= term ([-+*/] term)*   # any sign
term  ::= ident | num | "(" ws expr ")" ws
ident ::= [a-z] [a-z0-9_]* ws
num   ::= [0-9]+ ws
ws    ::= [ \t\n]*
"""
CASES = [
    (ARITHMETIC, ["a+b=c\n", "(1+2)*x_1 = 3\n4=y\n"], ["a+b=c", "1=\n", "(1=2\n", "A=b\n"]),
    ('root ::= "a"{2,3} "b"{2} "c"{1,}', ["aabbc", "aaabbccc"], ["abbc", "aabb", "aaaabbc"]),
    ('root ::= [^"\\\\\\x00-\\x1F]+', ["é日 x"], ['a"', "a\\", "\n"]),
    ('root ::= "\\"\\x41\\u00e9\\U0001F600\\\\"', ['"Aé😀\\'], ["Aé"]),
    ('root ::= "a" |\n  "b" |\n # both\n ( "c"\n | "d" )', ["a", "b", "c", "d"], ["", "e"]),
    ('root ::= "(" root ")" | ""', ["", "()", "((()))"], ["(", "())"]),
    ('root ::= "a" root | "a"', ["a", "aaaa"], [""]),
    ('root ::= "a" root "b" | "ab"', ["ab", "aabb"], ["aab", "abb", "abab"]),
    ("root ::= . [.-]", ["é.", "x-"], ["x", "xy"]),
    ('root ::= empty "x"\nempty ::= \n', ["x"], [""]),
]


@pytest.mark.parametrize(("source", "good", "bad"), CASES)
def test_accepts_what_the_grammar_says(source: str, good: list[str], bad: list[str]) -> None:
    grammar = for_gbnf(source)

    assert [text for text in good if not grammar.accepts(text)] == []
    assert [text for text in bad if grammar.accepts(text)] == []


def test_right_recursion_keeps_no_stack() -> None:
    grammar = for_gbnf('root ::= [a-z] root | "."')

    assert grammar.accepts("x" * 100_000 + ".")
    assert len(grammar._reader._states) < 10


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('root ::= root "a" | "a"', "'root' begins with itself"),
        ('root ::= a\na ::= b "x" | "x"\nb ::= "y"? a', "begins with itself"),
        ('root ::= "a', "never closed in line 1"),
        ("root ::= [a-", "never closed"),
        ("root ::= [z-a]", "backwards"),
        ('root ::= "\\q"', "escape"),
        ('root ::= "\\u00"', "digits"),
        ("root ::= nothing", "no rule 'nothing'"),
        ('other ::= "a"', "no rule named 'root'"),
        ('root ::= "a"\nroot ::= "b"', "two rules named 'root'"),
        ("root = x", "'::='"),
        ('root ::= ("a"', "needs '\\)'"),
        ('root ::= "a"{2,1}', "repeats"),
        ("root ::= <[1]>", "token"),
        ('root ::= "a" root', "no text at all"),
        ("", "no rule named 'root'"),
    ],
)
def test_a_wrong_grammar_is_refused_with_its_reason(source: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        for_gbnf(source)


def test_choices_are_texts_as_they_are() -> None:
    grammar = for_choices(["yes", "no", "a|b", "no way"])

    assert [t for t in ("yes", "no", "a|b", "no way", "a", "", "now") if grammar.accepts(t)] == [
        "yes", "no", "a|b", "no way",
    ]  # fmt: skip
    with pytest.raises(RequestError, match="0 choices"):
        for_choices([])
