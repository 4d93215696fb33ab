"""Thoughts and tool calls through the whole app, with a scripted engine."""

from typing import cast

from app_client import events_of, post
from scripted_engine import ScriptedEngine
from wgslm.chat.demands.demand import FREE, Demand
from wgslm.chat.events import ReasoningDelta, ToolCallDelta

Json = dict[str, object]
ASK = {"messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"
TOOL = {"type": "function", "function": {"name": "f", "description": "", "parameters": {}}}
TOLD = (ReasoningDelta("hm", (1,)), ToolCallDelta(0, "", "c1", "f", (2,)), ToolCallDelta(0, "{}"))


def test_thoughts_and_calls_are_streamed() -> None:
    engine = ScriptedEngine(words=(), events=TOLD)

    events = events_of(post(CHAT, {**ASK, "tools": [TOOL], "stream": True}, engine))

    choices = [cast(list[Json], event["choices"])[0] for event in events]
    deltas = [cast(Json, choice["delta"]) for choice in choices]
    assert deltas[1] == {"reasoning_content": "hm"}
    first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert deltas[2]["tool_calls"] == [first]
    assert deltas[3]["tool_calls"] == [{"index": 0, "function": {"arguments": "{}"}}]
    assert choices[-1]["finish_reason"] == "tool_calls"
    assert engine.given == [([TOOL], {})]


def test_thoughts_and_calls_are_in_a_whole_answer() -> None:
    answer = post(CHAT, {**ASK, "tools": [TOOL]}, ScriptedEngine(words=(), events=TOLD)).json()

    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["reasoning_content"] == "hm"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


def test_a_demand_reaches_the_engine() -> None:
    engine = ScriptedEngine(words=(), events=TOLD)

    post(CHAT, {**ASK, "tools": [TOOL], "tool_choice": "required"}, engine)
    post(CHAT, {**ASK, "tools": [TOOL]}, engine)

    assert engine.demands == [Demand(required=True), FREE]
