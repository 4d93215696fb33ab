"""Recorded answers of every family, and what was told of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

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

FOLDER = Path(__file__).parent / "engine" / "chat" / "answers"


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
