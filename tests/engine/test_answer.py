"""An answer's ids become events: marks of the format reach the parser, ids are all told."""

import pytest

from tiny_vocabularies import bpe_metadata
from wgslm.answer import Answer, mark_ids, name_chance
from wgslm.chat.events import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from wgslm.chat.output.detect import detect
from wgslm.chat.output.parser import OutputParser
from wgslm.steps import Chance
from wgslm.text import TextStream, Tokenizer, load_tokenizer

CONTROLS = ("[THINK]", "[/THINK]", "[TOOL_CALLS]", "[ARGS]", "<pad>")
FORMAT = detect("[THINK] [TOOL_CALLS] [ARGS]")
TOOLS = [{"type": "function", "function": {"name": "f"}}]


@pytest.fixture
def tokenizer() -> Tokenizer:
    return load_tokenizer(bpe_metadata(["h i"], pre="qwen2", controls=CONTROLS))


def answer(tokenizer: Tokenizer, tools: object, earlier: list[int], *stops: str) -> Answer:
    shown = mark_ids(tokenizer, FORMAT, has_tools=bool(tools))
    parser = OutputParser(FORMAT, tools=tools, new_id=lambda: "c1")
    return Answer(TextStream(tokenizer, shown=shown), stops, parser, earlier)


def run(current: Answer, ids: list[int]) -> list[Delta]:
    events: list[Delta] = []
    for id in ids:
        told, stopped = current.push(id)
        events += told
        if stopped:
            break
    rest, _ = current.finish(stopped=stopped, was_cut=False)
    return events + rest


def said(events: list[Delta], kind: type[TextDelta] | type[ReasoningDelta]) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


def test_marks_that_are_control_tokens_are_read(tokenizer: Tokenizer) -> None:
    written = '[THINK]hm[/THINK]So<pad>[TOOL_CALLS]f[ARGS]{"a": 1}'
    ids = tokenizer.encode(written, specials=True)

    events = run(answer(tokenizer, TOOLS, []), ids)

    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert (said(events, ReasoningDelta), said(events, TextDelta)) == ("hm", "So")
    assert (calls[0].name, "".join(call.arguments for call in calls)) == ("f", '{"a": 1}')
    assert [id for event in events for id in event.ids] == ids


def test_chances_are_told_with_their_ids(tokenizer: Tokenizer) -> None:
    """Marks of the format show no text and are told all the same; earlier ids have no chance."""
    earlier, *rest = tokenizer.encode("o[THINK]hm[/THINK]So<pad>", specials=True)
    current, events = answer(tokenizer, TOOLS, [earlier]), list[Delta]()
    named = [name_chance(tokenizer, id, Chance(-id / 8, ((id, -0.5),))) for id in rest]

    for chance in named:
        events += current.push(chance.id, chance)[0]
    events += current.finish(stopped=False, was_cut=False)[0]

    assert [id for event in events for id in event.ids] == [earlier, *rest]
    assert [chance for event in events for chance in event.chances] == named
    assert named[0].piece == b"[THINK]" and named[0].top[0].piece == b"[THINK]"
    assert (named[-1].piece, named[-1].logprob) == (b"<pad>", -rest[-1] / 8)


def test_without_tools_their_marks_write_nothing(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a[TOOL_CALLS]b", specials=True)

    assert said(run(answer(tokenizer, None, []), ids), TextDelta) == "ab"


def test_an_answer_that_goes_on_is_told_again(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("[THINK]hm[/THINK]Yes.", specials=True)

    events = run(answer(tokenizer, None, ids[:3]), ids[3:])

    assert (said(events, ReasoningDelta), said(events, TextDelta)) == ("hm", "Yes.")
    assert [id for event in events for id in event.ids] == ids


def test_a_stop_string_ends_an_answer_and_every_id_is_told(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("Yes. No.")

    events = run(answer(tokenizer, None, [], ". "), ids)

    assert said(events, TextDelta) == "Yes"
    assert [id for event in events for id in event.ids] == ids[: len(tokenizer.encode("Yes. "))]
