"""Values in other words than JSON's: Python's, Gemma's, elements of MiniMax M3, bare texts."""

from collections.abc import Callable
from types import MappingProxyType

from wgslm.errors import RequestError
from wgslm.grammar.automaton import Automaton, determined, difference, intersection
from wgslm.grammar.characters import Ranges, complement, single, union
from wgslm.grammar.characters import intersection as common
from wgslm.grammar.expression import (
    EMPTY,
    NOTHING,
    Chars,
    Expression,
    Graph,
    Text,
    either,
    optional,
    row,
)
from wgslm.grammar.regex import matching
from wgslm.grammar.search import without
from wgslm.grammar.strings import encoded
from wgslm.grammar.syntax import JSON, Edges, Syntax

PYTHON_SHORT = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
NAMES = r"[A-Za-z_][A-Za-z0-9_]{0,63}"  # that may be made up where a schema allows any
# What MiniMax M3's readers would take for a number, a list, an object or a word.
LOOKS = r"\s*(?:[-0-9\"\[{(][\s\S]*|(?:true|false|null|True|False|None)?\s*)"


class Python(Syntax):
    """Python's literals."""

    words = MappingProxyType({"true": "True", "false": "False", "null": "None"})
    blank: Expression = EMPTY
    comma: Expression = row(",", optional(Text(" ")))
    colon: Expression = row(":", optional(Text(" ")))

    def __init__(self) -> None:
        """Prepare it."""
        super().__init__("Python's ")

    def quoted(self, content: Expression) -> Expression:
        """Return string literals in either kind of quotes."""
        return either([row(q, encoded(content, _in(q), _written(q)), q) for q in "\"'"])

    def bounded(self, least: int, most: int | None) -> Expression:
        """Return the strings of so many characters."""
        return self.quoted(self.kept_count(least, most))


def _in(quote: str) -> Callable[[Ranges], Expression]:
    def character(ranges: Ranges) -> Expression:
        special = union([((0, 0x1F),), single("\\"), single(quote)])
        ways: list[Expression] = [Chars(common(ranges, complement(special)))]
        for low, high in common(ranges, special):
            ways += [Text(_written(quote)(chr(point))) for point in range(low, high + 1)]
        return either(ways)

    return character


def _written(quote: str) -> Callable[[str], str]:
    def write(sign: str) -> str:
        if sign in PYTHON_SHORT:
            return "\\" + PYTHON_SHORT[sign]
        if sign < " ":
            return f"\\x{ord(sign):02x}"
        return "\\" + sign if sign in ("\\", quote) else sign

    return write


class Raw(Syntax):
    """Strings as they are, up to a mark that follows them."""

    def __init__(self, end: str) -> None:
        """Bar the mark."""
        super().__init__(barred=(end,))
        self.any_string = without(self.barred)

    def quoted(self, content: Expression) -> Expression:
        """Return the texts themselves."""
        return self.kept(content)


class Gemma(Syntax):
    """Gemma 4: `{key:<|"|>text<|"|>,list:[1,2]}`."""

    blank: Expression = EMPTY
    comma: Expression = Text(",")

    def __init__(self, quote: str) -> None:
        """Take what stands around strings."""
        super().__init__("Gemma's ", (quote,))
        self._quote = quote

    def quoted(self, content: Expression) -> Expression:
        """Return strings as they are between their marks."""
        return row(self._quote, self.kept(content), self._quote)

    def pair(self, name: str, value: Expression) -> Expression:
        """Return a member, its name without quotes."""
        return row(sound_name(name, r"[\w.\-$]+"), ":", value)

    def other(self, names: Automaton | None, value: Expression) -> Expression:
        """Return a member with a plain name."""
        return row(some_names(names), ":", value)


class Elements(Syntax):
    """MiniMax M3: `<tags><item>a</item></tags>`, a prefix before each tag."""

    comma: Expression = EMPTY

    def __init__(self, prefix: str) -> None:
        """Take the prefix; values that no schema describes are JSON."""
        super().__init__(barred=(prefix,))
        self._prefix = prefix
        self._json = Syntax("elements' ", (prefix,))
        self._looks = determined(matching(LOOKS))
        self.any_value, self.any_object = self._json.any_value, self._json.any_object
        self.any_array = self._json.any_array
        self.any_string = self.quoted(without((prefix,)))

    def rules(self) -> dict[str, Expression]:
        """Return those of JSON."""
        return self._json.rules()

    def quoted(self, content: Expression) -> Expression:
        """Return strings: bare where nothing could take them for something else."""
        return either([self._bare(content), self._json.quoted(content)])

    def literal(self, value: object) -> Expression:
        """Return one value: JSON, but for plain strings."""
        if isinstance(value, str):
            return self.literal_text(value)
        return self._json.literal(value)

    def pair(self, name: str, value: Expression) -> Expression:
        """Return an element with a field."""
        if name == "item":
            raise RequestError("an argument's field 'item' would be taken for a list's", "tools")
        return self._element(sound_name(name, r"[\w.\-]+"), value)

    def other(self, names: Automaton | None, value: Expression) -> Expression:
        """Return nothing: an element's end would have to repeat a name that may be any."""
        return NOTHING

    def item(self, value: Expression) -> Expression:
        """Return an element of a list."""
        return self._element("item", value)

    def members(self, edges: Edges, accepting: set[int], empty: set[int]) -> Expression:
        """Return objects: elements, or JSON's where there is none."""
        return _or_empty("{}", edges, accepting, empty)

    def items(self, edges: Edges, accepting: set[int]) -> Expression:
        """Return arrays: elements, or JSON's where there is none."""
        return _or_empty("[]", edges, accepting, {0})

    def _bare(self, content: Expression) -> Expression:
        if isinstance(content, Text):
            return NOTHING if self._looks.accepts(content.text) else content
        kept = difference(determined(self.kept(content)), self._looks)
        return NOTHING if kept.is_empty else kept.graph()

    def _element(self, name: str, value: Expression) -> Expression:
        return row(f"{self._prefix}<{name}>", value, f"{self._prefix}</{name}>")


class Members:
    """How the arguments of a call stand side by side."""

    def __init__(
        self,
        pair: Callable[[str | Expression, Expression, bool], Expression],
        *,
        names: str,
        comma: Expression = EMPTY,
        values: Syntax = JSON,
        raw: Syntax | None = None,
        is_raw: Callable[[str], bool] = lambda name: False,
        has_others: bool = True,
    ) -> None:
        """Take how one argument is written: its name, value, and whether that is `raw`.

        `names` is the expression of the names that can be written.
        """
        self.comma, self.values = comma, values
        self.raw, self.is_raw = raw, is_raw
        self._pair, self._names, self._has_others = pair, names, has_others

    def member(self, name: str, value: Expression) -> Expression:
        """Return an argument."""
        return self._pair(sound_name(name, self._names), value, self.is_raw(name))

    def other(self, names: Automaton | None, value: Expression) -> Expression:
        """Return an argument that the schema does not name."""
        return self._pair(some_names(names), value, False) if self._has_others else NOTHING


def sound_name(name: str, pattern: str) -> str:
    """Return a name; refuse one that cannot be written."""
    if not determined(matching(pattern)).accepts(name):
        raise RequestError(
            f"the model's calls cannot name {name!r:.60}: names have the form {pattern}", "tools"
        )
    return name


def some_names(names: Automaton | None) -> Expression:
    """Return names that may be made up, of those that are allowed."""
    made = determined(matching(NAMES))
    kept = made if names is None else intersection(made, names)
    return NOTHING if kept.is_empty else kept.graph()


def _or_empty(text: str, edges: Edges, accepting: set[int], empty: set[int]) -> Expression:
    filled = Graph(tuple(map(tuple, edges)), frozenset(accepting - empty))
    return either([filled, Text(text)]) if accepting & empty else filled
