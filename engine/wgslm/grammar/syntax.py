"""How values are written: as JSON here; other ways say what they write otherwise.

A way that stands inside of marks never writes them: they are barred from its strings.
"""

import json
from collections.abc import Mapping, Sequence

from wgslm.errors import RequestError
from wgslm.grammar.automaton import Automaton, determined, intersection
from wgslm.grammar.characters import ANY, complement, single, union
from wgslm.grammar.expression import (
    NOTHING,
    Chars,
    Expression,
    Graph,
    Repeat,
    Rule,
    Text,
    either,
    one_of,
    optional,
    row,
)
from wgslm.grammar.facts import error
from wgslm.grammar.numbers import NUMBER
from wgslm.grammar.search import without
from wgslm.grammar.strings import STRING_RULES, character, encoded, escaped

Edges = list[list[tuple[Expression, int]]]
SHARED: Mapping[str, Expression] = {
    **STRING_RULES,
    "blank": optional(either([" ", row("\n", Repeat(one_of(" \t"), 0, 20))])),
    "number": NUMBER,
}


class Syntax:
    """JSON, whose strings have none of the `barred` texts."""

    braces, brackets = ("{", "}"), ("[", "]")
    words: Mapping[str, str] = {"true": "true", "false": "false", "null": "null"}
    blank: Expression = Rule("blank")
    comma: Expression = row(",", Rule("blank"))
    colon: Expression = row(":", Rule("blank"))

    def __init__(self, name: str = "", barred: Sequence[str] = ()) -> None:
        """Make a way; `name` comes before those of its rules, to tell it from others."""
        self.barred = tuple(barred)
        self.any_value = Rule(f"{name}value")
        self.any_object = Rule(f"{name}object")
        self.any_array = Rule(f"{name}array")
        self.any_string: Expression = Rule(f"{name}string")

    def rules(self) -> dict[str, Expression]:
        """Return the rules that its expressions name."""
        assert isinstance(self.any_string, Rule)
        scalars: list[Expression | str] = [self.any_string, Rule("number")]
        scalars += self.words.values()
        return {
            **SHARED,
            self.any_value.name: either([self.any_object, self.any_array, *scalars]),
            self.any_string.name: self.quoted(without(self.barred))
            if self.barred
            else self.bounded(0, None),
            self.any_object.name: self._row(self.braces, self.other(None, self.any_value)),
            self.any_array.name: self._row(self.brackets, self.any_value),
        }

    def quoted(self, content: Expression) -> Expression:
        """Return the strings that hold what an expression matches."""
        return row('"', encoded(self.kept(content), character, escaped), '"')

    def bounded(self, least: int, most: int | None) -> Expression:
        """Return the strings of so many characters."""
        if not self.barred:
            return row('"', Repeat(Rule("character"), least, most), '"')
        return self.quoted(self.kept_count(least, most))

    def literal(self, value: object) -> Expression:
        """Return one value, with blanks where they may be."""
        if isinstance(value, str):
            return self.literal_text(value)
        if isinstance(value, list):
            return self._listed(self.brackets, [self.literal(each) for each in value])
        if isinstance(value, dict):
            members = [self.pair(name, self.literal(each)) for name, each in value.items()]
            return self._listed(self.braces, members)
        if isinstance(value, float) and value % 1 == 0 and abs(value) < 1e15:
            return either([f"{value:.1f}", f"{value:.0f}"])
        try:
            text = json.dumps(value, allow_nan=False)
        except ValueError:
            raise error(f"has the value {value}, which JSON cannot write") from None
        return Text(self.words.get(text, text))

    def literal_text(self, text: str) -> Expression:
        """Return one string; NOTHING where it cannot be written."""
        return NOTHING if self.bars(text) else self.quoted(Text(text))

    def pair(self, name: str, value: Expression) -> Expression:
        """Return a member of an object."""
        return row(self.literal_text(name), self.colon, value)

    def other(self, names: Automaton | None, value: Expression) -> Expression:
        """Return a member with any of these names; None: any at all."""
        key = self.any_string if names is None else self.quoted(names.graph())
        return row(key, self.colon, value)

    def members(self, edges: Edges, accepting: set[int], empty: set[int]) -> Expression:
        """Return objects whose members a graph has; it has had none yet in its `empty` states."""
        return self._enclosed(self.braces, edges, accepting, empty)

    def items(self, edges: Edges, accepting: set[int]) -> Expression:
        """Return arrays whose items a graph has; it has had none yet in state 0."""
        return self._enclosed(self.brackets, edges, accepting, {0})

    def item(self, value: Expression) -> Expression:
        """Return an item of an array."""
        return value

    def bars(self, text: str) -> bool:
        """Say whether a text has a barred one."""
        return any(mark in text for mark in self.barred)

    def kept(self, content: Expression) -> Expression:
        """Return what of a string's content has nothing that is barred."""
        if not self.barred or isinstance(content, Text) or content == without(self.barred):
            return content
        return intersection(determined(content), determined(without(self.barred))).graph()

    def kept_count(self, least: int, most: int | None) -> Expression:
        """Return the texts of so many characters that have nothing that is barred.

        Where that needs too many states, characters that barred texts begin with are left out.
        """
        try:
            return self.kept(Repeat(Chars(ANY), least, most))
        except RequestError:
            begun = union(single(mark[0]) for mark in self.barred)
            return Repeat(Chars(complement(begun)), least, most)

    def _row(self, marks: tuple[str, str], part: Expression) -> Expression:
        more = Repeat(row(self.comma, part))
        return row(marks[0], self.blank, optional(row(part, more, self.blank)), marks[1])

    def _listed(self, marks: tuple[str, str], parts: list[Expression]) -> Expression:
        inner: list[Expression | str] = []
        for index, part in enumerate(parts):
            inner += [self.comma, part] if index else [part]
        return row(marks[0], self.blank, *inner, *([self.blank] if parts else []), marks[1])

    def _enclosed(
        self, marks: tuple[str, str], edges: Edges, accepting: set[int], empty: set[int]
    ) -> Expression:
        last = len(edges)
        for state in accepting - empty:
            edges[state].append((self.blank, last))
        graph = Graph((*map(tuple, edges), ()), frozenset(accepting & empty | {last}))
        return row(marks[0], self.blank, graph, marks[1])


JSON = Syntax()
