"""Reads Gemma 4's calls, `call:name{key:<|"|>text<|"|>,list:[1,2],inner:{a:true}}`."""

import re
from collections.abc import Sequence

from wgslm.chat.output.context import Context
from wgslm.chat.output.json_text import MAX_DEPTH, quoted
from wgslm.chat.output.styles import GemmaStyle
from wgslm.chat.output.tape import Malformed, Marks, Steps
from wgslm.chat.output.values import as_json

_BARE = re.compile(r"[^,\]}\n]+")
_NO_KEY = re.compile(r"[,\[\]{}\n]")
_NAME = Marks(["{"])
_KEY = Marks([":"])
MAX_BARE = 4096


def gemma_calls(context: Context, style: GemmaStyle, close: Sequence[str]) -> Steps[None]:
    """Read one call up to one of `close`."""
    tape = context.tape
    yield from tape.space()
    if not (yield from tape.skip("call:")):
        raise Malformed
    context.begin((yield from tape.upto(_NAME, 256)).strip())
    context.sink.arguments("{")
    yield from _object(context, style)
    context.end()
    yield from tape.brackets()
    yield from tape.skip(*close)


def _object(context: Context, style: GemmaStyle) -> Steps[None]:
    """Read the inside of an object and its end."""
    tape, tell = context.tape, context.sink.arguments
    stack, is_first = ["}"], True
    while stack:
        character = yield from tape.space()
        if character == stack[-1]:
            tape.take(1)
            tell(stack.pop())
            is_first = False
            continue
        if not is_first:
            if (yield from tape.need()) != ",":
                raise Malformed
            tell(", ")
            yield from tape.space()
        if stack[-1] == "}":
            key = (yield from tape.upto(_KEY, 256)).strip()
            bare = key.removeprefix(style.quote).removesuffix(style.quote).strip("\"'")
            if bare == key and _NO_KEY.search(key):
                raise Malformed  # a bare text with a comma came before
            tell(f'"{quoted(bare)}": ')
        character = yield from tape.space()
        is_first = character in ("{", "[")
        if is_first:
            tell(tape.take(1))
            stack.append("}" if character == "{" else "]")
            if len(stack) > MAX_DEPTH:
                raise Malformed
        elif (yield from tape.skip(style.quote)):
            yield from _text(context, style.quote)
        else:
            yield from _bare(context)


def _text(context: Context, quote: str) -> Steps[None]:
    tape, tell = context.tape, context.sink.arguments
    tell('"')
    end = Marks([quote])
    if not (yield from tape.until(end, lambda piece: tell(quoted(piece)), is_inside=True)):
        raise Malformed
    tape.take(len(quote))
    tell('"')


def _bare(context: Context) -> Steps[None]:
    written = ""
    while (yield from context.tape.peek()) and (
        more := context.tape.run(_BARE, MAX_BARE + 1 - len(written))
    ):
        written += more
        if len(written) > MAX_BARE:
            raise Malformed
    if not written.strip():
        raise Malformed
    context.sink.arguments(as_json(written.strip(), None))
