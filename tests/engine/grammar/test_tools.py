"""Grammars of tool calls."""

import pytest

from wgslm.errors import RequestError
from wgslm.grammar import CallFormat, Tool, Vocabulary, for_tools

HERMES = CallFormat(
    before_name='<tool_call>\n{"name": "',
    after_name='", "arguments": ',
    after_arguments="}\n</tool_call>",
    between="\n",
    trigger="<tool_call>",
)
LISTED = CallFormat('{"name": "', '", "arguments": ', "}", "[CALLS][", ", ", "]")
NUMBERS = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#/$defs/n"}},
    "required": ["a", "b"],
    "additionalProperties": False,
    "$defs": {"n": {"type": "integer"}},
}
SAID = {
    "type": "object",
    "properties": {"t": {"$ref": "#/$defs/n"}},
    "$defs": {"n": {"type": "null"}},
}
TOOLS = [Tool("add", NUMBERS), Tool("say", SAID), Tool("free", {"type": "object"}, strict=False)]
ADD = '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>'
FREE = '<tool_call>\n{"name": "free", "arguments": {"q": [1]}}\n</tool_call>'
BAD_NAME = ADD.replace("add", "sub")
BAD_ARGUMENT = ADD.replace("2", '"2"')


def test_a_required_call_is_all_there_may_be() -> None:
    grammar = for_tools(TOOLS, HERMES, required=True)

    assert all(map(grammar.accepts, [ADD, FREE, f"{ADD}\n{FREE}"]))
    for text in ("", "hello", f"well {ADD}", BAD_NAME, BAD_ARGUMENT, f"{ADD}\nand", ADD[:-1]):
        assert not grammar.accepts(text), text


def test_one_call_is_one_and_a_named_one_is_that() -> None:
    assert not for_tools(TOOLS, HERMES, required=True, parallel=False).accepts(f"{ADD}\n{FREE}")
    assert not for_tools(TOOLS[1:], HERMES, required=True).accepts(ADD)


def test_text_is_free_until_a_call_begins() -> None:
    grammar = for_tools(TOOLS, HERMES)

    for text in ("", "hello", "a < b <tool", f"I see. {ADD}", f"<{ADD}", f"{ADD}\n{FREE}"):
        assert grammar.accepts(text), text
    for text in (BAD_NAME, f"x {BAD_ARGUMENT}", "<tool_call>", f"{ADD} done"):
        assert not grammar.accepts(text), text


def test_calls_may_be_one_list() -> None:
    grammar = for_tools(TOOLS, LISTED, required=True)
    call = '{"name": "say", "arguments": {"t": null}}'

    assert grammar.accepts(f"[CALLS][{call}]") and grammar.accepts(f"[CALLS][{call}, {call}]")
    assert not grammar.accepts(f"[CALLS][{call}") and not grammar.accepts(call)


def test_reasoning_comes_first_and_is_free() -> None:
    grammar = for_tools(TOOLS, HERMES, required=True, reasoning_end="</think>")

    assert grammar.accepts(f"<tool_call> or not?</think>{ADD}")
    assert grammar.accepts(f"</think>\n{ADD}") and not grammar.accepts(ADD)


def test_a_trigger_that_is_a_control_token_may_be_chosen() -> None:
    vocabulary = Vocabulary([b"h", b"<", b""], specials=[(2, b"<tool_call>")])
    matcher = for_tools(TOOLS, HERMES).start(vocabulary)

    matcher.advance(0)
    assert set(matcher.allowed()) == {0, 1, 2}
    matcher.advance(2)
    assert matcher.allowed() == []  # this vocabulary has no line's end


def test_no_tool_is_refused() -> None:
    with pytest.raises(RequestError, match="no tool"):
        for_tools([], HERMES)
