"""The grammar of a whole answer whose calls are demanded: thoughts, text, calls."""

import json
from collections.abc import Sequence
from functools import lru_cache

from wgslm.chat.demands.demand import Demand, functions
from wgslm.chat.demands.messages import routed_answer
from wgslm.chat.demands.styles import GAP, Script, between_marks
from wgslm.chat.output.detect import marks
from wgslm.chat.output.styles import Calls, Format, PythonStyle, Thinking, read_tools
from wgslm.errors import RequestError
from wgslm.grammar import Grammar
from wgslm.grammar.characters import Ranges, complement, union
from wgslm.grammar.expression import (
    EMPTY,
    Chars,
    Expression,
    Repeat,
    either,
    one_of,
    optional,
    row,
)
from wgslm.grammar.program import ROOT
from wgslm.grammar.search import marked, until, without

KEPT = 16  # grammars, with their masks, for those who ask again
BLANKS = one_of(" \n")
# What Python's `str.isspace` says.
SPACES: Ranges = (
    (0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
    (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip


def answer_grammar(format: Format, tools: Sequence[object], demand: Demand, prompt: str) -> Grammar:
    """Return the grammar of the answers to `prompt` that are as demanded.

    Its calls are read back as calls of `tools` with valid arguments. Where none is required the
    answer is free until one begins.
    """
    if format.calls is None and format.routed is None:
        raise RequestError(
            "the model's chat template does not show how it writes calls, so none can be "
            "demanded; leave out 'tool_choice', 'strict' and 'parallel_tool_calls'",
            "tool_choice",
        )
    end = prompt.rstrip()
    thinking = format.thinking
    is_open = thinking is not None and end.endswith(thinking.open.rstrip())
    is_done = thinking is not None and end.endswith(thinking.close.rstrip())
    place = "in" if is_open else "after" if is_done else ""
    if end.endswith(">>>"):
        place = "head"
    return _grammar(format, json.dumps(tools), demand, place)


@lru_cache(KEPT)
def _grammar(format: Format, tools: str, demand: Demand, place: str) -> Grammar:
    offered = json.loads(tools)
    script = Script(functions(offered, demand), read_tools(offered), demand.parallel)
    required = demand.required or demand.name is not None
    if format.routed:
        root = routed_answer(format.routed, script, required=required, is_begun=place == "head")
    else:
        assert format.calls is not None
        answer = _Answer(format, format.calls, script, place)
        root = answer.required() if required else answer.free()
    return Grammar({**script.rules, ROOT: root}, marks=marks(format, has_tools=True))


class _Answer:
    """Answers of thoughts, text and calls in a row."""

    def __init__(self, format: Format, calls: Calls, script: Script, place: str) -> None:
        self._calls, self._place = calls, place
        self._thinking: Thinking | None = format.thinking
        script.rules["calls"] = between_marks(calls, script)
        body = script.rules["calls"]
        dropped = Repeat(either([BLANKS, *format.dropped]), 0, 4)
        self._before = dropped
        close = row(GAP, either(calls.close)) if calls.close else EMPTY
        again: Expression = EMPTY
        if script.parallel and calls.open:
            again = Repeat(row(GAP, either(calls.open), GAP, body, close))
        after = dropped if format.dropped else EMPTY
        self._opened = row(GAP, body, close, again, after)  # what follows the mark of the first
        self._bare = body if calls.only_known else None

    def required(self) -> Expression:
        """Return calls, after thoughts where the model thinks."""
        ways = [row(either(self._calls.open), self._opened)] if self._calls.open else []
        ways += [self._bare] if self._bare is not None else []
        return row(self._thoughts(), self._before, either(ways))

    def free(self) -> Expression:
        """Return any text, in which calls are as they must be; nothing follows them."""
        thinking, inside = self._thinking, self._place == "in"
        after = dict.fromkeys(self._calls.open, self._opened)
        back: dict[str, Expression] = {}
        before: Expression = EMPTY
        if thinking and not self._calls.ends_thinking:  # else calls may begin within thoughts
            if thinking.anywhere:
                back[thinking.open] = either([until(thinking.close)])
            elif not inside:
                space = Repeat(Chars(SPACES))
                before = optional(row(space, thinking.open, until(thinking.close)))
        else:
            inside = False
        text: Expression = marked(after, back)
        if self._bare is not None:
            opening = ord("[" if isinstance(self._calls.style, PythonStyle) else "{")
            first = complement(union([SPACES, ((opening, opening),)]))
            text = either([self._bare, marked(after, back, first=first)])
            text = row(Repeat(Chars(SPACES)), text)
        if inside:
            assert thinking is not None
            return either([without([thinking.close]), row(until(thinking.close), text)])
        return row(before, text)

    def _thoughts(self) -> Expression:
        thinking = self._thinking
        if thinking is None or self._place == "after":
            return EMPTY
        barred = self._calls.open if self._calls.ends_thinking else ()
        thoughts = until(thinking.close, barred)
        if self._place == "in":
            return thoughts
        begun = row(Repeat(BLANKS, 0, 2), thinking.open, thoughts)
        return optional(either([begun, thinking.close]))  # some write the end alone
