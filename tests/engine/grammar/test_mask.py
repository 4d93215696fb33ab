"""Masks are what asking for every token would give, and come in time."""

import random
import statistics
import time

import pytest

from random_schemas import SchemaMaker
from wgslm.errors import RequestError
from wgslm.grammar import (
    Grammar,
    Vocabulary,
    arranging,
    columns,
    followers,
    for_gbnf,
    for_json,
    for_regex,
    for_schema,
)
from wgslm.grammar.json_schema import read_schema
from wgslm.grammar.mask import Matcher
from wgslm.pauses import whole

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "nick": {"type": "string", "minLength": 2, "maxLength": 12},
        "code": {"type": "string", "pattern": "^[A-Za-z ]+$"},
        "born": {"type": "string", "format": "date"},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}},
    },
    "required": ["name", "nick", "code", "born", "age", "tags"],
}
TEXT = (
    '{"name": "Zoë \\"日本\\" 😀", "nick": "ab é", "code": "Hello you", "born": "2024-02-29", '
    '"age": 42, "tags": ["red", "blue"], "more": {"x": [1.5e3, null]}}'
)
GRAMMARS = {
    "schema": (for_schema(PERSON), TEXT),
    "json": (for_json(), TEXT),
    "regex": (for_regex(r"[^\d]{3,9}(\d+|é|日本)*[a-z ]{2,}"), "日本x12é日本ab c"),
    "gbnf": (
        for_gbnf('root ::= list "."\nlist ::= ("(" list ")" | [^()]{1,4} | "")*'),
        "(ab(日)c)xy.",
    ),
}


def by_asking(grammar: Grammar, vocabulary: Vocabulary, begun: bytes) -> set[int]:
    """Every token after which the text is still the beginning of one."""
    reader = grammar._reader
    state = reader.read(reader.start, begun)
    assert state is not None
    pieces = ((id, vocabulary.pieces[id]) for id in vocabulary.ids)
    return {id for id, piece in pieces if reader.read(state, piece) is not None}


def after(grammar: Grammar, vocabulary: Vocabulary, text: bytes) -> Matcher:
    """The place after some bytes; every byte has to be a token."""
    matcher = grammar.start(vocabulary)
    for byte in text:
        matcher.advance(vocabulary.pieces.index(bytes([byte])))
    return matcher


@pytest.mark.parametrize("name", GRAMMARS)
def test_a_mask_has_the_tokens_that_may_follow_one_by_one(qwen: Vocabulary, name: str) -> None:
    grammar, text = GRAMMARS[name]
    data = text.encode()
    assert grammar.accepts(text)

    for length in random.Random(1).sample(range(len(data)), 4):
        matcher = after(grammar, qwen, data[:length])
        found = matcher.allowed()

        assert len(found) == len(set(found))
        ends = qwen.end_ids if matcher.is_accepting else frozenset[int]()
        assert set(found) == by_asking(grammar, qwen, data[:length]) | ends, data[:length]


def test_masks_of_random_schemas_are_those_of_asking(small: Vocabulary) -> None:
    maker, chance = SchemaMaker(11), random.Random(3)
    for _ in range(25):
        try:
            grammar = for_schema(maker.document())
        except RequestError:
            continue
        matcher, text = grammar.start(small), b""
        for _ in range(25):
            found = matcher.allowed()
            wanted = by_asking(grammar, small, text)
            assert set(found) - small.end_ids == wanted
            assert {id for id in range(small.size) if matcher.allows(id)} == set(found)
            if matcher.is_final:
                break
            id = chance.choice(sorted(wanted))
            matcher.advance(id)
            text += small.pieces[id]


@pytest.mark.parametrize("most_walked", [0, 10**6], ids=["at once", "walked"])
@pytest.mark.parametrize("most_states", [2, 255], ids=["too many states", "all states"])
def test_masks_are_the_same_however_they_are_found(
    small: Vocabulary, monkeypatch: pytest.MonkeyPatch, most_walked: int, most_states: int
) -> None:
    monkeypatch.setattr(followers, "MOST_WALKED", most_walked)
    monkeypatch.setattr(columns, "MOST_STATES", most_states)
    monkeypatch.setattr(columns, "FEW", 20)  # so that some states have more tokens
    maker, chance = SchemaMaker(17), random.Random(2)
    grammars = [for_gbnf('root ::= list\nlist ::= ("(" list ")" | [^()]{1,4} | "é")*')]
    grammars += [for_regex(r"[^\d]{3,9}(\d+|é|日本)*[a-z ]{2,}"), for_regex(".{3,30}x")]
    grammars += [Grammar(read_schema(maker.document() | {"title": str(n)})) for n in range(6)]
    for grammar in grammars:
        matcher, text = Grammar.start(grammar, small), b""
        matcher._masks._kept.clear()
        for _ in range(8):
            found = matcher.allowed()
            assert set(found) - small.end_ids == by_asking(grammar, small, text)
            if matcher.is_final:
                break
            id = chance.choice(sorted(set(found) - small.end_ids))
            matcher.advance(id)
            text += small.pieces[id]


def test_a_vocabulary_is_arranged_with_pauses() -> None:
    """So many tokens take a tab about a second."""
    pieces = [f"{number:x}".encode() for number in range(60_000)]

    assert sum(1 for _ in arranging(pieces)) >= 40


def test_an_end_is_allowed_only_where_a_text_may_end(small: Vocabulary) -> None:
    (end,) = small.end_ids
    matcher = for_regex("ab?").start(small)

    assert not matcher.allows(end) and end not in matcher.allowed()
    matcher.advance(ord("a"))
    assert matcher.allows(end) and end in matcher.allowed() and not matcher.is_final
    matcher.advance(ord("b"))
    assert matcher.allowed() == [end] and matcher.is_final


def test_a_character_may_be_cut_between_tokens(small: Vocabulary) -> None:
    matcher = for_regex("[日月]").start(small)
    first, second, third = "日".encode()

    assert set(matcher.allowed()) == {first, "月".encode()[0]}
    matcher.advance(first)
    assert matcher.allows(second) and not matcher.allows(third)


def test_a_control_token_is_allowed_only_for_grammars_that_write_them() -> None:
    from wgslm.grammar.expression import Text

    vocabulary = whole(arranging([b"a", b"<", b""], specials=[(2, b"<|x|>")]))
    plain = Grammar({"root": Text("<|x|>")}).start(vocabulary)
    special = Grammar({"root": Text("<|x|>")}, marks=["<|x|>"]).start(vocabulary)

    assert plain.allowed() == [1] and not plain.allows(2)
    assert set(special.allowed()) == {1, 2} and special.allows(2)
    special.advance(2)
    assert special.is_final


@pytest.mark.parametrize(
    "most", [pytest.param(40e-3, marks=pytest.mark.speed), 80e-3], ids=["idle", "shared"]
)
def test_masks_come_in_time(qwen: Vocabulary, most: float) -> None:
    data = TEXT.encode()
    grammar = for_schema(PERSON | {"title": f"measured {most}"})  # its own: nothing is kept
    first: list[float] = []
    again: list[float] = []
    walks: list[int] = []
    for length in range(len(data)):
        matcher = after(grammar, qwen, data[:length])
        for times in (first, again):
            begun = time.process_time()
            matcher.allows(1000)
            mask = matcher._masks.of(matcher._state)
            mask.has(1000)
            times.append(time.process_time() - begun)
        walks.append(len(mask))

    print(
        f"{qwen.size:,} tokens: a new state's mask {statistics.median(first) * 1e3:.1f} ms, "
        f"at most {max(first) * 1e3:.1f} ms; a known one's {statistics.median(again) * 1e6:.0f} us"
    )
    assert max(walks) > 100_000  # a string allows nearly all
    assert statistics.median(again) < 0.2e-3
    assert max(first) < most
