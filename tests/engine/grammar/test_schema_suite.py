"""The JSON Schema test suite: nothing invalid is accepted; what is refused is named."""

import json
from pathlib import Path

import pytest

from wgslm.errors import RequestError
from wgslm.grammar import Grammar, for_schema

# Formats are annotations in the suite's own files, and enforced here; some of `optional/format`
# are wider than what is written here. Numbers there have more digits than are written here, and
# one schema there is by rules of its own.
NARROW_FILES = ("format.json", "optional/format/", "optional/bignum.json", "vocabulary.json")
# Valid, but never written: members in another order than the schema's, 1.0 for 1.
OTHER_ORDER = {"allOf", "allOf with base schema", "const with object"}


def groups(reference_data: Path) -> list[tuple[str, str, object, list[dict[str, object]]]]:
    folder = reference_data / "specs/json-schema/draft2020-12"
    found = []
    for path in sorted(folder.rglob("*.json")):
        for group in json.loads(path.read_text()):
            name = str(path.relative_to(folder))
            found.append((name, group["description"], group["schema"], group["tests"]))
    return found


def test_nothing_invalid_is_accepted_and_nothing_valid_is_lost(reference_data: Path) -> None:
    counts = {"followed": 0, "refused": 0, "judged": 0}
    wrong, lost = [], []
    for file, description, schema, tests in groups(reference_data):
        grammar: Grammar | None = None
        try:
            grammar = for_schema(schema)
        except RequestError as error:
            if "no text at all" not in str(error):
                counts["refused"] += 1
                continue
        counts["followed"] += 1
        for test in tests:
            text = json.dumps(test["data"], ensure_ascii=False).encode("utf-8", "surrogatepass")
            is_accepted = grammar is not None and grammar.accepts(text)
            counts["judged"] += 1
            if is_accepted and not test["valid"]:
                wrong.append((file, description, text))
            if test["valid"] and not is_accepted and not file.startswith(NARROW_FILES):
                is_float = any(f"{digit}.0" in text.decode() for digit in range(10))
                if description not in OTHER_ORDER and not is_float:
                    lost.append((file, description, text))

    print(counts)
    assert wrong == []
    assert lost == []
    assert counts["followed"] > 220 and counts["judged"] > 1_250


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ({"not": {"type": "string"}}, "'not'"),
        ({"if": {}, "then": {}}, "'if'"),
        ({"contains": {}}, "'contains'"),
        ({"unevaluatedProperties": False}, "'unevaluatedProperties'"),
        ({"dependentRequired": {"a": ["b"]}}, "'dependentRequired'"),
        ({"$dynamicRef": "#x"}, "'\\$dynamicRef'"),
        ({"nullable": True}, "'nullable'"),
        ({"type": "array", "uniqueItems": True}, "'uniqueItems'"),
        ({"multipleOf": 0.1}, "'multipleOf'"),
        ({"format": "iri"}, "'iri'"),
        ({"type": "text"}, "'text'"),
        ({"minLength": -1}, "'minLength'"),
        ({"minLength": "1"}, "'minLength'"),
        ({"required": "a"}, "'required'"),
        ({"pattern": "(?=a)"}, "lookahead"),
        ({"$ref": "#/$defs/x"}, "leads nowhere"),
        ({"$ref": "other.json"}, "other.json"),
        ({"$ref": "#"}, "leads back to itself"),
        ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, "'oneOf'"),
        ({"properties": {"a": 5}, "required": ["a"]}, "5 where an object"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "no text at all"),
        ({"minProperties": 2, "maxProperties": 3}, "'minProperties'"),
        ({"type": "object", "minProperties": 2}, "'minProperties'"),
        ({"type": "object", "properties": {"a": {}}, "minProperties": 3}, "'minProperties'"),
        ({"type": "number", "minimum": 1e20}, "'minimum'"),
        ({"type": "integer", "exclusiveMaximum": -1e17}, "'exclusiveMaximum'"),
    ],
)
def test_what_cannot_be_enforced_is_refused_by_name(schema: object, names: str) -> None:
    with pytest.raises(RequestError, match=names):
        for_schema(schema)


def test_strings_are_read_as_json_escapes_them() -> None:
    grammar = for_schema({"type": "string", "maxLength": 2})

    good = ['"ab"', '"\\n\\""', '"\\u00e9x"', '"\\ud83d\\ude00x"', '"😀日"', '"\\u001F"', '"\\/"']
    bad = ['"abc"', '"\n"', '"\\ud83d"', '"\\ude00"', '"\\x41"', '"\\u00e9xy"', '"\\"', "ab"]
    assert [text for text in good if not grammar.accepts(text)] == []
    assert [text for text in bad if grammar.accepts(text)] == []


def test_a_name_that_is_declared_cannot_come_again_as_another() -> None:
    schema = {"properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}}
    grammar = for_schema(schema | {"type": "object"})

    assert grammar.accepts('{"a": 1, "b": "x"}') and grammar.accepts('{"aa": "x"}')
    for name in ("a", "\\u0061"):
        assert not grammar.accepts(f'{{"b": "y", "{name}": "x"}}')
