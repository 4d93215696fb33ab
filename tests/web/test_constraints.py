"""What an answer has to be, in the words of OpenAI, llama.cpp and vLLM."""

import pytest

from wgslm.errors import RequestError
from wgslm.generate import Options
from wgslm.sampling import Sampling
from wgslm_web.wire.openai import chat_request

HELLO = [{"role": "user", "content": "Hello"}]
COLOUR = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
NAMED = {"name": "colour", "strict": True, "description": "one", "schema": COLOUR}
RED, OTHER = '{"colour": "red"}', '{"colour": "green"}'


def options(**fields: object) -> Options:
    return chat_request({"messages": HELLO, **fields}, Sampling()).options


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": {"type": "json_schema", "json_schema": NAMED}},
        {"response_format": {"type": "json_schema", "schema": COLOUR}},
        {"response_format": {"type": "json_object", "schema": COLOUR}},
        {"json_schema": COLOUR},
        {"guided_json": COLOUR},
        {"grammar": 'root ::= "{\\"colour\\": \\"" ("red" | "blue") "\\"}"'},
        {"guided_grammar": 'root ::= "{\\"colour\\": \\"" ("red" | "blue") "\\"}"'},
        {"guided_regex": r'\{"colour": "(red|blue)"\}'},
        {"guided_choice": [RED, "blue"]},
    ],
)
def test_a_field_becomes_a_grammar(fields: dict[str, object]) -> None:
    grammar = options(**fields).grammar

    assert grammar is not None
    assert grammar.accepts(RED) and not grammar.accepts(OTHER)


def test_any_object_may_be_asked_for() -> None:
    grammar = options(response_format={"type": "json_object"}).grammar

    assert grammar is not None
    assert grammar.accepts('{"a": [1, {}]}') and not grammar.accepts("[1]")


def test_the_same_schema_is_compiled_once() -> None:
    first, second = options(json_schema=COLOUR).grammar, options(json_schema=dict(COLOUR)).grammar

    assert first is second


@pytest.mark.parametrize(
    "fields", [{}, {"response_format": {"type": "text"}}, {"grammar": ""}, {"json_schema": None}]
)
def test_without_one_an_answer_is_free(fields: dict[str, object]) -> None:
    assert options(**fields).grammar is None


@pytest.mark.parametrize(
    ("fields", "param", "why"),
    [
        ({"response_format": {"type": "xml"}}, "response_format.type", "json_object"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing"),
        ({"response_format": {"type": "text", "extra": 1}}, "response_format.extra", "unknown"),
        ({"response_format": {}}, "response_format.type", "missing"),
        ({"json_schema": {"not": {}}}, "json_schema", "'not'"),
        ({"json_schema": [1]}, "json_schema", "an object, true or false"),
        ({"grammar": "root ="}, "grammar", "'::='"),
        ({"guided_regex": "(?=a)"}, "guided_regex", "lookahead"),
        ({"guided_choice": []}, "guided_choice", "0 choices"),
        ({"guided_choice": [1]}, "guided_choice", "list of strings"),
        ({"guided_choice": ["a"], "guided_regex": "a"}, "guided_choice", "give one"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(
    fields: dict[str, object], param: str, why: str
) -> None:
    with pytest.raises(RequestError, match=why) as caught:
        options(**fields)

    assert caught.value.param == param
