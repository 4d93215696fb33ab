"""One call in the words of each style, and what stands around several."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from wgslm.chat.demands.demand import Function, of_object
from wgslm.chat.output.styles import (
    Calls,
    GemmaStyle,
    JsonStyle,
    NamedStyle,
    NestedStyle,
    PythonStyle,
    Style,
    TaggedStyle,
    Tools,
)
from wgslm.errors import RequestError
from wgslm.grammar.expression import (
    EMPTY,
    Expression,
    Repeat,
    Rule,
    Text,
    either,
    one_of,
    optional,
    row,
)
from wgslm.grammar.foreign import Elements, Gemma, Members, Python, Raw, sound_name
from wgslm.grammar.json_schema import read_arguments, read_schema
from wgslm.grammar.regex import matching
from wgslm.grammar.syntax import JSON, Syntax

GAP = optional(either([" ", row("\n", Repeat(Text(" "), 0, 8))]))
DIGITS = Repeat(one_of("0123456789"), 1, 2)
KEYS = r"[^\s\"<>|]+"
IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_.\-]*"


@dataclass(frozen=True)
class Script:
    """Writes the calls of some functions; gathers the rules for it."""

    functions: Sequence[Function]
    tools: Tools
    parallel: bool
    rules: dict[str, Expression] = field(default_factory=dict)

    def json(self, index: int, syntax: Syntax = JSON) -> Expression:
        """Return the arguments of a function as an object."""
        function, name = self.functions[index], f"arguments {index}"
        if function.is_strict:
            self._add(function, lambda: read_schema(of_object(function), name, syntax))
            return Rule(name)
        self.rules.update(syntax.rules())
        return syntax.any_object

    def members(self, index: int, make: Callable[[Callable[[str], bool]], Members]) -> Expression:
        """Return the arguments of a function side by side; `make` is told which are bare texts."""
        function, name = self.functions[index], f"arguments {index}"

        def is_raw(key: str) -> bool:
            return bool(self.tools.is_text(function.name, key))

        members = make(is_raw)
        schema: object = of_object(function) if function.is_strict else _loose(function, is_raw)
        self._add(function, lambda: read_arguments(schema, name, members))
        return Rule(name)

    def each(self, write: Callable[[int, str], Expression]) -> Expression:
        """Return a call of any of the functions."""
        calls = [write(index, function.name) for index, function in enumerate(self.functions)]
        self.rules["call"] = either(calls)
        return Rule("call")

    def several(self, call: Expression, separator: Expression | str) -> Expression:
        """Return a call, or as many as may be."""
        more = Repeat(row(separator, call)) if self.parallel else EMPTY
        return row(call, more)

    def _add(self, function: Function, read: Callable[[], dict[str, Expression]]) -> None:
        try:
            self.rules.update(read())
        except RequestError as error:
            raise RequestError(f"the parameters of {function.name!r}: {error}", "tools") from error


def between_marks(calls: Calls, script: Script) -> Expression:
    """Return what stands between the marks around calls."""
    style: Style = calls.style
    match style:
        case JsonStyle():
            return _json(style, script)
        case NamedStyle():
            return _named(style, script)
        case TaggedStyle():
            return tagged(style, script)
        case NestedStyle():
            return _nested(style, script)
        case PythonStyle():
            return _python(style, script)
        case GemmaStyle():
            return script.each(
                lambda i, name: row("call:", name, script.json(i, Gemma(style.quote)))
            )


def _json(style: JsonStyle, script: Script) -> Expression:
    before, between, after = map(matching, (style.before, style.between, style.after))
    call = script.each(lambda i, name: row(before, name, between, script.json(i), after))
    if not style.is_list:
        return call
    return row("[", GAP, script.several(call, row(GAP, ",", GAP)), GAP, "]")


def _named(style: NamedStyle, script: Script) -> Expression:
    before, after = matching(style.before), matching(style.after)
    ends = row(*[row(GAP, end) for end in style.closes])
    call = script.each(
        lambda i, name: row(
            style.call, before, name, after, style.head_end, GAP, script.json(i), ends
        )
    )
    return script.several(call, GAP) if style.call else call


def tagged(style: TaggedStyle, script: Script) -> Expression:
    """Return calls with an argument per tag."""
    quote, key_quote = ('"' if text.endswith('"') else "" for text in (style.call, style.key))
    line = "\n" if style.lines else ""
    value_start = row(GAP, style.value) if style.value else EMPTY
    values = Syntax("tagged ", (style.value_end,))

    def pair(key: str | Expression, value: Expression, is_raw: bool) -> Expression:
        opening = row(style.key, key, key_quote, _type(style, is_raw=is_raw), style.key_end)
        return row(opening, value_start, line, value, line, style.value_end, GAP)

    def make(is_raw: Callable[[str], bool]) -> Members:
        raw = Raw(style.value_end)
        return Members(pair, names=KEYS, values=values, raw=raw, is_raw=is_raw)

    number = optional(row(' index="', DIGITS, '"')) if style.typed == "type" else EMPTY
    call = script.each(
        lambda i, name: row(
            style.call, name, quote, number, style.name_end, GAP,
            script.members(i, make), style.call_end,
        )
    )  # fmt: skip
    return script.several(call, GAP) if style.call.startswith("<") else call


def _type(style: TaggedStyle, *, is_raw: bool) -> Expression:
    match style.typed:
        case "string":
            return Text(f' string="{"true" if is_raw else "false"}"')
        case "type":
            kinds = ["string"] if is_raw else ["number", "boolean", "array", "object", "null"]
            return row(' type="', either(kinds), '"')
    return EMPTY


def _nested(style: NestedStyle, script: Script) -> Expression:
    prefix, values = style.prefix, Elements(style.prefix)

    def pair(key: str | Expression, value: Expression, is_raw: bool) -> Expression:
        return row(f"{prefix}<{key}>", value, f"{prefix}</{key}>")

    def make(is_raw: Callable[[str], bool]) -> Members:
        raw = Raw(prefix)
        return Members(pair, names=KEYS, values=values, raw=raw, is_raw=is_raw, has_others=False)

    call = script.each(
        lambda i, name: row(
            f'{prefix}<invoke name="{name}">', script.members(i, make), f"{prefix}</invoke>"
        )
    )
    return script.several(call, GAP)


def _python(style: PythonStyle, script: Script) -> Expression:
    values, comma = Python(), row(",", optional(Text(" ")))

    def pair(key: str | Expression, value: Expression, is_raw: bool) -> Expression:
        return row(key, "=", value)

    def make(is_raw: Callable[[str], bool]) -> Members:
        return Members(pair, names=IDENTIFIER, comma=comma, values=values)

    call = script.each(
        lambda i, name: row(sound_name(name, IDENTIFIER), "(", script.members(i, make), ")")
    )
    if style.is_list:
        return row("[", script.several(call, comma), "]")
    return script.several(call, "\n")


def _loose(function: Function, is_raw: Callable[[str], bool]) -> dict[str, object]:
    """Return a schema that names the parameters and allows nearly all; texts stay texts."""
    properties = function.parameters.get("properties")
    names = properties if isinstance(properties, Mapping) else {}
    return {
        "type": "object",
        "properties": {name: {"type": "string"} if is_raw(name) else {} for name in names},
    }
