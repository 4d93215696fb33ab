"""JSON Schemas by chance, of keywords that can be enforced, and documents by chance from them."""

import random
from typing import Any

from wgslm.grammar import Grammar, Vocabulary

WORDS = ["a", "b", "name", "x y", "é", "id", "k1", '"q"', "tag", "value", "日"]
PATTERNS = [
    "^[a-z]+$", r"^\d{3}-\d{4}$", "ab", "^(foo|bar)", "x$", "^[A-Z][a-z]{0,3}$", "^.{2,5}$",
    "[0-9]", r"^\S+@\S+$", "^$|a", '^[^"]*$', "(^a|b$)",
]  # fmt: skip
FORMATS = [
    "date", "time", "date-time", "uuid", "email", "ipv4", "ipv6", "hostname", "uri", "duration",
    "json-pointer",
]  # fmt: skip
VALUES = [1, "a", None, True, 2.5, [1], {"a": 1}, 'b"\\', -3, {}, "\n\u0001é", [1, {"b": 2}]]
Schema = Any  # a JSON value


class SchemaMaker:
    """Makes the same schemas for the same seed."""

    def __init__(self, seed: int) -> None:
        """Start."""
        self.random = random.Random(seed)

    def document(self) -> Schema:
        """Return a whole schema, maybe one that refers to itself."""
        names = ["d1", "d2"] if self._chance(0.5) else []
        schema = self.schema(0, names)
        if names and isinstance(schema, dict):
            return schema | {"$defs": {name: self.schema(1, names) for name in names}}
        return schema if not names else self.schema(0, [])

    def schema(self, depth: int, names: list[str]) -> Schema:
        """Return a schema that is nested `depth` deep."""
        makers = [
            self._free, self._values, self._number, self._string, self._string, self._types,
            self._conditional,
        ]  # fmt: skip
        if names:
            makers.append(lambda *_: {"$ref": f"#/$defs/{self._one(names)}"})
        if depth < 4:
            makers += [self._array, self._object, self._object, self._object, self._combined]
        return self._one(makers)(depth, names)

    def _free(self, depth: int, names: list[str]) -> Schema:
        return self._one([True, {}])

    def _values(self, depth: int, names: list[str]) -> Schema:
        if self._chance(0.3):
            return {"const": self._one(VALUES)}
        return {"enum": self.random.sample(VALUES, self.random.randint(1, 5))}

    def _number(self, depth: int, names: list[str]) -> Schema:
        schema: dict[str, object] = {"type": self._one(["integer", "number"])}
        if self._chance(0.6):
            low = self._one(["minimum", "exclusiveMinimum"])
            schema[low] = self._one([0, -5, 3, 100, -1000, 1.5, 0.25])
        if self._chance(0.6):
            high = self._one(["maximum", "exclusiveMaximum"])
            schema[high] = self._one([200, 101, 7, 1000, 5000.75, 1e6])
        if self._chance(0.2):
            schema["multipleOf"] = self._one([1, 2, 5, 7, 10])
        return schema

    def _string(self, depth: int, names: list[str]) -> Schema:
        if self._chance(0.3):
            return {"type": "string", "format": self._one(FORMATS)}
        schema: dict[str, object] = {"type": "string"}
        least = self.random.randint(0, 4) if self._chance(0.3) else 0
        if least:
            schema["minLength"] = least
        if self._chance(0.4):
            schema["maxLength"] = least + self.random.randint(0, 6)
        if self._chance(0.4):
            schema["pattern"] = self._one(PATTERNS)
        return schema

    def _types(self, depth: int, names: list[str]) -> Schema:
        several = [["string", "null"], ["integer", "boolean"], ["number", "string", "array"]]
        return {"type": self._one([*several, "null", "boolean"])}

    def _conditional(self, depth: int, names: list[str]) -> Schema:
        return {"minLength": 2, "minimum": 5, "maxItems": 2}  # each for its own type

    def _array(self, depth: int, names: list[str]) -> Schema:
        schema: dict[str, object] = {"type": "array"}
        least = self.random.randint(0, 3) if self._chance(0.4) else 0
        if self._chance(0.8):
            schema["items"] = self._chance(0.9) and self.schema(depth + 1, names)
        if self._chance(0.3):
            count = self.random.randint(1, 3)
            schema["prefixItems"] = [self.schema(depth + 1, names) for _ in range(count)]
        if least:
            schema["minItems"] = least
        if self._chance(0.6):
            schema["maxItems"] = least + self.random.randint(0, 3)
        return schema

    def _object(self, depth: int, names: list[str]) -> Schema:
        members = list(dict.fromkeys(self._one(WORDS) for _ in range(self.random.randint(0, 4))))
        schema: dict[str, object] = {
            "type": "object",
            "properties": {name: self.schema(depth + 1, names) for name in members},
            "required": [name for name in members if self._chance(0.5)],
        }
        if self._chance(0.8):
            schema["additionalProperties"] = self._chance(0.4) and self.schema(depth + 1, names)
        if self._chance(0.2):
            schema["patternProperties"] = {
                self._one(PATTERNS): self.schema(depth + 1, names)
                for _ in range(self.random.randint(1, 2))
            }
        if self._chance(0.15):
            rules = [{"pattern": "^[a-z]"}, {"maxLength": 3}, {"enum": ["a", "b", "zz"]}]
            schema["propertyNames"] = self._one(rules)
        if self._chance(0.2):
            schema["minProperties"] = self.random.randint(0, 2)
        if self._chance(0.2):
            schema["maxProperties"] = self.random.randint(1, 4)
        return schema

    def _combined(self, depth: int, names: list[str]) -> Schema:
        if self._chance(0.25):
            tagged = [
                {
                    "type": "object",
                    "required": ["t"],
                    "properties": {"t": {"const": index}, "v": self.schema(depth + 1, names)},
                }
                for index in range(2)
            ]
            return {"oneOf": tagged}
        word, count = self._one([("anyOf", 3), ("anyOf", 2), ("allOf", 2)])
        return {word: [self.schema(depth + 1, names) for _ in range(count)]}

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _one(self, things: list[Any]) -> Any:
        return self.random.choice(things)


def random_text(
    grammar: Grammar, vocabulary: Vocabulary, chance: random.Random, most: int = 300
) -> bytes | None:
    """Return a text of tokens drawn evenly from the allowed ones; None if it has no end in time.

    After 40 tokens what closes something is preferred, so that most texts end.
    """
    matcher = grammar.start(vocabulary)
    closing = [vocabulary.pieces.index(text) for text in (b'"', b"]", b"}", b"0", b"1", b"a", b",")]
    text = b""
    for count in range(most):
        if matcher.is_final or (count > 30 and matcher.is_accepting):
            return text
        ids = [id for id in closing if matcher.allows(id)] if count > 40 else []
        if ids and chance.random() < 0.85:
            id = ids[0] if chance.random() < 0.9 else chance.choice(ids)
        else:
            id = chance.choice(matcher.allowed())
        if id in vocabulary.end_ids:
            return text
        matcher.advance(id)
        text += vocabulary.pieces[id]
    return None
