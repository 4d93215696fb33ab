"""What a real template writes for a past answer is read back as that answer."""

import json
import os
from itertools import product
from pathlib import Path

import jinja2
import pytest

from plain_jinja import plain_jinja
from wgslm.chat.events import ReasoningDelta, TextDelta, ToolCallDelta
from wgslm.chat.output.detect import detect
from wgslm.chat.output.parser import OutputParser

FOLDER = os.environ.get("WGSLM_REFERENCE_DATA")
FILES = sorted(path.name for path in Path(FOLDER or "/nowhere", "templates").glob("*.jinja"))
NO_CALLS = {  # templates without a word of tools, or that put no calls into a prompt
    "LFM2.5-Instruct.jinja",
    "google-gemma-2-2b-it.jinja",
    "ibm-granite-granite-3.3-2B-Instruct.jinja",
    "llama-cpp-rwkv-world.jinja",
    "microsoft-Phi-3.5-mini-instruct.jinja",
}
UNREADABLE = {  # plain jinja2 refuses them, so there is nothing to compare with
    "CohereForAI-c4ai-command-r-plus-tool_use.jinja",
    "fireworks-ai-llama-3-firefunction-v2.jinja",
}
PROPERTIES = {
    "city": {"type": "string", "description": "where"},
    "days": {"type": "integer", "description": "from today"},
    "tags": {"type": "array", "items": {"type": "string"}, "description": "of the day"},
}
WEATHER = {
    "name": "get_weather",
    "description": "the weather",
    "parameters": {"type": "object", "properties": PROPERTIES, "required": ["city"]},
}
TOOLS = [{"type": "function", "function": WEATHER}]
ARGUMENTS = {"city": 'Roma "Ò"', "days": 3, "tags": ["a", "b"]}


def answers(source: str, as_text: bool, content: str) -> list[str]:
    """The texts that follow the prompt when the answer is in the conversation: all that may be."""
    arguments: object = json.dumps(ARGUMENTS) if as_text else ARGUMENTS
    function = {"name": "get_weather", "arguments": arguments}
    call = {"id": "call00001", "type": "function", "function": function}
    question = {"role": "user", "content": "Q1"}
    answer = {"role": "assistant", "content": content, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "call00001", "name": "get_weather", "content": "T"}
    try:
        before = plain_jinja(source, [question], tools=TOOLS, eos_token="<EOS>")
        after = plain_jinja(source, [question, answer, result], tools=TOOLS, eos_token="<EOS>")
    except (jinja2.TemplateError, TypeError, ValueError):
        return []
    rest = after.rpartition("Q1")[2]
    return [after.removeprefix(before), rest] if after.startswith(before) else [rest]


@pytest.mark.skipif(not FILES, reason="WGSLM_REFERENCE_DATA is not set")
@pytest.mark.parametrize("file", FILES or ["none"])
def test_a_call_is_read_back(file: str) -> None:
    if file in NO_CALLS | UNREADABLE:
        pytest.skip("this template writes no calls, or plain jinja2 cannot run it")
    source = Path(FOLDER or "", "templates", file).read_text(encoding="utf-8")
    found = 0
    for as_text, content in product((False, True), ("", "C1")):
        for text in answers(source, as_text, content):
            parser = OutputParser(detect(source), tools=TOOLS)
            events = [*parser.push(text), *parser.finish()]
            calls = [event for event in events if isinstance(event, ToolCallDelta)]
            said = "".join(event.text for event in events if isinstance(event, TextDelta))
            if calls and "Roma" not in said:
                assert calls[0].name == "get_weather"
                written = "".join(call.arguments for call in calls if call.index == 0)
                found += json.loads(written) == ARGUMENTS
    assert found


@pytest.mark.skipif(not FILES, reason="WGSLM_REFERENCE_DATA is not set")
def test_every_template_that_takes_tools_has_a_format_for_calls() -> None:
    for file in FILES:
        source = Path(FOLDER or "", "templates", file).read_text(encoding="utf-8")
        found = detect(source)

        assert bool(found.calls or found.routed) == (
            file not in NO_CALLS or file.startswith(("LFM2.5", "ibm-granite"))
        ), file
        for reason in found.reasons:
            assert ": the template has '" in reason


def test_the_reason_names_what_was_found() -> None:
    assert detect("<think> {{ x }} <tool_call>").reasons == (
        "thinks as <think>: the template has '<think>'",
        "calls tools as Hermes: the template has '<tool_call>'",
    )


def test_thoughts_are_no_text() -> None:
    parser = OutputParser(detect("[THINK]"))

    assert parser.push("[THINK]a[/THINK]b") == [ReasoningDelta("a"), TextDelta("b")]
