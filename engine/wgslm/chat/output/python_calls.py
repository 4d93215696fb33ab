"""Reads calls written as Python: `[get_weather(city='Rome', days=3), get_time()]`."""

import json
import re
from collections.abc import Sequence

from wgslm.chat.output.context import Context
from wgslm.chat.output.json_text import MAX_NAME, Tell, quoted
from wgslm.chat.output.styles import PythonStyle
from wgslm.chat.output.tape import Malformed, Steps, Tape
from wgslm.chat.output.values import as_json

_NAME = re.compile(r"[\w.\-]+")
_PLAIN = re.compile(r"[^\\'\"]+")
_BARE = re.compile(r"[^\\'\"\[\](){},]+")
_ESCAPES = {**dict(zip("ntrbfav0", "\n\t\r\b\f\a\v\0", strict=True)), "\n": ""}
_HEX = {"x": 2, "u": 4, "U": 8}
_PAIRS = {"(": ")", "[": "]", "{": "}"}
MAX_VALUE = 100_000  # characters of a list, a dict or a number


def python_calls(context: Context, style: PythonStyle, close: Sequence[str]) -> Steps[None]:
    """Read calls up to one of `close`, or as many as there are."""
    tape = context.tape
    is_list = (yield from tape.space()) == "["
    if is_list:
        tape.take(1)
    while True:
        yield from _call(context, style)
        separator = yield from tape.space()
        if separator in (",", ";"):
            tape.take(1)
        elif separator == "]" and is_list:
            tape.take(1)
            break
        elif is_list or not close or separator == "" or (yield from tape.match(close)):
            break
    yield from tape.brackets()
    yield from tape.skip(*close)


def _call(context: Context, style: PythonStyle) -> Steps[None]:
    tape, sink = context.tape, context.sink
    yield from tape.space()
    name = yield from _name(tape)
    if (yield from tape.need()) != "(":
        raise Malformed
    context.begin(name.removesuffix(style.suffix) if style.suffix else name)
    sink.arguments("{")
    is_first = True
    while (yield from tape.space()) != ")":
        if not is_first:
            if (yield from tape.need()) != ",":
                raise Malformed
            if (yield from tape.space()) == ")":
                break
        key = yield from _name(tape)
        yield from tape.space()
        if (yield from tape.need()) != "=":
            raise Malformed
        sink.arguments(f'{"" if is_first else ", "}"{quoted(key)}": ')
        is_first = False
        if (yield from tape.space()) in ("'", '"'):
            yield from _string(tape, sink.arguments)
        else:
            sink.arguments((yield from _value(tape)))
    tape.take(1)
    sink.arguments("}")
    context.end()


def _name(tape: Tape) -> Steps[str]:
    name = ""
    while (yield from tape.peek()) and (more := tape.run(_NAME, MAX_NAME + 1 - len(name))):
        name += more
        if len(name) > MAX_NAME:
            raise Malformed
    if not name or name[0].isdigit():
        raise Malformed
    return name


def _string(tape: Tape, tell: Tell) -> Steps[None]:
    """Read string literals in a row, which Python joins."""
    tell('"')
    while (quote := (yield from tape.space())) in ("'", '"'):
        tape.take(1)
        if (yield from tape.peek()) != quote:
            yield from _inside(tape, quote, tell)
        else:
            tape.take(1)
            if (yield from tape.peek()) == quote:
                tape.take(1)
                yield from _inside(tape, quote * 3, tell)
    tell('"')


def _inside(tape: Tape, end: str, tell: Tell) -> Steps[None]:
    """Read up to a string's end and the end."""
    while True:
        if plain := tape.run(_PLAIN):
            tell(quoted(plain))
        if (yield from tape.peek()) == end[0] and (yield from tape.skip(end)):
            return
        character = yield from tape.need()
        if character == "\\":
            tell((yield from _escape(tape)))
        else:
            tell(quoted(character))


def _escape(tape: Tape) -> Steps[str]:
    character = yield from tape.need()
    if character in _HEX:
        digits = ""
        for _ in range(_HEX[character]):
            digits += yield from tape.need()
        if not re.fullmatch("[0-9a-fA-F]+", digits) or int(digits, 16) > 0x10FFFF:
            raise Malformed
        return json.dumps(chr(int(digits, 16)))[1:-1]  # half a pair is sound in JSON as an escape
    if character in "\\'\"":
        return quoted(character)
    return quoted(_ESCAPES.get(character, "\\" + character))


def _value(tape: Tape) -> Steps[str]:
    """Read a number, a word, a list or a dict up to what ends it, and give it as JSON."""
    written, stack = "", [")"]
    while True:
        if bare := tape.run(_BARE):
            written += bare
        character = yield from tape.peek()
        if len(stack) == 1 and character in (",", ")"):
            break
        if character in ("'", '"'):
            pieces: list[str] = []
            yield from _string(tape, pieces.append)
            written += "".join(pieces)  # a string of JSON, which is one of Python too
            continue
        character = yield from tape.need()
        if _BARE.match(character):  # the text had run out before it
            written += character
            continue
        if character in _PAIRS:
            stack.append(_PAIRS[character])
        elif character in ")]}" and character != stack.pop():
            raise Malformed
        written += character
        if len(written) > MAX_VALUE:
            raise Malformed
    if not written.strip():
        raise Malformed
    return as_json(written.strip(), None)
