"""Tools, calls and thoughts in OpenAI's requests and answers."""

from collections.abc import Mapping, Sequence

import pytest

from wgslm.chat.demands.demand import FREE, Demand
from wgslm.chat.events import (
    Delta,
    Done,
    ReasoningDelta,
    TextDelta,
    TextWasReasoning,
    Timings,
    ToolCallDelta,
    ToolCallVoid,
    Usage,
)
from wgslm.errors import RequestError
from wgslm.sampling import Sampling
from wgslm_web.wire import openai
from wgslm_web.wire.openai import Head, chat_request

HELLO = [{"role": "user", "content": "Hello"}]
FUNCTION = {
    "name": "get_weather",
    "description": "the weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TOOL = {"type": "function", "function": FUNCTION}
STRICT = {"type": "function", "function": {**FUNCTION, "strict": True}}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
HEAD = Head("c", "m", 5)
DONE = Done("tool_calls", Usage(10, 4, 6), Timings(20.0, 40.0, 25.0), (1, 2))
EVENTS: list[Delta] = [
    ReasoningDelta("h"),
    ReasoningDelta("m"),
    TextDelta("Let me see."),
    ToolCallDelta(0, "", "c1", "get_weather"),
    ToolCallDelta(0, '{"city": '),
    ToolCallDelta(0, '"Rome"}'),
    ToolCallDelta(1, "{}", "c2", "get_time"),
]


def ask(**fields: object) -> openai.ChatRequest:
    return chat_request({"messages": HELLO, **fields}, Sampling())


def refusal(**fields: object) -> RequestError:
    with pytest.raises(RequestError) as caught:
        ask(**fields)
    return caught.value


def message(events: Sequence[Delta]) -> dict[str, object]:
    choices = openai.completion(HEAD, [(events, DONE)])["choices"]
    return choices[0]["message"]  # type: ignore[index, no-any-return]


def deltas(events: Sequence[Delta]) -> list[object]:
    chunks = [chunk for event in events for chunk in openai.delta_chunks(HEAD, event)]
    return [chunk["choices"][0]["delta"] for chunk in chunks]  # type: ignore[index]


def test_tools_reach_the_template() -> None:
    assert ask(tools=[TOOL]).tools == [TOOL]
    assert ask(tools=[TOOL], tool_choice="auto").tools == [TOOL]


def test_a_tool_gets_what_templates_rely_on() -> None:
    (tool,) = ask(tools=[{"type": "function", "function": {"name": "f"}}]).tools or []

    empty = {"type": "object", "properties": {}}
    assert tool["function"] == {"name": "f", "description": "", "parameters": empty}


def test_no_tools_where_none_may_be_called() -> None:
    assert ask(tools=[TOOL], tool_choice="none").tools is None
    assert ask(tools=[]).tools is None


@pytest.mark.parametrize(
    ("fields", "param", "sentence"),
    [
        ({"tools": [], "tool_choice": "required"}, "tool_choice", "there are no tools"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function.name", "is missing"),
        ({"tool_choice": {"type": "custom"}}, "tool_choice.type", "must be 'function'"),
        ({"tool_choice": "any"}, "tool_choice", "must be 'none', 'auto', 'required'"),
        ({"parallel_tool_calls": "no"}, "parallel_tool_calls", "must be true or false"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "must be 'function'"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "is missing"),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
            "must be up to 128 letters",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "arguments": {}}}]},
            "tools[0].function.arguments",
            "unknown field",
        ),
        ({"tools": "x"}, "tools", "must be a list"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort", "must be one of none"),
        ({"chat_template_kwargs": 1}, "chat_template_kwargs", "must be an object"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    fields: Mapping[str, object], param: str, sentence: str
) -> None:
    error = refusal(**{"tools": [TOOL], **fields})

    assert error.param == param
    assert sentence in str(error)


@pytest.mark.parametrize(
    ("fields", "demand"),
    [
        ({}, FREE),
        ({"tool_choice": "auto", "parallel_tool_calls": True}, FREE),
        ({"tool_choice": "required"}, Demand(required=True)),
        ({"tool_choice": NAMED}, Demand(name="get_weather")),
        ({"parallel_tool_calls": False}, Demand(parallel=False)),
        ({"tools": [STRICT]}, Demand(strict=frozenset({"get_weather"}))),
        ({"tools": [STRICT], "tool_choice": "none"}, FREE),
        ({"tools": [], "parallel_tool_calls": False}, FREE),
    ],
)
def test_what_is_demanded_of_calls_is_read(fields: Mapping[str, object], demand: Demand) -> None:
    assert ask(**{"tools": [TOOL], **fields}).demand == demand


def test_variables_reach_the_template() -> None:
    request = ask(chat_template_kwargs={"enable_thinking": False}, reasoning_effort="low")

    assert request.variables == {"enable_thinking": False, "reasoning_effort": "low"}


def test_a_turn_with_tools_is_read() -> None:
    turn = [
        {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "21"},
    ]

    assert ask(messages=[*HELLO, *turn]).messages[1:] == [
        {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "21"},
    ]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"role": "user", "content": "x", "tool_calls": [CALL]}, "messages[0].tool_calls"),
        ({"role": "user", "content": "x", "tool_call_id": "c"}, "messages[0].tool_call_id"),
        (
            {"role": "user", "content": "x", "reasoning_content": "c"},
            "messages[0].reasoning_content",
        ),
        ({"role": "tool", "tool_call_id": "c"}, "messages[0].content"),
        ({"role": "assistant", "content": None}, "messages[0].content"),
        (
            {"role": "assistant", "tool_calls": [{"type": "custom"}]},
            "messages[0].tool_calls[0].type",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 1}}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
    ],
)
def test_a_wrong_turn_is_named(wrong: Mapping[str, object], param: str) -> None:
    assert refusal(messages=[wrong]).param == param


def test_a_whole_answer_has_thoughts_text_and_calls() -> None:
    assert message(EVENTS) == {
        "role": "assistant",
        "content": "Let me see.",
        "refusal": None,
        "reasoning_content": "hm",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'},
            },
            {
                "id": "c2",
                "type": "function",
                "function": {"name": "get_time", "arguments": "{}"},
            },
        ],
    }


def test_calls_alone_have_no_content() -> None:
    assert message(EVENTS[3:])["content"] is None
    assert message([])["content"] == ""


def test_a_malformed_call_is_text_in_a_whole_answer() -> None:
    told = message([*EVENTS[3:5], ToolCallVoid(0), TextDelta("<tool_call>")])

    assert told == {"role": "assistant", "content": "<tool_call>", "refusal": None}


def test_text_before_an_end_of_thoughts_is_thoughts_in_a_whole_answer() -> None:
    told = message([TextDelta("h"), TextDelta("m"), TextWasReasoning(), TextDelta("Hi")])

    assert told == {
        "role": "assistant",
        "content": "Hi",
        "refusal": None,
        "reasoning_content": "hm",
    }


def test_streamed_text_that_was_thoughts_is_told_to_be() -> None:
    events: list[Delta] = [TextDelta("hm"), TextWasReasoning(), TextDelta("Hi")]

    assert deltas(events) == [
        {"content": "hm"},
        {"content": "\n\n", "content_was_reasoning": True},
        {"content": "Hi"},
    ]


def test_streamed_thoughts_and_calls_have_openais_shape() -> None:
    assert deltas(EVENTS) == [
        {"reasoning_content": "h"},
        {"reasoning_content": "m"},
        {"content": "Let me see."},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"Rome"}'}}]},
        {
            "tool_calls": [
                {
                    "index": 1,
                    "id": "c2",
                    "type": "function",
                    "function": {"name": "get_time", "arguments": "{}"},
                }
            ]
        },
    ]


def test_the_reason_to_end_is_the_calls() -> None:
    last = openai.finish_chunk(HEAD, DONE)

    assert last["choices"][0]["finish_reason"] == "tool_calls"  # type: ignore[index]


def test_ids_of_every_event_are_told() -> None:
    head = Head("c", "m", 5, return_tokens=True)
    events: list[Delta] = [
        ReasoningDelta("h", (1,)),
        ToolCallDelta(0, "{", ids=(2,)),
        ToolCallVoid(0, (3,)),
        TextDelta("", (4,)),
        TextWasReasoning((5,)),
    ]

    chunks = [chunk for event in events for chunk in openai.delta_chunks(head, event)]

    assert [chunk["tokens"] for chunk in chunks] == [[1], [2], [3], [4], [5]]
