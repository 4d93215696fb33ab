"""Reads calls with a head of their own before JSON arguments: Mistral, DeepSeek, Kimi K2, Solar."""

import re
from collections.abc import Sequence

from wgslm.chat.output import json_text
from wgslm.chat.output.context import Context
from wgslm.chat.output.json_calls import json_calls
from wgslm.chat.output.styles import JsonStyle, NamedStyle
from wgslm.chat.output.tape import Malformed, Marks, Steps

MAX_HEAD = 512


def named_calls(context: Context, style: NamedStyle, close: Sequence[str]) -> Steps[None]:
    """Read calls up to one of `close`, or as many as there are."""
    tape = context.tape
    if not style.call and (yield from tape.space()) in ("[", "{"):  # as older models write it
        yield from json_calls(context, JsonStyle(), close)
        return
    while True:
        yield from tape.space()
        if style.call and not (yield from tape.skip(style.call)):
            raise Malformed
        yield from _named(context, style)
        yield from tape.space()
        if not style.call or not (yield from tape.match([style.call])):
            break
    yield from tape.skip(*close)


def _named(context: Context, style: NamedStyle) -> Steps[None]:
    tape = context.tape
    head = yield from tape.upto(Marks([style.head_end]), MAX_HEAD)
    found = re.fullmatch(style.head, head.strip(), re.DOTALL)
    if not found:
        raise Malformed
    given = found.groupdict()
    context.begin(given["name"].strip(), (given.get("id") or "").strip())
    first = yield from tape.space()
    if first == "{":
        yield from json_text.value(tape, context.sink.arguments)
    elif (yield from tape.match(style.closes or ("\0",))):
        context.sink.arguments("{}")
    else:
        raise Malformed
    context.end()
    while (yield from tape.brackets()) and (yield from tape.skip(*style.closes)):
        pass  # some models write an end twice
