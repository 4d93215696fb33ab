"""Recorded answers of every family: what is thought, said and called, however they are split."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path

import pytest

from wgslm.chat.events import (
    Delta,
    ReasoningDelta,
    TextDelta,
    TextWasReasoning,
    ToolCallDelta,
    ToolCallVoid,
)
from wgslm.chat.output.detect import detect
from wgslm.chat.output.parser import OutputParser

FOLDER = Path(__file__).parent / "answers"


def tool(name: str, **types: str | None) -> dict[str, object]:
    properties = {key: {"type": kind} if kind else {} for key, kind in types.items()}
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [
    tool("get_weather", city="string", days="integer", tags="array"),
    tool("get_time"),
    tool("python", code="string"),
    tool("edit", file="string", old="string", new="string"),
    tool("set", flag="boolean", value=None),
]


@dataclass
class Case:
    """One recorded answer and what it says."""

    template: str
    name: str
    lines: list[str] = field(default_factory=list)
    prompt: str = ""
    wanted: list[tuple[object, ...]] = field(default_factory=list)
    tools: list[dict[str, object]] = field(default_factory=lambda: TOOLS)
    was_cut: bool = False

    @property
    def raw(self) -> str:
        """What the model wrote."""
        return "\n".join(self.lines)


def read_cases(path: Path) -> Iterator[Case]:
    lines = path.read_text("utf-8").removesuffix("\n").split("\n")
    template = lines[0].removeprefix("template: ")
    case: Case | None = None
    for line in lines[1:]:
        if line.startswith("=== "):
            if case:
                yield case
            case = Case(template, f"{path.stem}: {line[4:]}")
        elif case and line.startswith("--- "):
            read_wanted(case, line[4:])
        elif case:
            case.lines.append(line)
    assert case
    yield case


def read_wanted(case: Case, line: str) -> None:
    kind, _, rest = line.partition(" ")
    if kind == "prompt":
        case.prompt = json.loads(rest)
    elif kind == "cut":
        case.was_cut = True
    elif line == "no tools":
        case.tools = []
    elif kind in ("text", "think"):
        case.wanted.append((kind, json.loads(rest)))
    elif kind == "void":
        case.wanted.append((kind,))
    elif kind == "part":
        name, _, arguments = rest.partition(" ")
        case.wanted.append((kind, name, arguments))
    else:
        assert kind == "call", line
        name, _, rest = rest.partition(" ")
        arguments, end = json.JSONDecoder().raw_decode(rest)
        case.wanted.append((kind, name, arguments, rest[end:].strip()))


CASES = [case for path in sorted(FOLDER.glob("*.txt")) for case in read_cases(path)]


def run(case: Case, pieces: Sequence[str]) -> list[Delta]:
    ids = count(1)
    parser = OutputParser(
        detect(case.template),
        tools=case.tools,
        prompt=case.prompt,
        new_id=lambda: f"new{next(ids)}",
    )
    events = [event for piece in pieces for event in parser.push(piece)]
    events += parser.finish(was_cut=case.was_cut)
    return joined(events)


def joined(events: Sequence[Delta]) -> list[Delta]:
    """Join neighbours; the parts of a call are always neighbours."""
    whole: list[Delta] = []
    for event in events:
        last = whole[-1] if whole else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            whole[-1] = TextDelta(last.text + event.text)
        elif isinstance(event, ReasoningDelta) and isinstance(last, ReasoningDelta):
            whole[-1] = ReasoningDelta(last.text + event.text)
        elif isinstance(event, ToolCallDelta) and isinstance(last, ToolCallDelta) and not event.id:
            assert event.index == last.index
            arguments = last.arguments + event.arguments
            whole[-1] = ToolCallDelta(last.index, arguments, last.id, last.name)
        else:
            whole.append(event)
    return whole


def told(case: Case, events: Sequence[Delta]) -> list[tuple[object, ...]]:
    """What the events say, in the words of the recorded cases."""
    found: list[tuple[object, ...]] = []
    thoughts = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    if TextWasReasoning() in events:
        end = events.index(TextWasReasoning())
        assert not any(isinstance(event, ReasoningDelta) for event in events[:end])
        thoughts = "".join(e.text for e in events[:end] if isinstance(e, TextDelta)) + thoughts
        events = [e for at, e in enumerate(events) if at > end or not isinstance(e, TextDelta)]
    if thoughts:
        found.append(("think", thoughts))
    void = {event.index for event in events if isinstance(event, ToolCallVoid)}
    text = ""
    for event in events:
        if isinstance(event, TextDelta):
            found = [entry for entry in found if entry != ("text", text)] if text else found
            text += event.text
            found.append(("text", text))
        elif isinstance(event, ToolCallVoid):
            found.append(("void",))
        elif isinstance(event, ToolCallDelta) and event.index not in void:
            event.arguments.encode()  # halves of surrogate pairs could not be sent
            if case.was_cut:
                found.append(("part", event.name, event.arguments))
            else:
                id = "" if event.id.startswith("new") else event.id
                found.append(("call", event.name, json.loads(event.arguments), id))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_answer_is_told_apart(case: Case) -> None:
    events = run(case, [case.raw])

    assert sorted(map(repr, told(case, events))) == sorted(map(repr, case.wanted))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_any_split_gives_the_same_events(case: Case) -> None:
    chance = random.Random(case.name)
    whole = run(case, [case.raw])

    assert run(case, list(case.raw)) == whole
    for _ in range(20):
        size = min(len(case.raw), chance.randint(1, 12))
        cuts = sorted(chance.sample(range(len(case.raw) + 1), size))
        bounds = [0, *cuts, len(case.raw)]
        assert run(case, [case.raw[a:b] for a, b in pairwise(bounds)]) == whole


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_any_beginning_gives_the_same_events_in_any_split(case: Case) -> None:
    chance = random.Random(case.name)
    for _ in range(12):
        part = case.raw[: chance.randint(0, len(case.raw))]

        assert run(case, list(part)) == run(case, [part])


def broken(raw: str, chance: random.Random) -> str:
    """Leave something out, or put another answer, or much of nothing, into the middle."""
    a = chance.randrange(len(raw) + 1)
    b = a + chance.choice([0, 1, 4, 12])
    others = ["", chance.choice(CASES).raw, chance.choice('{}[]"<>|:,= \n'), "x y" * 400]
    return raw[:a] + chance.choice(others) + chance.choice(["", raw[a:b] * 2]) + raw[b:]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_any_split_of_what_is_broken_gives_the_same_events(case: Case) -> None:
    chance = random.Random(case.name)
    for _ in range(12):
        raw = broken(case.raw, chance)
        whole = run(case, [raw])

        assert run(case, list(raw)) == whole
        for event in whole:
            if isinstance(event, ToolCallDelta) and ToolCallVoid(event.index) not in whole:
                assert case.was_cut or isinstance(json.loads(event.arguments), dict)


def test_a_head_that_is_too_long_ends_at_the_same_place_however_it_is_split() -> None:
    for template in sorted({case.template for case in CASES}):
        format = detect(template)
        opens = format.calls.open if format.calls else ("<|channel|>x to=get_time", ">>>")
        for open in opens or ("[", "{"):
            for begun in (
                "",
                "<invoke ",
                '{"',
                '{"name":',
                "[",
                "[get_time(flag=",
                "call:get_time{",
            ):
                raw = open + begun + "x" * 5000 + open + begun + '{"name": "get_time"}'
                case = Case(template, "long", [raw], was_cut=True)

                assert run(case, list(raw)) == run(case, [raw]), (template, open, begun)


def test_there_are_enough_recorded_answers() -> None:
    assert len(CASES) >= 150
    assert len({case.template for case in CASES}) >= 30


def test_arguments_come_as_they_are_written() -> None:
    parser = OutputParser(detect("<tool_call>"), tools=TOOLS)
    begun = '<tool_call>{"name": "python", "arguments": {"code": "'

    first = parser.push(begun)
    more = [parser.push(character) for character in "abc"]

    assert [type(event) for event in first] == [ToolCallDelta]
    assert more == [[ToolCallDelta(0, character)] for character in "abc"]


# The name of these comes after the arguments, or a string has to be read first.
HELD = ("before the name", "written into a string")
TEXTS = [
    case
    for case in CASES
    if any(kind == "call" and "Rome" in str(rest) for kind, *rest in case.wanted)
    and not any(word in case.name for word in HELD)
]


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case.name)
def test_a_long_text_is_told_while_it_is_written(case: Case) -> None:
    parser = OutputParser(detect(case.template), tools=case.tools, prompt=case.prompt)
    raw = case.raw.replace("Rome", "Rome " + "or Oslo " * 50)

    events = [event for character in raw for event in parser.push(character)]

    assert sum(isinstance(event, ToolCallDelta) for event in events) > 300


def test_text_is_held_back_only_while_it_may_become_a_mark() -> None:
    parser = OutputParser(detect("<tool_call>"), tools=TOOLS)

    assert parser.push("a <tool") == [TextDelta("a")]
    assert parser.push("x") == [TextDelta(" <toolx")]


def test_an_answer_is_read_in_linear_time() -> None:
    parser = OutputParser(detect("<think> <tool_call>"), tools=TOOLS)
    begun = '<tool_call>{"name": "python", "arguments": {"code": "' + "<tool_" * 200_000

    assert len(parser.push(begun)) == 1
    for _ in range(20_000):
        assert parser.push("<tool_call") == [ToolCallDelta(0, "<tool_call")]


def test_deep_arguments_are_no_call() -> None:
    parser = OutputParser(detect("<tool_call>"), tools=TOOLS)
    raw = '<tool_call>{"name": "set", "arguments": {"value": ' + "[" * 100_000

    events = parser.push(raw) + parser.finish()

    assert isinstance(events[-1], TextDelta)
    assert events[-1].text == raw
