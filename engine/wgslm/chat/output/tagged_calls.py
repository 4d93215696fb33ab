"""Reads calls with an argument per tag: Qwen3-Coder, MiniMax, GLM, Kimi K3, DeepSeek V3.2."""

from collections.abc import Sequence

from wgslm.chat.output.context import Context
from wgslm.chat.output.json_calls import json_calls
from wgslm.chat.output.json_text import quoted
from wgslm.chat.output.styles import JsonStyle, TaggedStyle
from wgslm.chat.output.tape import Malformed, Marks, Steps
from wgslm.chat.output.values import as_json

MAX_TAG = 512


def tagged_calls(context: Context, style: TaggedStyle, close: Sequence[str]) -> Steps[None]:
    """Read calls up to one of `close`, or as many as there are."""
    tape = context.tape
    if (yield from tape.space()) in ("{", "["):  # a model that was tuned on both
        yield from json_calls(context, JsonStyle(), close)
        return
    while True:
        if style.call and not (yield from tape.skip(style.call)):
            raise Malformed
        yield from _call(context, style, close)
        yield from tape.space()
        if not style.call or not (yield from tape.match([style.call])):
            break
    yield from tape.skip(*close)


def _call(context: Context, style: TaggedStyle, close: Sequence[str]) -> Steps[None]:
    tape, sink = context.tape, context.sink
    ends = [end for end in (style.call_end, *close) if end]
    name = yield from _name(context, style, ends)
    context.begin(name)
    sink.arguments("{")
    is_first = True
    again = (style.value_end, style.value and style.key_end)  # some models write these twice
    while (yield from tape.space()):
        if (yield from tape.skip(style.key)):
            key, attributes = _parts((yield from tape.upto(Marks([style.key_end]), MAX_TAG)))
            if style.value:
                while (yield from tape.space()) and (yield from tape.skip(style.key_end)):
                    pass
                if not (yield from tape.skip(style.value)):
                    raise Malformed
            sink.arguments(f'{"" if is_first else ", "}"{quoted(key)}": ')
            is_first = False
            yield from _value(context, style, _is_text(context, name, key, attributes))
        elif style.call_end and (yield from tape.skip(style.call_end)):
            while (yield from tape.space()) and (yield from tape.skip(style.call_end)):
                pass  # some models write it twice
            break
        elif not is_first and (yield from tape.skip(*again)):
            pass
        elif (yield from tape.match(ends)):
            break  # a call's own end is forgotten often
        else:
            raise Malformed
    else:
        if is_first or tape.was_cut:
            raise Malformed
    sink.arguments("}")
    context.end()


def _name(context: Context, style: TaggedStyle, ends: Sequence[str]) -> Steps[str]:
    """Read a call's name, which in GLM ends where its first argument begins."""
    if style.name_end:
        return _parts((yield from context.tape.upto(Marks([style.name_end]), MAX_TAG)))[0]
    written, _ = yield from context.tape.before(Marks([style.key, *ends]), MAX_TAG)
    return written.strip()


def _parts(tag: str) -> tuple[str, str]:
    """Split the inside of a tag into its first value and its other attributes."""
    tag = tag.strip()
    name, _, attributes = (tag[1:] if tag[:1] == '"' else tag).partition('"')
    return name.strip(), attributes


def _is_text(context: Context, name: str, key: str, attributes: str) -> bool | None:
    if 'string="true"' in attributes or 'type="string"' in attributes:
        return True
    if 'string="false"' in attributes or 'type="' in attributes:
        return False
    return context.tools.is_text(name, key)


def _value(context: Context, style: TaggedStyle, is_text: bool | None) -> Steps[None]:
    """Read a value and its end; strings are passed on as they come."""
    tape, sink = context.tape, context.sink
    end = Marks([style.value_end])
    if not is_text:
        pieces: list[str] = []
        mark = yield from tape.until(end, pieces.append, is_inside=True)
        written = "".join(pieces)
        if style.lines:
            written = written.removeprefix("\n").removesuffix("\n")
        sink.arguments(as_json(written, is_text) if mark else "")
    else:
        sink.arguments('"')
        if style.lines and (yield from tape.peek()) == "\n":
            tape.take(1)
        line = _Line() if style.lines else None
        mark = yield from tape.until(
            end,
            lambda piece: sink.arguments(quoted(line.push(piece) if line else piece)),
            is_inside=True,
        )
        if mark:
            sink.arguments('"')
    if not mark:
        raise Malformed
    tape.take(len(mark))


class _Line:
    """Passes text on but for one line end at its end."""

    def __init__(self) -> None:
        self._held = ""

    def push(self, piece: str) -> str:
        text = self._held + piece
        self._held = "\n" if text.endswith("\n") else ""
        return text.removesuffix("\n")
