"""What a JSON Schema says, checked and typed, and what two say together.

Keywords that no grammar can enforce exactly are refused by name.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias, cast

from wgslm.errors import RequestError
from wgslm.grammar.numbers import MOST_MULTIPLE, NO_BOUNDS, Bounds
from wgslm.grammar.strings import FORMATS

Schema: TypeAlias = object  # a JSON value; `own_facts` refuses what is no schema
TYPES = frozenset({"null", "boolean", "number", "string", "array", "object"})
# They change nothing that is valid. `$defs` and `definitions` are read where `$ref` names them.
ANNOTATIONS = frozenset(
    "$id title description default examples example deprecated readOnly writeOnly $comment $schema "
    "$defs definitions $vocabulary contentMediaType contentEncoding contentSchema strict".split()
)
APPLIED = frozenset("$ref allOf anyOf oneOf".split())  # by those who know the whole document
MOST_COUNT = 50_000  # of items, characters, properties


@dataclass(frozen=True)
class Facts:
    """What holds for a value. The defaults hold for every value."""

    types: frozenset[str] = TYPES  # "integer" stands beside others only without "number"
    values: tuple[object, ...] | None = None
    bounds: Bounds = NO_BOUNDS
    min_length: int = 0
    max_length: int | None = None
    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    prefix: tuple[Schema, ...] = ()
    items: Schema = True
    min_items: int = 0
    max_items: int | None = None
    unique: bool = False
    properties: Mapping[str, Schema] = field(default_factory=dict)
    patterned: Mapping[str, Schema] = field(default_factory=dict)
    additional: Schema = True
    names: Schema = True
    required: tuple[str, ...] = ()
    min_properties: int = 0
    max_properties: int | None = None
    any_of: tuple[tuple[Schema, ...], ...] = ()
    one_of: tuple[tuple[Schema, ...], ...] = ()

    def item(self, index: int) -> Schema:
        """Return the schema of an element."""
        return self.prefix[index] if index < len(self.prefix) else self.items


NEVER = Facts(types=frozenset())


def error(message: str) -> RequestError:
    """Return the refusal of a schema."""
    return RequestError(f"the JSON schema {message}", "json_schema")


def both(a: Schema, b: Schema) -> Schema:
    """Return the schema of what satisfies both."""
    if a is True or a == b:
        return b
    if b is True:
        return a
    return False if a is False or b is False else {"allOf": [a, b]}


def own_facts(schema: Schema) -> Facts:
    """Return what a schema says itself, without `APPLIED`."""
    if schema is True:
        return Facts()
    if schema is False:
        return NEVER
    if not isinstance(schema, dict):
        raise error(f"has {json.dumps(schema):.60} where an object, true or false would be right")
    for name in schema:
        is_known = name in ANNOTATIONS or name in APPLIED or name in KEYWORDS
        if not is_known and not name.startswith("x-"):
            raise error(
                f"uses {name!r:.60}, which cannot be enforced here; supported: "
                + ", ".join(sorted(KEYWORDS | APPLIED))
            )
    return _Reading(schema).facts()


def together(a: Facts, b: Facts) -> Facts:
    """Return what holds where both hold."""
    names = dict.fromkeys([*a.properties, *b.properties])
    if (a.patterned or b.patterned) and a.patterned != b.patterned:
        if not (a.additional is True and b.additional is True):
            raise error("combines 'patternProperties' with 'additionalProperties' through 'allOf'")
    length = max(len(a.prefix), len(b.prefix))
    return Facts(
        types=_common_types(a.types, b.types),
        values=_common_values(a.values, b.values),
        bounds=_common_bounds(a.bounds, b.bounds),
        min_length=max(a.min_length, b.min_length),
        max_length=_least(a.max_length, b.max_length),
        patterns=tuple(dict.fromkeys(a.patterns + b.patterns)),
        formats=tuple(dict.fromkeys(a.formats + b.formats)),
        prefix=tuple(both(a.item(i), b.item(i)) for i in range(length)),
        items=both(a.items, b.items),
        min_items=max(a.min_items, b.min_items),
        max_items=_least(a.max_items, b.max_items),
        unique=a.unique or b.unique,
        properties={name: both(_declared(a, name), _declared(b, name)) for name in names},
        patterned={
            pattern: both(a.patterned.get(pattern, True), b.patterned.get(pattern, True))
            for pattern in dict.fromkeys([*a.patterned, *b.patterned])
        },
        additional=both(a.additional, b.additional),
        names=both(a.names, b.names),
        required=tuple(dict.fromkeys(a.required + b.required)),
        min_properties=max(a.min_properties, b.min_properties),
        max_properties=_least(a.max_properties, b.max_properties),
        any_of=a.any_of + b.any_of,
        one_of=a.one_of + b.one_of,
    )


def key_of(value: object) -> object:
    """Return what is equal for equal JSON values: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, list):
        return ("array", tuple(key_of(each) for each in value))
    if isinstance(value, dict):
        return ("object", frozenset((name, key_of(each)) for name, each in value.items()))
    return value


def _declared(facts: Facts, name: str) -> Schema:
    """Return what `properties` or, failing it, `additionalProperties` says of a name."""
    if name in facts.properties:
        return facts.properties[name]
    return True if facts.patterned else facts.additional


def _least(a: int | None, b: int | None) -> int | None:
    return min((n for n in (a, b) if n is not None), default=None)


def _common_types(a: frozenset[str], b: frozenset[str]) -> frozenset[str]:
    numbers = {"number", "integer"}
    if "integer" in a | b and a & numbers and b & numbers:
        return ((a & b) - numbers) | {"integer"}
    return a & b


def _common_values(
    a: tuple[object, ...] | None, b: tuple[object, ...] | None
) -> tuple[object, ...] | None:
    if a is None or b is None:
        return b if a is None else a
    keys = {key_of(value) for value in b}
    return tuple(value for value in a if key_of(value) in keys)


def _common_bounds(a: Bounds, b: Bounds) -> Bounds:
    multiple = math.lcm(a.multiple or 1, b.multiple or 1)
    if multiple > MOST_MULTIPLE:
        raise error(f"asks for multiples of {multiple}; at most {MOST_MULTIPLE} is possible")
    is_given = a.multiple is not None or b.multiple is not None

    def pick(name: str, choose: object) -> Decimal | None:
        limits = [n for n in (getattr(a, name), getattr(b, name)) if n is not None]
        return (max(limits) if choose is max else min(limits)) if limits else None

    return Bounds(
        pick("low", max),
        pick("high", min),
        pick("above", max),
        pick("below", min),
        multiple if is_given else None,
    )


class _Reading:
    """Reads the keywords of one schema, each with its type."""

    def __init__(self, schema: dict[str, object]) -> None:
        self._schema = schema

    def facts(self) -> Facts:
        facts = Facts(
            types=self._types(),
            values=self._values(),
            bounds=self._bounds(),
            min_length=self._count("minLength") or 0,
            max_length=self._count("maxLength"),
            patterns=self._texts("pattern"),
            formats=self._texts("format"),
            prefix=tuple(self._list("prefixItems")),
            items=self._schema.get("items", True),
            min_items=self._count("minItems") or 0,
            max_items=self._count("maxItems"),
            unique=self._schema.get("uniqueItems", False) is True,
            properties=self._mapping("properties"),
            patterned=self._mapping("patternProperties"),
            additional=self._schema.get("additionalProperties", True),
            names=self._schema.get("propertyNames", True),
            required=tuple(dict.fromkeys(self._names("required"))),
            min_properties=self._count("minProperties") or 0,
            max_properties=self._count("maxProperties"),
        )
        for name in facts.formats:
            if name not in FORMATS:
                raise error(f"uses the format {name!r:.60}; supported: {', '.join(FORMATS)}")
        return facts

    def _types(self) -> frozenset[str]:
        given = self._schema.get("type")
        if given is None:
            return TYPES
        names = given if isinstance(given, list) else [given]
        for name in names:
            if name not in TYPES and name != "integer":
                raise error(
                    f"has the type {name!r:.60}; types: integer, {', '.join(sorted(TYPES))}"
                )
        found = frozenset(cast(list[str], names))
        return found - {"integer"} if "number" in found else found

    def _values(self) -> tuple[object, ...] | None:
        values = self._list("enum") if "enum" in self._schema else None
        if "const" in self._schema:
            const = self._schema["const"]
            if values is not None and key_of(const) not in map(key_of, values):
                return ()
            values = [const]
        return None if values is None else tuple({key_of(v): v for v in values}.values())

    def _bounds(self) -> Bounds:
        multiple = self._number("multipleOf")
        if multiple is not None and not (1 <= multiple <= MOST_MULTIPLE and multiple % 1 == 0):
            raise error(
                f"has 'multipleOf' {multiple}; only whole numbers from 1 to {MOST_MULTIPLE} can be "
                "enforced"
            )
        return Bounds(
            self._number("minimum"),
            self._number("maximum"),
            self._number("exclusiveMinimum"),
            self._number("exclusiveMaximum"),
            None if multiple is None else int(multiple),
        )

    def _number(self, name: str) -> Decimal | None:
        value = self._schema.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        if not -1e30 < value < 1e30:
            raise self._wrong(name, "between -1e30 and 1e30")
        return Decimal(repr(value))

    def _count(self, name: str) -> int | None:
        value = self._number(name)
        if value is None:
            return None
        if value < 0 or value % 1:
            raise self._wrong(name, "a whole number from 0 on")
        if value > MOST_COUNT:
            raise self._wrong(name, f"at most {MOST_COUNT:,}")
        return int(value)

    def _texts(self, name: str) -> tuple[str, ...]:
        value = self._schema.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "a string")
        return () if value is None else (value,)

    def _list(self, name: str) -> list[object]:
        value = self._schema.get(name, [])
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value

    def _names(self, name: str) -> list[str]:
        value = self._list(name)
        if not all(isinstance(each, str) for each in value):
            raise self._wrong(name, "a list of names")
        return cast(list[str], value)

    def _mapping(self, name: str) -> dict[str, object]:
        value = self._schema.get(name, {})
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return value

    def _wrong(self, name: str, wanted: str) -> RequestError:
        return error(f"has {name!r} {json.dumps(self._schema[name]):.60}; it must be {wanted}")


KEYWORDS = frozenset(
    "type enum const minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength "
    "maxLength pattern format prefixItems items minItems maxItems uniqueItems properties "
    "patternProperties additionalProperties propertyNames required minProperties "
    "maxProperties".split()
)
