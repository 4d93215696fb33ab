"""A whole JSON Schema: finds what `$ref` names, joins what applies together, judges values."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from urllib.parse import unquote

from wgslm.grammar.automaton import determined, intersection
from wgslm.grammar.facts import Facts, Schema, both, error, key_of, own_facts, together
from wgslm.grammar.numbers import Bounds
from wgslm.grammar.regex import matching, searching
from wgslm.grammar.strings import FORMATS

MOST_STEPS = 20_000  # schemas read, however often
MOST_DEPTH = 60  # of schemas inside each other


class Document:
    """One schema with all it refers to."""

    def __init__(self, root: Schema) -> None:
        """Read nothing yet; refuse what changes which place a `$ref` means."""
        parts = [] if not isinstance(root, dict) else [v for k, v in root.items() if k != "$id"]
        while parts:
            part = parts.pop()
            if isinstance(part, dict):
                if isinstance(part.get("$id"), str):
                    raise error("has an '$id' that is not at its top, which is not supported")
                parts += part.values()
            elif isinstance(part, list):
                parts += part
        self._root = root
        self._steps = 0

    def read(self, schema: Schema, refs: frozenset[str] = frozenset(), depth: int = 0) -> Facts:
        """Return what a schema says, with `$ref` and `allOf` worked in."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise error(f"has more than {MOST_STEPS:,} parts, counted as often as they apply")
        if depth > MOST_DEPTH:
            raise error(f"is nested more than {MOST_DEPTH} deep")
        facts = own_facts(schema)
        if not isinstance(schema, dict):
            return facts
        if "$ref" in schema:
            ref = schema["$ref"]
            if ref in refs:
                raise error(f"has a '$ref' {ref!r:.60} that leads back to itself")
            target = self._resolve(ref)
            facts = together(facts, self.read(target, refs | {str(ref)}, depth + 1))
        for part in _parts(schema, "allOf"):
            facts = together(facts, self.read(part, refs, depth + 1))
        any_of = [_parts(schema, "anyOf")] if "anyOf" in schema else []
        one_of = [_parts(schema, "oneOf")] if "oneOf" in schema else []
        return replace(
            facts, any_of=facts.any_of + tuple(any_of), one_of=facts.one_of + tuple(one_of)
        )

    def branches(self, facts: Facts) -> list[Facts]:
        """Return facts without `anyOf` and `oneOf` that cover the same values."""
        found = [replace(facts, any_of=(), one_of=())]
        for group in facts.any_of:
            read = [self.read(part) for part in group]
            found = [each for one in found for part in read for each in self._joined(one, part)]
        for group in facts.one_of:
            pairs = [(one, self.read(part)) for one in found for part in group]
            joined = [[*self._joined(one, part)] for one, part in pairs]
            for start in range(0, len(joined), len(group)):
                self._refuse_overlaps(joined[start : start + len(group)])
            found = [each for some in joined for each in some]
        return found

    def satisfies(self, value: object, facts: Facts) -> bool:
        """Say whether a value is valid."""
        if facts.values is not None and key_of(value) not in map(key_of, facts.values):
            return False
        if not (_types_of(value) & facts.types) or not self._fits(value, facts):
            return False
        if not all(any(self._valid(value, s) for s in group) for group in facts.any_of):
            return False
        return all(sum(self._valid(value, s) for s in group) == 1 for group in facts.one_of)

    def property(self, facts: Facts, name: str) -> Schema:
        """Return the schema of an object's member."""
        patterned = [s for p, s in facts.patterned.items() if _found(p, name)]
        if name in facts.properties:
            patterned.append(facts.properties[name])
        schema: Schema = True if patterned else facts.additional
        for each in patterned:
            schema = both(schema, each)
        return schema

    def _joined(self, a: Facts, b: Facts) -> list[Facts]:
        joined = together(a, b)
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise error(f"has more than {MOST_STEPS:,} combinations of alternatives")
        return self.branches(joined) if joined.any_of or joined.one_of else [joined]

    def _resolve(self, ref: object) -> Schema:
        if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
            raise error(
                f"has a '$ref' {ref!r:.60}; only places in the same schema (#/...) are known"
            )
        place: object = self._root
        for part in ref.split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(place, dict) and name in place:
                place = place[name]
            elif isinstance(place, list) and name.isdigit() and int(name) < len(place):
                place = place[int(name)]
            else:
                raise error(f"has a '$ref' {ref!r:.60} that leads nowhere")
        return place

    def _refuse_overlaps(self, groups: list[list[Facts]]) -> None:
        for index, group in enumerate(groups):
            for other, later in enumerate(groups[index + 1 :], index + 1):
                if not all(self._exclude(a, b, 0) for a in group for b in later):
                    raise error(
                        f"has a 'oneOf' whose schemas {index + 1} and {other + 1} may both hold, "
                        "which cannot be enforced; use 'anyOf', or give them a required property "
                        "with different constants"
                    )

    def _exclude(self, a: Facts, b: Facts, depth: int) -> bool:
        """Say whether it is certain that no value satisfies both."""
        joined = together(a, b)
        if not joined.types:
            return True
        if joined.values is not None:
            return not any(self.satisfies(value, joined) for value in joined.values)
        return all(self._is_empty(kind, joined, depth) for kind in joined.types)

    def _is_empty(self, kind: str, facts: Facts, depth: int) -> bool:
        """Say whether it is certain that no value of a type satisfies the facts."""
        if kind in ("integer", "number"):
            return _is_no_number(facts.bounds)
        if kind == "string":
            automata = [determined(searching(p)) for p in facts.patterns]
            automata += [determined(matching(FORMATS[f])) for f in facts.formats]
            for other in automata[1:]:
                automata[0] = intersection(automata[0], other)
            is_empty = bool(automata) and automata[0].is_empty
            return is_empty or _crossed(facts.min_length, facts.max_length)
        if kind == "array":
            return _crossed(facts.min_items, facts.max_items)
        if kind != "object" or depth > 4:
            return False
        members = (self.read(self.property(facts, name)) for name in facts.required)
        return any(self._exclude(each, Facts(), depth + 1) for each in members)

    def _valid(self, value: object, schema: Schema) -> bool:
        return self.satisfies(value, self.read(schema))

    def _fits(self, value: object, facts: Facts) -> bool:
        if isinstance(value, str):
            in_length = _within(len(value), facts.min_length, facts.max_length)
            fit = all(_found(p, value) for p in facts.patterns)
            formats = (determined(matching(FORMATS[f])) for f in facts.formats)
            return in_length and fit and all(each.accepts(value) for each in formats)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _in_bounds(Decimal(repr(value)), facts.bounds)
        if isinstance(value, list):
            fit = _within(len(value), facts.min_items, facts.max_items)
            is_repeated = facts.unique and len(set(map(key_of, value))) < len(value)
            items = enumerate(value)
            return fit and not is_repeated and all(self._valid(v, facts.item(i)) for i, v in items)
        if isinstance(value, dict):
            fit = _within(len(value), facts.min_properties, facts.max_properties)
            fit = fit and set(facts.required) <= value.keys()
            fit = fit and all(self._valid(name, facts.names) for name in value)
            return fit and all(self._valid(v, self.property(facts, n)) for n, v in value.items())
        return True


def _parts(schema: Mapping[str, object], name: str) -> tuple[Schema, ...]:
    parts = schema.get(name, [])
    if not isinstance(parts, list) or (name in schema and not parts):
        raise error(f"has {name!r} that is no list of schemas, or an empty one")
    return tuple(parts)


def _found(pattern: str, text: str) -> bool:
    return determined(searching(pattern)).accepts(text)


def _types_of(value: object) -> set[str]:
    match value:
        case None:
            return {"null"}
        case bool():
            return {"boolean"}
        case int() | float():
            return {"number", "integer"} if value % 1 == 0 else {"number"}
        case str():
            return {"string"}
        case list():
            return {"array"}
        case _:
            return {"object"}


def _within(count: int, least: int, most: int | None) -> bool:
    return least <= count and (most is None or count <= most)


def _crossed(least: int, most: int | None) -> bool:
    return most is not None and most < least


def _in_bounds(value: Decimal, b: Bounds) -> bool:
    return (
        (b.low is None or value >= b.low)
        and (b.high is None or value <= b.high)
        and (b.above is None or value > b.above)
        and (b.below is None or value < b.below)
        and (b.multiple is None or value % b.multiple == 0)
    )


def _is_no_number(b: Bounds) -> bool:
    lows, highs = [n for n in (b.low, b.above) if n is not None], [b.high, b.below]
    least = max(lows, default=None)
    most = min((n for n in highs if n is not None), default=None)
    if least is None or most is None:
        return False
    return least > most or (least == most and (b.above == least or b.below == most))
