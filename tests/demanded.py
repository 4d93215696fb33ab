"""Formats of calls to try demands on, functions, and answers by chance that a grammar allows."""

import json
import os
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

from wgslm.chat.events import Delta, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallVoid
from wgslm.chat.output.detect import detect, marks
from wgslm.chat.output.parser import OutputParser
from wgslm.chat.output.styles import Format
from wgslm.grammar import Grammar, Vocabulary, arranging
from wgslm.pauses import whole

FOLDER = Path(os.environ.get("WGSLM_REFERENCE_DATA") or "/nowhere", "templates")
RECORDED = Path(__file__).parent / "engine/chat/answers"
NAMES = {"type": "string", "pattern": "^[a-z<>/]{1,9}$"}
ORDER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["°C", "°F"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "note": {"type": "string", "minLength": 2, "maxLength": 12},
        "code": {"$ref": "#/$defs/name"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "place": {
            "type": "object",
            "properties": {"x": {"type": "number"}, "name": {"type": "string"}},
            "required": ["x", "name"],
            "additionalProperties": False,
        },
        "exact": {"type": ["boolean", "null"]},
        "any": {"type": ["string", "integer"]},
    },
    "required": ["city", "days", "code", "tags", "place", "any"],
    "additionalProperties": False,
    "$defs": {"name": NAMES},
}
FREE: dict[str, object] = {
    "type": "object",
    "properties": {"q": {"type": "string"}, "n": {"type": "integer"}},
}
SCHEMAS: dict[str, dict[str, object]] = {
    "order_all": ORDER,
    "now": {"type": "object", "properties": {}, "additionalProperties": False},
    "find": FREE,
}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "", "parameters": schema}}
    for name, schema in SCHEMAS.items()
]


@cache
def formats() -> dict[str, Format]:
    """Return every format of the recorded answers and the real templates that writes calls."""
    sources = {
        path.stem: path.read_text(encoding="utf-8").partition("\n")[0]
        for path in sorted(RECORDED.glob("*.txt"))
    }
    sources |= {
        path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.jinja"))
    }
    found: dict[Format, str] = {}
    for name, source in sources.items():
        format = detect(source)
        if format.calls or format.routed:
            found.setdefault(
                Format(format.thinking, format.calls, format.dropped, format.routed), name
            )
    return {name: format for format, name in found.items()}


def vocabulary(format: Format) -> Vocabulary:
    """Return all bytes, some words, and the texts of a format's marks; one end."""
    words = [*marks(format, has_tools=True), "order_all", "now", "find", '", ', "}}", "]}", "true"]
    words += [
        "12",
        "</",
        "]<]",
        "\n",
        "assistant",
        "日本",
        "°C",
        "name",
        '"}',
        "')]",
        "[1]",
        "a.b c",
    ]
    pieces = [bytes([byte]) for byte in range(256)]
    pieces += [word.encode() for word in dict.fromkeys(words) if len(word) > 1]
    return whole(arranging([*pieces, b""], end_ids=[len(pieces)]))


def written(grammar: Grammar, words: Vocabulary, chance: random.Random, most: int) -> str | None:
    """Return an answer that the grammar allows, by chance; None if it is not done in time."""
    matcher, text = grammar.start(words), b""
    (end,) = words.end_ids
    for step in range(most):
        allowed = matcher.allowed()
        assert allowed, text
        if end in allowed and (len(allowed) == 1 or chance.random() < 0.7):
            return text.decode()
        allowed = [id for id in allowed if id != end]
        longer = [id for id in allowed if id > 255 or words.pieces[id] in b"\"'}])<|,e"]
        # Ends are chosen more and more often.
        hurried = longer and chance.random() < 0.3 + step / most
        id = chance.choice(longer if hurried else allowed)
        matcher.advance(id)
        text += words.pieces[id]
    return None


def parsed(
    format: Format, text: str, prompt: str, chance: random.Random
) -> tuple[list[tuple[str, object]], str, str]:
    """Return the calls of an answer, its text and its thoughts, read in pieces."""
    parser = OutputParser(format, tools=TOOLS, prompt=prompt)
    events: list[Delta] = []
    while text:
        length = chance.randint(1, 40)
        events += parser.push(text[:length])
        text = text[length:]
    events += parser.finish()
    return read_calls(events), _joined(events, TextDelta), _joined(events, ReasoningDelta)


def read_calls(events: Sequence[Delta]) -> list[tuple[str, object]]:
    """Return names and arguments."""
    calls: dict[int, list[ToolCallDelta]] = {}
    for event in events:
        assert not isinstance(event, ToolCallVoid), event
        if isinstance(event, ToolCallDelta):
            calls.setdefault(event.index, []).append(event)
    return [
        (parts[0].name, json.loads("".join(part.arguments for part in parts)))
        for parts in calls.values()
    ]


def valid(name: str, arguments: object) -> bool:
    """Say whether a call is one of `TOOLS` with the arguments that it asks for."""
    return name in SCHEMAS and Draft202012Validator(SCHEMAS[name]).is_valid(arguments)


def _joined(events: Sequence[Delta], kind: type[TextDelta | ReasoningDelta]) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))
