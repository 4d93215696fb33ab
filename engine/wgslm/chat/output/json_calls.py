"""Reads calls that are JSON: {"name": ..., "arguments": {...}}, alone, in a row or in a list."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from wgslm.chat.output import json_text
from wgslm.chat.output.context import Context
from wgslm.chat.output.styles import JsonStyle
from wgslm.chat.output.tape import Malformed, Steps, Tape
from wgslm.chat.output.values import escaped_halves

_NAMES = ("name", "tool_name", "function_name")
_ARGUMENTS = ("arguments", "parameters", "args")
_IDS = ("id", "tool_call_id", "call_id")
_OTHERS = ("type", "index")


def json_calls(context: Context, style: JsonStyle, close: Sequence[str]) -> Steps[None]:
    """Read calls up to one of `close`, or as many as there are."""
    tape = context.tape
    if (yield from tape.space()) == "[":
        tape.take(1)
        while True:
            yield from _call(context, style, close)
            separator = yield from tape.space()
            if separator == ",":
                tape.take(1)
            elif separator == "]":
                tape.take(1)
                break
            elif separator == "" or (yield from tape.match(close)):
                break  # the list's end is forgotten often, and every call is whole
            else:
                raise Malformed
    else:
        yield from _call(context, style, close)
        while (yield from tape.space()) in ("{", ";"):
            yield from tape.skip(";")
            if (yield from tape.space()) == "{":
                yield from _call(context, style, close)
    yield from tape.brackets()
    yield from tape.skip(*close)


@dataclass
class _Call:
    """What is known of a call."""

    name: str = ""
    id: str = ""
    has_begun: bool = False
    waiting: list[str] = field(default_factory=list)  # arguments before the name
    flat: list[str] = field(default_factory=list)  # those that stand beside the name


def _call(context: Context, style: JsonStyle, close: Sequence[str]) -> Steps[None]:
    tape = context.tape
    if (yield from tape.space()) != "{":
        raise Malformed
    if style.is_keyed:
        yield from _keyed(context)
        return
    call = _Call()
    yield from _object(context, call, close)
    if not call.has_begun:
        context.begin(call.name, call.id)
        context.sink.arguments("".join(call.waiting) or f"{{{', '.join(call.flat)}}}")
    context.end()


def _keyed(context: Context) -> Steps[None]:
    tape = context.tape
    tape.take(1)
    yield from tape.space()
    context.begin((yield from json_text.short_string(tape)))
    yield from _expect(context, ":")
    yield from _arguments(context, context.sink.arguments)
    yield from _expect(context, "}")
    context.end()


def _object(context: Context, call: _Call, close: Sequence[str], depth: int = 0) -> Steps[None]:
    tape = context.tape
    tape.take(1)
    if (yield from tape.space()) == "}":
        tape.take(1)
        return
    while True:
        yield from tape.space()
        key = yield from json_text.short_string(tape)
        yield from _expect(context, ":")
        first = yield from tape.space()
        if key in _NAMES:
            call.name = yield from json_text.short_string(tape)
            if context.only_known and not context.tools.knows(call.name):
                raise Malformed
        elif key in _ARGUMENTS:
            yield from _given(context, call)
        elif key in _IDS:
            call.id = yield from _id(context, first)
        elif key == "function" and first == '"' and not call.name:
            call.name = yield from json_text.short_string(tape)
        elif key == "function" and first == "{" and not depth:
            yield from _object(context, call, close, depth + 1)
        elif context.tools.takes(call.name, key):
            pieces = [f'"{json_text.quoted(key)}": ']
            yield from json_text.value(tape, pieces.append)
            call.flat.append("".join(pieces))
        elif key in _OTHERS or not context.only_known:
            yield from json_text.value(tape, lambda piece: None)
        else:
            raise Malformed  # an object, but no call
        end = yield from tape.space()
        if end == ",":
            tape.take(1)
        elif end == "}":
            tape.take(1)
            return
        elif close and (yield from tape.match(close)) and (call.has_begun or call.waiting):
            return  # its last brace is forgotten often
        else:
            raise Malformed


def _given(context: Context, call: _Call) -> Steps[None]:
    """Read the arguments: passed on at once where the name is known, whatever id follows."""
    if call.has_begun or call.waiting:
        raise Malformed
    if call.name:
        call.has_begun = True
        context.begin(call.name, call.id)
        yield from _arguments(context, context.sink.arguments)
    else:
        yield from _arguments(context, call.waiting.append)


def _arguments(context: Context, tell: json_text.Tell) -> Steps[None]:
    """Read an object, or one written into a string; null is an empty one."""
    tape = context.tape
    first = yield from tape.space()
    if first == "{":
        yield from json_text.value(tape, tell)
        return
    pieces: list[str] = []
    yield from json_text.value(tape, pieces.append)
    written = json.loads("".join(pieces))
    if written is None or written == "":
        tell("{}")
    elif isinstance(written, str):
        yield from _within(written, tell)
    else:
        raise Malformed


def _within(written: str, tell: json_text.Tell) -> Steps[None]:
    """Read an object that a string holds: told whole, if it is one."""
    inner = Tape()
    inner.push(escaped_halves(written))
    inner.ended = True
    pieces: list[str] = []
    if (yield from inner.space()) != "{":
        raise Malformed
    yield from json_text.value(inner, pieces.append)
    if (yield from inner.space()):
        raise Malformed
    tell("".join(pieces))


def _id(context: Context, first: str) -> Steps[str]:
    if first == '"':
        return (yield from json_text.short_string(context.tape))
    pieces: list[str] = []
    yield from json_text.value(context.tape, pieces.append)
    written = "".join(pieces)
    return "" if written == "null" or len(written) > json_text.MAX_NAME else written


def _expect(context: Context, character: str) -> Steps[None]:
    if (yield from context.tape.space()) != character:
        raise Malformed
    context.tape.take(1)
