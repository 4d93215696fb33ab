"""What a real template writes for a past answer is read back as that answer."""

import json
from itertools import product
from pathlib import Path

import pytest

from past_answers import ARGUMENTS, FILES, FOLDER, NO_CALLS, TOOLS, UNREADABLE, answers
from wgslm.chat.events import ReasoningDelta, TextDelta, ToolCallDelta
from wgslm.chat.output.detect import detect
from wgslm.chat.output.parser import OutputParser


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
