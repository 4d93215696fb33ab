"""Reads MiniMax M3's calls: an element per argument, list item and field, each with a prefix."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from wgslm.chat.output.context import Context
from wgslm.chat.output.json_text import MAX_DEPTH, quoted
from wgslm.chat.output.styles import NestedStyle
from wgslm.chat.output.tape import Malformed, Marks, Steps
from wgslm.chat.output.values import as_json

_TAG = Marks([">"])
_INVOKE = 'invoke name="'


@dataclass
class _Element:
    """An element that is open."""

    name: str
    text: str = ""
    children: list[tuple[str, str]] = field(default_factory=list)

    def json(self, is_text: bool | None) -> str:
        """Write it as JSON: its text, a list of its items, or an object of its fields."""
        if not self.children:
            return as_json(self.text, is_text)
        if all(name == "item" for name, _ in self.children):
            return f"[{', '.join(value for _, value in self.children)}]"
        return f"{{{', '.join(f'{json.dumps(name)}: {value}' for name, value in self.children)}}}"


def nested_calls(context: Context, style: NestedStyle, close: Sequence[str]) -> Steps[None]:
    """Read calls up to one of `close`, or as many as there are."""
    tape = context.tape
    invoke = f"{style.prefix}<{_INVOKE}"
    yield from tape.space()
    if not (yield from tape.match([invoke])):
        raise Malformed
    while (yield from tape.skip(invoke)):
        yield from _call(context, style)
        yield from tape.space()
    yield from tape.skip(*close)


def _call(context: Context, style: NestedStyle) -> Steps[None]:
    tape, tell = context.tape, context.sink.arguments
    prefix = Marks([style.prefix])
    name = (yield from tape.upto(_TAG, 512)).strip().removesuffix('"')
    context.begin(name)
    tell("{")
    stack: list[_Element] = []
    is_first = True
    while True:
        pieces: list[str] = []
        if not (yield from tape.until(prefix, pieces.append, is_inside=True)):
            raise Malformed
        if stack:
            stack[-1].text += "".join(pieces)
        tape.take(len(style.prefix))
        if (yield from tape.need()) != "<":
            raise Malformed
        tag = (yield from tape.upto(_TAG, 256)).strip()
        if not stack and context.tools.is_text(name, tag):
            tell(f'{"" if is_first else ", "}"{quoted(tag)}": "')
            is_first = False
            yield from _text(context, prefix, f"{style.prefix}</{tag}>")
        elif not tag.startswith("/"):
            stack.append(_Element(tag))
            if len(stack) > MAX_DEPTH:
                raise Malformed
        elif stack and tag == f"/{stack[-1].name}":
            element = stack.pop()
            if stack:
                stack[-1].children.append((element.name, element.json(None)))
                continue
            value = element.json(context.tools.is_text(name, element.name))
            tell(f'{"" if is_first else ", "}"{quoted(element.name)}": {value}')
            is_first = False
        elif tag == "/invoke" and not stack:
            break
        else:
            raise Malformed
    tell("}")
    context.end()


def _text(context: Context, prefix: Marks, end: str) -> Steps[None]:
    """Read a string, passed on as it comes, and its end."""
    tape, tell = context.tape, context.sink.arguments
    yield from tape.until(prefix, lambda piece: tell(quoted(piece)), is_inside=True)
    if not (yield from tape.skip(end)):
        raise Malformed
    tell('"')
