"""The grammar of a model's tool calls: which tools, in which format, whether one must be called.

Knows no model's format by name; whoever does describes it with `CallFormat`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wgslm.errors import RequestError
from wgslm.grammar.characters import complement, single, union
from wgslm.grammar.expression import (
    EMPTY,
    Chars,
    Expression,
    Graph,
    Repeat,
    Rule,
    either,
    optional,
    row,
)
from wgslm.grammar.facts import Schema
from wgslm.grammar.grammar import Grammar
from wgslm.grammar.json_schema import COMMON, read_schema
from wgslm.grammar.program import ROOT


@dataclass(frozen=True)
class Tool:
    """A function that may be called. Its arguments follow `parameters` if it is `strict`."""

    name: str
    parameters: Schema
    strict: bool = True


@dataclass(frozen=True)
class CallFormat:
    """How a model writes calls: these texts around names and arguments, which are JSON.

    Hermes, for one: `<tool_call>\\n{"name": "`, name, `", "arguments": `, arguments,
    `}\\n</tool_call>`, and a line's end between calls.
    """

    before_name: str
    after_name: str
    after_arguments: str
    before_all: str = ""
    between: str = ""
    after_all: str = ""
    trigger: str = ""  # what no other text has; by default all up to the first name

    @property
    def opening(self) -> str:
        """What stands before the first call's name."""
        return self.before_all + self.before_name


def for_tools(
    tools: Sequence[Tool],
    format: CallFormat,
    *,
    required: bool = False,
    parallel: bool = True,
    reasoning_end: str = "",
) -> Grammar:
    """Return the grammar of answers with calls of `tools`.

    Where a call is `required` the answer is nothing else (name one tool to require that one);
    else it is any text, and the grammar begins where the format's trigger comes. Where there is a
    `reasoning_end`, any text up to it comes first. Control tokens may be chosen for their text.
    """
    if not tools:
        raise RequestError("there is no tool that could be called", "tools")
    rules: dict[str, Expression] = dict(COMMON)
    calls = []
    for index, tool in enumerate(tools):
        arguments = f"arguments {index}"
        rules[arguments] = Rule("object")
        if tool.strict:
            rules |= read_schema(tool.parameters, arguments)
        calls.append(row(tool.name, format.after_name, Rule(arguments), format.after_arguments))
    rules["call"] = either(calls)
    more = Repeat(row(format.between, format.before_name, Rule("call")))
    rest = row(Rule("call"), more if parallel else EMPTY, format.after_all)
    reasoning = until(reasoning_end) if reasoning_end else EMPTY
    if required:
        rules[ROOT] = row(reasoning, optional(Chars(BLANKS)), format.opening, rest)
    else:
        trigger = format.trigger or format.opening
        if not trigger or not format.opening.startswith(trigger):
            raise RequestError(f"a format's calls begin with {format.opening!r}, not {trigger!r}")
        called = row(until(trigger), format.opening[len(trigger) :], rest)
        rules[ROOT] = row(reasoning, either([without(trigger), called]))
    return Grammar(rules, writes_specials=True)


BLANKS = union([single(" "), single("\n")])


def until(text: str) -> Graph:
    """Return the texts that end where `text` comes for the first time."""
    return Graph((*_search(text), ()), frozenset({len(text)}))


def without(text: str) -> Graph:
    """Return the texts in which `text` does not come."""
    edges = _search(text)
    kept = tuple(tuple(edge for edge in each if edge[1] < len(text)) for each in edges)
    return Graph(kept, frozenset(range(len(text))))


def _search(text: str) -> tuple[tuple[tuple[Expression, int], ...], ...]:
    """Return the edges of a search for `text`: a state is how much of it has come last."""
    signs = sorted(set(text))
    others = complement(union(single(sign) for sign in signs))
    edges = []
    for state in range(len(text)):
        row_: list[tuple[Expression, int]] = [(Chars(others), 0)]
        for sign in signs:
            come = text[:state] + sign
            longest = next(n for n in range(state + 1, -1, -1) if come.endswith(text[:n]))
            row_.append((Chars(single(sign)), longest))
        edges.append(tuple(row_))
    return tuple(edges)
