"""What would take for ever, or all memory, is refused soon, or does neither."""

import itertools
import resource
import time
from collections.abc import Callable

import pytest

from wgslm.errors import RequestError
from wgslm.grammar import Grammar, for_gbnf, for_regex, for_schema

SECONDS = 10  # of this thread; a shared machine is slow
NBYTES = 300e6


def peak_nbytes() -> int:
    """The most memory that this process has had."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def nested(depth: int) -> object:
    schema: object = {"type": "null"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def doubling(word: str, depth: int = 40) -> object:
    """Each definition has two of the next."""
    names = [f"d{i}" for i in range(depth)]
    defs: dict[str, object] = {
        name: {word: [{"$ref": f"#/$defs/{after}"}, {"$ref": f"#/$defs/{after}"}]}
        for name, after in itertools.pairwise(names)
    }
    return {"$ref": "#/$defs/d0", "$defs": defs | {names[-1]: {"type": "null"}}}


BOMBS: dict[str, Callable[[], Grammar]] = {
    "repeated repetition": lambda: for_regex("(((((a{999}){999}){999}){999}){999})b"),
    "huge repetition": lambda: for_regex("a{100000}{2}"),
    "many repetitions": lambda: for_regex("(a{1,9999}){1,9999}" * 50),
    "anchored blow-up": lambda: for_regex("^([ab]*a[ab]{25}^)|x$"),
    "groups": lambda: for_regex("(" * 5000 + "a" + ")" * 5000),
    "gbnf groups": lambda: for_gbnf("root ::= " + "(" * 5000 + '"a"' + ")" * 5000),
    "gbnf repetition": lambda: for_gbnf('root ::= (("a"{49999}){49999}){49999}'),
    "gbnf rules": lambda: for_gbnf("\n".join(f'r{i} ::= "{"x" * 90}"' for i in range(9000))),
    "gbnf text": lambda: for_gbnf("root ::= " + '"a" ' * 300_000),
    "nested schema": lambda: for_schema(nested(400)),
    "doubling allOf": lambda: for_schema(doubling("allOf")),
    "doubling anyOf": lambda: for_schema(doubling("anyOf")),
    "doubling oneOf": lambda: for_schema(doubling("oneOf")),
    "combinations": lambda: for_schema(
        {"allOf": [{"anyOf": [{"minLength": i}, {"maxLength": 9}]} for i in range(40)]}
    ),
    "pattern blow-up": lambda: for_schema(
        {"type": "string", "pattern": "^[ab]*a[ab]{20}$", "maxLength": 100}
    ),
    "long pattern": lambda: for_schema({"pattern": "a" * 9000, "maxLength": 49_999}),
    "counted properties": lambda: for_schema(
        {"properties": {f"p{i}": {} for i in range(900)}, "maxProperties": 40_000}
    ),
    "many properties": lambda: for_schema({"required": [f"p{i}" * 9 for i in range(20_000)]}),
    "long strings": lambda: for_schema({"maxLength": 50_000, "minItems": 50_000}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_time_or_harmless(name: str) -> None:
    begun, before = time.thread_time(), peak_nbytes()
    try:
        grammar = BOMBS[name]()
    except RequestError as error:
        assert len(str(error)) < 900
    else:
        grammar.begins("a" * 500)

    assert time.thread_time() - begun < SECONDS
    assert peak_nbytes() - before < NBYTES


def test_a_catastrophic_expression_is_read_in_linear_time() -> None:
    grammar = for_regex("(a|aa|a*)*b")

    begun = time.thread_time()
    assert grammar.accepts("a" * 100_000 + "b")
    assert time.thread_time() - begun < 2


def test_too_many_readings_are_refused_with_a_sentence() -> None:
    grammar = for_gbnf('root ::= "a" root "b" | "a" root "c" | "a"')

    with pytest.raises(RequestError, match="ambiguous"):
        grammar.begins("a" * 60)


def test_states_are_let_go_when_there_are_too_many() -> None:
    grammar = for_gbnf('root ::= "(" root ")" | ""')

    assert grammar.accepts("(" * 30_000 + ")" * 30_000)
    assert len(grammar._reader._states) <= 20_000
