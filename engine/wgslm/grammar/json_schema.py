"""Turns a JSON Schema (draft 2020-12) into rules whose texts are valid JSON documents.

Members come in the schema's order, then those that it does not name. Between tokens there is
nothing, one space, or a new line with an indent.
"""

import json
from dataclasses import replace

from wgslm.grammar.automaton import (
    EVERYTHING,
    Automaton,
    determined,
    difference,
    intersection,
    words,
)
from wgslm.grammar.characters import ANY
from wgslm.grammar.document import Document
from wgslm.grammar.expression import (
    EMPTY,
    NOTHING,
    Expression,
    Graph,
    Repeat,
    Rule,
    Text,
    either,
    row,
)
from wgslm.grammar.facts import Facts, Schema, both, error, own_facts
from wgslm.grammar.foreign import Members
from wgslm.grammar.numbers import number
from wgslm.grammar.program import ROOT
from wgslm.grammar.regex import matching, searching
from wgslm.grammar.strings import FORMATS
from wgslm.grammar.syntax import JSON, Edges, Syntax

MOST_PATTERNS = 5  # of patternProperties, whose names may overlap in every way
MOST_COUNTS = 50_000  # names times how many of them may have come


def read_schema(schema: Schema, root: str = ROOT, syntax: Syntax = JSON) -> dict[str, Expression]:
    """Return the rules of the documents that a schema allows; `root` names a document's."""
    try:
        return _Compiler(schema, root, syntax).rules()
    except RecursionError:
        raise error("is nested too deep") from None


def read_arguments(schema: Schema, root: str, members: Members) -> dict[str, Expression]:
    """Return the rules of the objects that a schema allows, their members as a call has them."""
    try:
        return _Compiler(schema, root, members.values).arguments(members)
    except RecursionError:
        raise error("is nested too deep") from None


def any_object() -> dict[str, Expression]:
    """Return the rules of any JSON object."""
    return {**JSON.rules(), ROOT: JSON.any_object}


class _Compiler:
    """Makes one rule of each schema that is met, so that equal ones are read once."""

    def __init__(self, root: Schema, name: str, syntax: Syntax) -> None:
        self._document = Document(root)
        self._syntax = syntax
        self._name = name  # before those of its rules, so that schemas can be put together
        self._rules: dict[str, Expression] = syntax.rules()
        self._names: dict[str, Rule] = {}
        self._todo: list[tuple[str, Schema]] = []
        self._root = root

    def rules(self) -> dict[str, Expression]:
        self._rules[self._name] = self._value(self._root)
        return self._finished()

    def arguments(self, members: Members) -> dict[str, Expression]:
        ways = []
        for facts in self._document.branches(self._document.read(self._root)):
            if facts.values is not None:
                raise error("lists an object's values, which calls of this form cannot follow")
            if "object" in facts.types:
                edges, accepting, _ = self._members(facts, members)
                ways.append(Graph(tuple(map(tuple, edges)), frozenset(accepting)))
        self._rules[self._name] = either(ways)
        return self._finished()

    def _finished(self) -> dict[str, Expression]:
        while self._todo:
            name, schema = self._todo.pop()
            self._rules[name] = self._alternatives(self._document.read(schema))
        return self._rules

    def _value(self, schema: Schema) -> Expression:
        """Return the rule of a schema."""
        if schema is True or schema == {}:
            return self._syntax.any_value
        if schema is False:
            return NOTHING
        key = json.dumps(schema)
        if key not in self._names:
            own_facts(schema)
            self._names[key] = Rule(f"{self._name} {len(self._names)}")
            self._todo.append((self._names[key].name, schema))
        return self._names[key]

    def _alternatives(self, facts: Facts) -> Expression:
        return either([self._one(each) for each in self._document.branches(facts)])

    def _one(self, facts: Facts) -> Expression:
        if facts.values is not None:
            bare = replace(facts, values=None)
            good = [v for v in facts.values if self._document.satisfies(v, bare)]
            return either([self._syntax.literal(value) for value in good])
        if facts == Facts():
            return self._syntax.any_value
        return either([self._of_type(kind, facts) for kind in sorted(facts.types)])

    def _of_type(self, kind: str, facts: Facts) -> Expression:
        match kind:
            case "null":
                return Text(self._syntax.words["null"])
            case "boolean":
                return either([self._syntax.words[word] for word in ("true", "false")])
            case "integer" | "number":
                return number(facts.bounds, is_integer=kind == "integer")
            case "string":
                return _string(facts, self._syntax)
            case "array":
                return self._array(facts)
            case _:
                return self._syntax.members(*self._members(facts, None))

    def _array(self, facts: Facts) -> Expression:
        least, most, comma = facts.min_items, facts.max_items, self._syntax.comma
        if most is not None and most < least:
            return NOTHING
        if facts.unique and (most is None or most > 1):
            raise error("uses 'uniqueItems', which cannot be enforced for more than one item")
        count = len(facts.prefix) if most is None else min(len(facts.prefix), most)
        edges: list[list[tuple[Expression, int]]] = [[] for _ in range(count + 1)]
        for index in range(count):
            item = self._item(facts.prefix[index])
            edges[index].append((row(comma, item) if index else item, index + 1))
        accepting = {state for state in range(least, count + 1)}
        if facts.items is not False and (most is None or most > count):
            item = self._item(facts.items)
            done = count if count else 1  # items so far when the repetition begins
            if not count:
                edges.append([])
                edges[0].append((item, 1))
            more = Repeat(
                row(comma, item), max(0, least - done), None if most is None else most - done
            )
            edges.append([])
            edges[done].append((more, done + 1))
            accepting.add(done + 1)
            accepting.discard(done)  # the repetition may be empty
        return self._syntax.items(edges, accepting)

    def _item(self, schema: Schema) -> Expression:
        return self._syntax.item(self._value(schema))

    def _members(self, facts: Facts, call: Members | None) -> tuple[Edges, set[int], set[int]]:
        """Return a graph of an object's members, where it may end, and where none has come."""
        comma = (call or self._syntax).comma
        names = self._allowed_names(facts.names)
        declared = list(dict.fromkeys([*facts.properties, *facts.required]))
        others = self._others(facts, declared, names, call)
        free, least, most = others != NOTHING, facts.min_properties, facts.max_properties
        if free and least > 1 and most is not None:
            raise error(
                "uses 'minProperties' and 'maxProperties' for names that it does not list, of "
                "which the same may come twice"
            )
        if free and least > len(declared) + 1:
            raise error(
                f"uses 'minProperties' {least}, of which it lists {len(declared)}; of those that "
                "it does not list only one can be counted, as the same may come twice"
            )
        top = max(1, least, 0 if most is None else most)  # count no further
        width, end = top + 1, len(declared)
        if width * (end + 2) > MOST_COUNTS:
            raise error(f"counts {top:,} properties, which needs too many states")
        edges: list[list[tuple[Expression, int]]] = [[] for _ in range(width * (end + 2))]
        for index, name in enumerate(declared):
            pair: Expression = NOTHING
            if names is None or names.accepts(name):
                pair = self._pair(name, self._document.property(facts, name), call)
            for count in range(width):
                here, after = index * width + count, (index + 1) * width
                if name not in facts.required:
                    edges[here].append((EMPTY, after + count))
                if most is None or count < most:
                    member = row(comma, pair) if count else pair
                    edges[here].append((member, after + min(count + 1, top)))
        for count in range(width):
            here, beyond = end * width + count, (end + 1) * width
            if free and (most is None or count < most):
                member = row(comma, others) if count else others
                edges[here].append((member, beyond + min(count + 1, top)))
            if free and count and (most is None or count < most):
                # Names may repeat: the second counts for the most, not for the least.
                to = count if most is None else count + 1
                edges[beyond + count].append((row(comma, others), beyond + to))
        accepting = {
            part * width + count
            for part in (end, end + 1)
            for count in range(width)
            if count >= least
        }
        empty = set() if facts.required else set(range(0, len(edges), width))
        return edges, accepting, empty

    def _pair(self, name: str, schema: Schema, call: Members | None) -> Expression:
        if call is None:
            return self._syntax.pair(name, self._value(schema))
        if call.raw is None or not call.is_raw(name):
            return call.member(name, self._value(schema))
        facts = self._document.read(both(schema, {"type": "string"}))
        ways = [self._raw(each, call.raw) for each in self._document.branches(facts)]
        return call.member(name, either(ways))

    def _raw(self, facts: Facts, raw: Syntax) -> Expression:
        if facts.values is None:
            return _string(facts, raw) if "string" in facts.types else NOTHING
        good = [v for v in facts.values if self._document.satisfies(v, replace(facts, values=None))]
        return either([raw.literal_text(text) for text in good if isinstance(text, str)])

    def _others(
        self, facts: Facts, declared: list[str], names: Automaton | None, call: Members | None
    ) -> Expression:
        """Return a member whose name is not declared."""
        if not facts.patterned:
            if facts.additional is False:
                return NOTHING
            value = self._value(facts.additional)
            if not declared and names is None:
                return (call or self._syntax).other(None, value)
            left = difference(names or EVERYTHING, words(declared))
            return (call or self._syntax).other(left, value)
        if len(facts.patterned) > MOST_PATTERNS:
            raise error(f"has more than {MOST_PATTERNS} 'patternProperties'")
        regions = [(difference(names or EVERYTHING, words(declared)), None)]
        split: list[tuple[Automaton, Schema | None]] = list(regions)
        for pattern, schema in facts.patterned.items():
            found = determined(searching(pattern))
            inside = [
                (intersection(region, found), schema if old is None else both(old, schema))
                for region, old in split
            ]
            outside = [(difference(region, found), old) for region, old in split]
            split = [(region, old) for region, old in inside + outside if not region.is_empty]
        members = [
            (call or self._syntax).other(region, self._value(facts.additional if s is None else s))
            for region, s in split
            if not (s is None and facts.additional is False)
        ]
        return either(members) if members else NOTHING

    def _allowed_names(self, schema: Schema) -> Automaton | None:
        """Return which names `propertyNames` allows; None: all."""
        if schema is True or schema == {}:
            return None
        found: Automaton = Automaton(((),), frozenset())
        parts = [
            self._names_of(each) for each in self._document.branches(self._document.read(schema))
        ]
        if len(parts) == 1:
            return parts[0]
        outside = EVERYTHING
        for part in parts:
            outside = difference(outside, part)
        return difference(EVERYTHING, outside) if parts else found

    def _names_of(self, facts: Facts) -> Automaton:
        if facts.values is not None:
            bare = replace(facts, values=None)
            texts = [v for v in facts.values if self._document.satisfies(v, bare)]
            return words([text for text in texts if isinstance(text, str)])
        return _automaton(facts) if "string" in facts.types else words([])


def _string(facts: Facts, syntax: Syntax) -> Expression:
    bounded = facts.min_length > 0 or facts.max_length is not None
    if facts.max_length is not None and facts.max_length < facts.min_length:
        return NOTHING
    constraints = [*map(searching, facts.patterns)]
    constraints += [matching(FORMATS[name]) for name in facts.formats]
    if not constraints:
        if not bounded:
            return syntax.any_string
        return syntax.bounded(facts.min_length, facts.max_length)
    if len(constraints) == 1 and not bounded:
        return syntax.quoted(constraints[0])
    return syntax.quoted(_automaton(facts).graph())


def _automaton(facts: Facts) -> Automaton:
    """Return the strings that satisfy facts."""
    constraints = [*map(searching, facts.patterns)]
    constraints += [matching(FORMATS[name]) for name in facts.formats]
    found = EVERYTHING
    for constraint in constraints:
        found = intersection(found, determined(constraint))
    least, most = facts.min_length, facts.max_length
    if least or most is not None:
        count = least if most is None else most
        if count > 2_000:
            raise error(f"bounds a string with a pattern by {count:,} characters; 2,000 at most")
        rows = [tuple((low, high, i + 1) for low, high in ANY) for i in range(count)]
        last = tuple((low, high, count) for low, high in ANY) if most is None else ()
        good = range(least, count + 1) if least <= count else ()
        found = intersection(found, Automaton((*rows, last), frozenset(good)))
    return found
