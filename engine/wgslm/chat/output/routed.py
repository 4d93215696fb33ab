"""Reads answers of several messages whose heads say what each is: Harmony, Muse, functionary."""

import re
from dataclasses import dataclass

from wgslm.chat.output import json_text
from wgslm.chat.output.context import Context
from wgslm.chat.output.styles import TaggedStyle
from wgslm.chat.output.tagged_calls import tagged_calls
from wgslm.chat.output.tape import Malformed, Marks, Steps

MAX_HEAD = 512
ATEM = TaggedStyle(
    '<atem:invoke name="',
    ">",
    '<atem:parameter name="',
    ">",
    "</atem:parameter>",
    "</atem:invoke>",
)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")
_RECIPIENT = re.compile(r"to=([\w.\-]+)")
_ROLE = re.compile(r"[\w.\-]+")


@dataclass(frozen=True)
class Kin:
    """The marks of one kind of messages."""

    start: str
    message: str
    ends: tuple[str, ...]
    begins: tuple[str, ...]  # what a head begins with once its role is written


HARMONY = Kin(
    "<|start|>",
    "<|message|>",
    ("<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>"),
    ("<|channel|>", " to=", "<|constrain|>", "<|message|>"),
)
MUSE = Kin("<|start|>", "<|message|>", ("<|eom|>", "<|eot|>", "<|start|>"), (" to=", "<|message|>"))
MARKS = (*HARMONY.ends, *HARMONY.begins[2:], *MUSE.ends)


def messages(context: Context, kin: Kin) -> Steps[None]:
    """Read the messages of an answer whose first head the prompt has begun."""
    tape, sink = context.tape, context.sink
    anything = Marks([*kin.ends, kin.message])
    while (yield from tape.peek()):
        tape.record()
        try:
            is_message = yield from _message(context, kin)
        except Malformed:
            read = tape.recorded()
            if not (tape.was_cut and tape.ended and sink.keep()):
                sink.void(read)
            continue
        if is_message:
            sink.part()
            continue
        mark = yield from tape.until(anything, sink.text)
        if mark and not (yield from tape.match(kin.begins)) and mark != kin.start:
            tape.take(len(mark))
            sink.part()


def _message(context: Context, kin: Kin) -> Steps[bool]:
    """Read a head and its message; say whether there was one."""
    tape, sink = context.tape, context.sink
    is_started = bool((yield from tape.skip(kin.start)))
    if is_started:
        while (yield from tape.peek()) and tape.run(_ROLE):
            pass
    if not (yield from tape.match(kin.begins)):
        return is_started
    ends = Marks(kin.ends)
    breaks = [end for end in kin.ends if end not in kin.begins]
    head, mark = yield from tape.before(Marks([kin.message, *breaks]), MAX_HEAD)
    if mark != kin.message:
        raise Malformed
    tape.take(len(mark))
    channel, recipient = _CHANNEL.search(head), _RECIPIENT.search(head)
    name = recipient[1] if recipient else ""
    if name == "self" or (not name and channel and channel[1] == "analysis"):
        yield from tape.until(ends, sink.think)
    elif not name or name in ("user", "all"):
        yield from tape.until(ends, sink.text)
    elif kin is MUSE:
        sink.part()
        yield from tape.space()
        if not (yield from tape.skip("<atem:function_calls>")):
            raise Malformed
        yield from tagged_calls(context, ATEM, ["</atem:function_calls>"])
    else:
        sink.part()
        context.begin(name.removeprefix("functions."))
        if (yield from tape.space()) == "{":
            yield from json_text.value(tape, sink.arguments)
        elif (yield from tape.match(kin.ends)):
            sink.arguments("{}")
        else:
            raise Malformed
        context.end()
    yield from tape.space()
    yield from tape.skip(*(end for end in kin.ends if end not in (kin.start, *kin.begins)))
    return True


def functionary(context: Context) -> Steps[None]:
    """Read functionary v3.2: `>>>all` and text, or `>>>name` and arguments."""
    tape, sink = context.tape, context.sink
    mark = Marks([">>>"])
    while True:
        tape.record()
        try:
            yield from _recipient(context)
        except Malformed:
            read = tape.recorded()
            if not (tape.was_cut and tape.ended and sink.keep()):
                sink.void(read)
        if not (yield from tape.until(mark, sink.text)):
            return


def _recipient(context: Context) -> Steps[None]:
    """Read whom a part is for; arguments too."""
    tape, sink = context.tape, context.sink
    yield from tape.skip(">>>")
    name = yield from tape.upto(Marks(["\n"]), 256)
    if name.strip() == "all":
        sink.part()
        return
    if not context.tools.knows(name.strip()):
        raise Malformed
    sink.part()
    context.begin(name.strip())
    if (yield from tape.space()) == "{":
        yield from json_text.value(tape, sink.arguments)
    else:
        sink.arguments('{"code": "')
        yield from tape.until(Marks([">>>"]), lambda piece: sink.arguments(json_text.quoted(piece)))
        sink.arguments('"}')
    context.end()
