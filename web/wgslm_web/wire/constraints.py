"""Reads the fields that say what an answer has to be: a schema, an expression, a grammar, a choice.

`response_format` is OpenAI's, `grammar` and `json_schema` are llama.cpp's, `guided_*` are vLLM's.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wgslm.errors import RequestError
from wgslm_web.wire.fields import Fields

if TYPE_CHECKING:  # else imported when it is first asked for: a tab starts sooner without
    from wgslm.grammar import Grammar

CONSTRAINTS = (
    "response_format, grammar, json_schema, guided_json, guided_regex, guided_choice, "
    "guided_grammar"
)
FORMATS = "text, json_object, json_schema"


def read_grammar(fields: Fields) -> "Grammar | None":
    """Take every such field; None where the answer is free."""
    given = {name: grammar for name, read in _READERS.items() if (grammar := read(fields, name))}
    if len(given) > 1:
        names = "' and '".join(given)
        raise RequestError(f"'{names}' both say what the answer has to be; give one", min(given))
    return next(iter(given.values()), None)


def _response_format(fields: Fields, name: str) -> "Grammar | None":
    value = fields.mapping(name)
    if value is None:
        return None
    inner = Fields(value, f"{name}.")
    kind = inner.required("type")
    # llama.cpp's server takes a schema beside "json_object" as well.
    schema = inner.take("schema") if kind in ("json_object", "json_schema") else None
    if kind == "json_schema" and schema is None:
        schema = _named_schema(inner)
    inner.finish("type, json_schema")
    match kind:
        case "text":
            return None
        case "json_object" if schema is None:
            from wgslm.grammar import for_json

            return for_json()
        case "json_object" | "json_schema":
            return _schema(schema, name)
    raise RequestError(f"'{name}.type' is {kind!r:.60}; known: {FORMATS}", f"{name}.type")


def _named_schema(fields: Fields) -> object:
    """Take OpenAI's {"name": ..., "schema": {...}}, which holds without "strict" too."""
    value = fields.mapping("json_schema")
    if value is None:
        raise RequestError(f"'{fields.path}json_schema' is missing", f"{fields.path}json_schema")
    inner = Fields(value, f"{fields.path}json_schema.")
    inner.string("name")
    inner.string("description")
    inner.boolean("strict")
    schema = inner.take("schema")
    inner.finish("name, description, strict, schema")
    return {} if schema is None else schema


def _json_schema(fields: Fields, name: str) -> "Grammar | None":
    value = fields.take(name)
    return None if value is None else _schema(value, name)


def _schema(value: object, name: str) -> "Grammar":
    from wgslm.grammar import for_schema

    return _checked(lambda: for_schema(value), name)


def _text(make: "Callable[[str], Grammar]") -> "Callable[[Fields, str], Grammar | None]":
    def read(fields: Fields, name: str) -> "Grammar | None":
        value = fields.string(name)
        return None if not value else _checked(lambda: make(value), name)

    return read


def _gbnf(source: str) -> "Grammar":
    from wgslm.grammar import for_gbnf

    return for_gbnf(source)


def _regex(pattern: str) -> "Grammar":
    from wgslm.grammar import for_regex

    return for_regex(pattern)


def _choices(fields: Fields, name: str) -> "Grammar | None":
    value = fields.items(name)
    if value is None:
        return None
    texts = [each for each in value if isinstance(each, str)]
    if len(texts) < len(value):
        raise fields.error(name, value, "a list of strings")
    from wgslm.grammar import for_choices

    return _checked(lambda: for_choices(texts), name)


def _checked(make: "Callable[[], Grammar]", name: str) -> "Grammar":
    """Return the grammar; a refusal names the field."""
    try:
        return make()
    except RequestError as error:
        raise RequestError(f"'{name}': {error}", name) from error


_READERS: "dict[str, Callable[[Fields, str], Grammar | None]]" = {
    "response_format": _response_format,
    "grammar": _text(_gbnf),
    "json_schema": _json_schema,
    "guided_json": _json_schema,
    "guided_regex": _text(_regex),
    "guided_choice": _choices,
    "guided_grammar": _text(_gbnf),
}
