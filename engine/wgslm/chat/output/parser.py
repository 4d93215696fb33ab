"""Reads a model's answer as it comes: thoughts, text and calls, whatever way it is split."""

import re
import secrets
import string
from collections.abc import Callable, Iterable
from dataclasses import replace

from wgslm.chat.events import Delta
from wgslm.chat.output import routed
from wgslm.chat.output.context import Context
from wgslm.chat.output.gemma_calls import gemma_calls
from wgslm.chat.output.json_calls import json_calls
from wgslm.chat.output.lines import Lines, Pairs
from wgslm.chat.output.named_calls import named_calls
from wgslm.chat.output.nested_calls import nested_calls
from wgslm.chat.output.python_calls import python_calls
from wgslm.chat.output.sink import Sink
from wgslm.chat.output.styles import (
    Calls,
    Format,
    GemmaStyle,
    JsonStyle,
    NamedStyle,
    NestedStyle,
    PythonStyle,
    TaggedStyle,
    Thinking,
    read_tools,
)
from wgslm.chat.output.tagged_calls import tagged_calls
from wgslm.chat.output.tape import Malformed, Marks, Steps, Tape

_LETTERS = string.ascii_letters + string.digits
_TAG = re.compile(r"[<\[\]].*[>\]]")
_NAME = re.compile(r"[ \w]*")
_CLOSERS = "'),.:;"
_TRIED = ("", "\n", "\r", "{", "[", "<")  # behind a mark of calls that is not spoken of
_BLANKS = re.compile(r"\s+")
MAX_AGAIN = 1024  # characters that are read again after a mark that began no call
MAX_CHANNEL = 32  # characters of what a part of an answer is called


def new_call_id() -> str:
    """Make an id for a call: nine letters and digits, as Mistral's templates ask."""
    return "".join(secrets.choice(_LETTERS) for _ in range(9))


class OutputParser:
    """Takes the text of one answer and gives what it says."""

    def __init__(
        self,
        format: Format,
        *,
        tools: object = None,
        prompt: str = "",
        new_id: Callable[[], str] = new_call_id,
    ) -> None:
        """Read an answer to `prompt`, whose end may have begun the thoughts; calls need `tools`."""
        known = read_tools(tools)
        self._tape = Tape()
        self._sink = Sink(new_id)
        calls = format.calls if known.types else None
        only_known = calls is not None and calls.only_known
        context = Context(self._tape, self._sink, known, only_known)
        self._steps = _answer(context, format, calls, prompt)
        next(self._steps)

    @property
    def has_calls(self) -> bool:
        """Whether a call was read that holds."""
        return self._sink.calls > 0

    def push(self, text: str) -> list[Delta]:
        """Take the next piece; give what it makes certain."""
        if text:
            self._tape.push(text)
            next(self._steps)
        return self._sink.drain()

    def finish(self, *, was_cut: bool = False) -> list[Delta]:
        """Give the rest; after a cut an unfinished call stays as it is, else it was none."""
        self._tape.ended, self._tape.was_cut = True, was_cut
        for _ in self._steps:
            raise AssertionError("a reader waits at the end of its text")
        self._sink.finish()
        return self._sink.drain()


def _answer(context: Context, format: Format, calls: Calls | None, prompt: str) -> Steps[None]:
    tape = context.tape
    while not tape.ended and not (yield from _has_come(tape)):
        pass
    if format.routed and format.routed.kind == "functionary":
        yield from routed.functionary(context)
    elif format.routed:
        kin = routed.HARMONY if format.routed.kind == "harmony" else routed.MUSE
        yield from routed.messages(context, kin)
    else:
        yield from _Plain(context, format, calls).read(prompt)


def _has_come(tape: Tape) -> Steps[bool]:
    yield
    return bool((yield from tape.peek()))


class _Plain:
    """Answers of thoughts, text and calls in a row."""

    def __init__(self, context: Context, format: Format, calls: Calls | None) -> None:
        self._context, self._calls = context, calls
        self._tape, self._sink = context.tape, context.sink
        self._thinking = thinking = format.thinking
        opens = (*calls.open, *calls.unopened) if calls else ()
        self._open = (thinking.head or thinking.open) if thinking else ""
        thoughts = [self._open, thinking.close] if thinking else []
        self._start = [*opens, *format.dropped, *thoughts]
        close = [thinking.close] if thinking else []
        ends = calls.ends if calls else {}
        self._call_ends = _tags(ends)
        self._closes = _tags([*close, *self._call_ends])
        self._lone = _tags(opens)  # that nothing follows: no call, and no words
        self._lines = Lines()
        self._pairs = Pairs({end: ends[end] for end in self._call_ends})
        self._is_spoken = False  # of marks, as one was told
        self._broken: str | None = None  # white space before calls that thoughts broke off for
        is_anywhere = thinking is not None and thinking.anywhere
        begins = thoughts if is_anywhere else _tags(thoughts)
        self._marks = Marks([*opens, *format.dropped, *begins, *self._closes])
        self._ends = Marks([*close, *(calls.open if calls and calls.ends_thinking else ())])

    def read(self, prompt: str) -> Steps[None]:
        """Read an answer."""
        tape, thinking = self._tape, self._thinking
        if thinking and prompt.rstrip().endswith(thinking.open.rstrip()):
            yield from tape.space()
            yield from tape.skip(thinking.open)  # some models write it once more
            yield from self._think()
        is_start = True
        while (yield from tape.peek()):
            tape.record()
            if is_start:
                yield from tape.space()
                mark = yield from tape.match(self._start)
                self._sink.text(tape.recorded())
                if not mark and (yield from self._is_bare()):
                    tape.record()
                    is_start = yield from self._call(self._bare_calls())
                    continue
                tape.record()
            else:
                mark = ""
            if not mark:
                is_start = False
                mark = yield from tape.until(self._marks, self._tell)
            is_start = bool(mark) and (yield from self._at(mark, is_start=is_start))

    def _tell(self, piece: str) -> None:
        self._saw(piece)
        self._sink.text(piece)

    def _saw(self, text: str) -> None:
        self._lines.push(text)
        self._pairs.push(text)

    def _border(self) -> None:
        """End a part of the answer."""
        self._lines = Lines()
        self._sink.part()

    def _at(self, mark: str, *, is_start: bool) -> Steps[bool]:
        """Read what a mark begins; say whether thoughts may follow."""
        tape, thinking = self._tape, self._thinking
        tape.record()
        if self._calls and mark in self._calls.unopened:
            known = replace(self._context, only_known=True)
            reading = self._read_calls(self._calls, self._calls.close, known)
            return (yield from self._call(reading, mark))
        tape.take(len(mark))
        if self._calls and mark in self._calls.open:
            yield from self._again(mark)
            if self._lines.is_new and (yield from self._is_none()):
                if self._broken is not None:
                    self._sink.think_on(self._broken + tape.recorded())
                    yield from self._think()
                self._border()
                return True
            return (yield from self._call(self._marked_calls(), mark))
        counts = is_start or (thinking is not None and thinking.anywhere)
        if thinking and mark == self._open:
            if counts or (yield from self._is_alone()):
                yield from self._part(thinking)
                return True
            self._speak(mark)
            return False
        if thinking and mark == thinking.close and counts:
            self._border()
        elif mark in self._closes:
            return (yield from self._close(mark))
        return True

    def _again(self, mark: str) -> Steps[None]:
        """Read what begins calls once more; some models write it twice."""
        while (yield from self._tape.space()) and (yield from self._tape.skip(mark)):
            pass

    def _is_none(self) -> Steps[bool]:
        """Read the end of calls that are none, if it comes next."""
        close = self._calls.close if self._calls else ()
        empty = (yield from self._tape.peek()) and (yield from self._tape.skip(*close))
        return bool(empty)

    def _close(self, mark: str) -> Steps[bool]:
        """Leave out an end that nothing began, unless it may be spoken of."""
        if self._lines.is_empty:
            self._border()
            return True
        is_call = mark in self._call_ends
        outer = self._calls.close if self._calls else ()
        if is_call and any(self._pairs.is_begun(end) for end in (mark, *outer)):
            self._tell(mark)
            return False
        blanks, is_end = yield from self._is_end()
        if not is_end:
            self._speak(mark + blanks)
        elif not is_call and self._is_spoken:
            self._tell(mark + blanks)
        elif is_call:
            self._tell(blanks)
        else:
            self._lines = Lines()
            self._pairs.forget()
            self._sink.rethink()
            return True
        return False

    def _speak(self, mark: str) -> None:
        self._is_spoken = True
        self._tell(mark)

    def _is_alone(self) -> Steps[bool]:
        """Whether the mark that was read is all of a line, and in no block of code."""
        following = yield from self._tape.peek()
        return self._lines.is_new and following in ("", "\r", "\n")

    def _is_end(self) -> Steps[tuple[str, bool]]:
        """Read the blanks after a mark; say whether it ends anything, or is spoken of.

        An end begins a line or is behind a sentence. It is the last of its line, or before
        another mark, or what follows begins at once.
        """
        tape, blanks = self._tape, ""
        while (following := (yield from tape.peek())).isspace():
            blanks += tape.run(_BLANKS)
        lines = self._lines
        if lines.is_code or not (lines.may_end or not following):
            return blanks, False
        ends_line = not following or "\n" in blanks
        if ends_line or (yield from tape.match(self._marks.texts)):
            return blanks, True
        begins = following not in _CLOSERS or lines.is_new
        is_spoken = bool(blanks) and (following.islower() or not lines.is_new)
        return blanks, begins and not is_spoken

    def _part(self, thinking: Thinking) -> Steps[None]:
        """Read thoughts; where a head names another part instead, its name."""
        tape = self._tape
        if not thinking.head:
            yield from self._think()
            return
        self._border()
        name = ""
        while (yield from tape.peek()) and len(name) < MAX_CHANNEL:
            found = tape.run(_NAME, MAX_CHANNEL - len(name))
            if not found:
                break
            name += found
        end = yield from tape.skip("\r\n", "\n")
        is_whole = bool(end) or bool((yield from tape.match([thinking.close])))
        if is_whole and thinking.open == f"{thinking.head}{name.strip()}\n":
            yield from self._think()
            return
        is_cut = tape.was_cut and not (yield from tape.peek())
        if not (name.strip().isidentifier() and (is_whole or is_cut)):
            self._tell(name + end)

    def _think(self) -> Steps[None]:
        mark = yield from self._tape.until(self._ends, self._sink.think)
        is_closed = self._thinking is not None and mark == self._thinking.close
        self._broken = self._sink.thoughts_held if mark and not is_closed else None
        self._border()
        if is_closed:
            self._tape.take(len(mark))

    def _call(self, reading: Steps[None], mark: str = "") -> Steps[bool]:
        """Read calls; what is none is told as text, and what no call came of is read again."""
        before, begun = self._lines, self._sink.begun
        broken, self._broken = self._broken, None
        self._border()
        try:
            yield from reading
        except Malformed:
            raw = self._tape.recorded()
            if self._tape.was_cut and self._tape.ended and self._sink.keep():
                self._tape.drop()  # it may be the beginning of a mark
            elif not (self._tape.ended and raw.strip() in self._lone):
                if mark and begun == self._sink.begun and len(raw) <= MAX_AGAIN:
                    self._tape.unread(raw[len(mark) :])
                    raw = mark
                    if broken is not None and (yield from self._tape.peek()) not in _TRIED:
                        self._sink.think_on(broken + mark)
                        yield from self._think()
                        return True
                self._sink.void(raw)
                self._lines = before
                self._saw(raw)
            return False
        self._border()
        ends = (*(self._calls.close if self._calls else ()), *self._call_ends)
        while (yield from self._tape.space()) and (yield from self._tape.skip(*ends)):
            pass  # some models write the ends twice
        return True

    def _is_bare(self) -> Steps[bool]:
        """Whether what comes may be a call without marks around it."""
        if not self._calls or not self._calls.only_known:
            return False
        first = yield from self._tape.peek()
        return first == ("[" if isinstance(self._calls.style, PythonStyle) else "{")

    def _bare_calls(self) -> Steps[None]:
        assert self._calls is not None
        return self._read_calls(self._calls, (), self._context)

    def _marked_calls(self) -> Steps[None]:
        assert self._calls is not None
        return self._read_calls(self._calls, self._calls.close, self._context)

    def _read_calls(self, calls: Calls, close: tuple[str, ...], context: Context) -> Steps[None]:
        style = calls.style
        match style:
            case JsonStyle():
                first = yield from self._tape.space()
                if context.only_known and first not in ("{", "["):  # after Llama's python tag
                    yield from python_calls(context, PythonStyle(suffix=".call"), close)
                else:
                    yield from json_calls(context, style, close)
            case NamedStyle():
                yield from named_calls(context, style, close)
            case TaggedStyle():
                yield from tagged_calls(context, style, close)
            case NestedStyle():
                yield from nested_calls(context, style, close)
            case PythonStyle():
                yield from python_calls(context, style, close)
            case GemmaStyle():
                yield from gemma_calls(context, style, close)


def _tags(marks: Iterable[str]) -> list[str]:
    """Return those that no sentence has."""
    return [mark for mark in marks if _TAG.fullmatch(mark)]
