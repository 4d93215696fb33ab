"""What a family's thoughts and tool calls look like: data that the readers go by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Ends = Mapping[str, tuple[str, ...]]  # what ends a thing: and what begins it


@dataclass(frozen=True)
class Thinking:
    """Thoughts between two marks, at the start of an answer or after a call."""

    open: str
    close: str
    anywhere: bool = False  # the marks are no words a person writes, so they count at any place
    head: str = ""  # what `open` begins with, where parts of other names do too


@dataclass(frozen=True)
class JsonStyle:
    """Calls that are JSON objects with a name and arguments, or a list of such.

    A demanded call is written as the expressions say: what is before the name, between it and
    the arguments, and after them.
    """

    is_keyed: bool = False  # {"name": {arguments}} instead
    is_list: bool = False
    before: str = r'\{"name": "'
    between: str = r'", "arguments": '
    after: str = r"\}"


@dataclass(frozen=True)
class NamedStyle:
    """A head with the name, then the arguments as JSON."""

    call: str  # opens a call; nothing where the mark that opens the calls does
    head_end: str
    head: str  # regular expression with the group `name` and maybe `id`
    closes: tuple[str, ...] = ()  # what may follow the arguments, in this order
    before: str = ""  # expressions of what a head has around the name, in a demanded call
    after: str = ""

    @property
    def ends(self) -> Ends:
        """What ends a part of a call."""
        return dict.fromkeys(self.closes, (self.call,) if self.call else ())


@dataclass(frozen=True)
class TaggedStyle:
    """Every argument between tags of its own; `""` where a tag does not exist."""

    call: str  # `<function=`; what is before name_end is the name, then maybe attributes
    name_end: str
    key: str  # `<parameter=`
    key_end: str
    value_end: str
    call_end: str
    value: str = ""  # `<arg_value>`, where key and value are apart
    lines: bool = False  # values stand on lines of their own
    typed: Literal["", "string", "type"] = ""  # the attribute that says what a value is

    @property
    def ends(self) -> Ends:
        """What ends a part of a call."""
        begins = {self.value_end: self.value or self.key, self.call_end: self.call}
        if self.value:
            begins[self.key_end] = self.key
        return {end: (begin,) for end, begin in begins.items() if end}


@dataclass(frozen=True)
class NestedStyle:
    """MiniMax M3: an element for every argument, list item and field, all with one prefix."""

    prefix: str

    @property
    def ends(self) -> Ends:
        """What ends a call; an argument ends by its own name."""
        return {f"{self.prefix}</invoke>": (f"{self.prefix}<invoke",)}


@dataclass(frozen=True)
class PythonStyle:
    """Python calls, `[name(key='value', n=3), ...]`, in brackets or on lines."""

    suffix: str = ""  # after a name, no part of it: Llama 3.1 writes `brave_search.call(...)`
    is_list: bool = True  # else a call a line


@dataclass(frozen=True)
class GemmaStyle:
    """Gemma 4: `call:name{key:<|"|>text<|"|>,n:3}`."""

    quote: str = '<|"|>'


Style = JsonStyle | NamedStyle | TaggedStyle | NestedStyle | PythonStyle | GemmaStyle


@dataclass(frozen=True)
class Calls:
    """Calls between two marks; with no `open`, a whole answer that is one."""

    style: Style
    open: tuple[str, ...]
    close: tuple[str, ...] = ()
    ends_thinking: bool = False  # models begin calls within thoughts that they never close
    only_known: bool = False  # a call of a function that was not offered is text
    unopened: tuple[str, ...] = ()  # begin the first call of a known function where `open` lacks

    @property
    def ends(self) -> Ends:
        """What ends the calls, or a part of one."""
        ends = dict.fromkeys(self.close, self.open)
        if isinstance(self.style, NamedStyle | TaggedStyle | NestedStyle):
            return {**self.style.ends, **ends}
        return ends


@dataclass(frozen=True)
class Routed:
    """Messages with heads that say what they are: Harmony and its kin."""

    kind: Literal["harmony", "atem", "functionary"]


@dataclass(frozen=True)
class Format:
    """How to read one model's answers."""

    thinking: Thinking | None = None
    calls: Calls | None = None
    dropped: tuple[str, ...] = ()  # marks around the text of an answer
    routed: Routed | None = None
    reasons: tuple[str, ...] = ()  # why, for people

    @property
    def has_marks(self) -> bool:
        """Whether there is anything to tell apart."""
        return bool(self.thinking or self.calls or self.dropped or self.routed)


@dataclass(frozen=True)
class Tools:
    """The functions that were offered: name to parameter to the types it may have."""

    types: Mapping[str, Mapping[str, frozenset[str]]]

    def knows(self, name: str) -> bool:
        """Whether such a function was offered."""
        return name in self.types

    def takes(self, name: str, key: str) -> bool:
        """Whether a function that was offered has such a parameter."""
        return key in self.types.get(name, {})

    def is_text(self, name: str, key: str) -> bool | None:
        """Whether an argument is a string; None where any type may be or nobody says."""
        types = self.types.get(name, {}).get(key, frozenset())
        if "string" not in types:
            return False if types else None
        return True if types <= {"string", "null"} else None


def read_tools(tools: object) -> Tools:
    """Read OpenAI's list of tools, or a list of bare functions; all else says nothing."""
    found: dict[str, Mapping[str, frozenset[str]]] = {}
    for tool in tools if isinstance(tools, list | tuple) else ():
        function = tool.get("function", tool) if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            continue
        schema = function.get("parameters")
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        fields = properties.items() if isinstance(properties, Mapping) else ()
        found[str(function["name"])] = {str(key): _types(value) for key, value in fields}
    return Tools(found)


def _types(schema: object, depth: int = 0) -> frozenset[str]:
    """Give the JSON types that a schema allows, as far as it says so plainly."""
    if not isinstance(schema, Mapping) or depth > 4:
        return frozenset()
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    if isinstance(kind, list):
        return frozenset(item for item in kind if isinstance(item, str))
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            parts = [_types(part, depth + 1) for part in schema[key]]
            return frozenset().union(*parts) if all(parts) else frozenset()
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if isinstance(values, list) and values and all(isinstance(value, str) for value in values):
        return frozenset({"string"})
    return frozenset()
