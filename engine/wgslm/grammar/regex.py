r"""Regular expressions as JSON Schema means them (ECMAScript with `u`), read into expressions.

`\d` and `\w` are ASCII's, `.` is all but line ends. What a finite automaton cannot do is refused by
name.
"""

from wgslm.errors import RequestError
from wgslm.grammar.automaton import BEGIN, END, Automaton, determined
from wgslm.grammar.characters import (
    ANY,
    DIGIT,
    SPACE,
    WORD,
    Ranges,
    category,
    complement,
    single,
    union,
)
from wgslm.grammar.expression import (
    EMPTY,
    Chars,
    Expression,
    Graph,
    Repeat,
    Row,
    either,
    optional,
)

MOST_GROUPS = 100  # inside each other
MOST_REPEATS = 50_000
LINE_ENDS = union([single(c) for c in "\n\r\u2028\u2029"])
EVERYTHING = Repeat(Chars(ANY))
AT_BEGIN, AT_END = Chars(((BEGIN, BEGIN),)), Chars(((END, END),))
CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE}
REFUSED = {
    "(?=": "lookahead",
    "(?!": "negative lookahead",
    "(?<=": "lookbehind",
    "(?<!": "negative lookbehind",
    "(?>": "an atomic group",
    "(?P=": "a backreference",
}


def matching(pattern: str) -> Expression:
    """Return the texts that an expression matches as a whole."""
    parsed, anchored = _parsed(pattern)
    if not anchored:
        return parsed
    return _without_anchors(Row((optional(AT_BEGIN), parsed, optional(AT_END))))


def searching(pattern: str) -> Expression:
    """Return the texts in which an expression matches somewhere."""
    parsed, anchored = _parsed(pattern)
    if not anchored:
        return Row((EVERYTHING, parsed, EVERYTHING))
    before, after = optional(Row((AT_BEGIN, EVERYTHING))), optional(Row((EVERYTHING, AT_END)))
    simple = _simply_anchored(parsed)
    return simple or _without_anchors(Row((before, parsed, after)))


def _parsed(pattern: str) -> tuple[Expression, bool]:
    parser = _Parser(pattern)
    parsed = parser.alternatives(0)
    if parser.at < len(pattern):
        raise parser.error("has a ')' that closes nothing")
    return parsed, parser.has_anchors


def _simply_anchored(parsed: Expression) -> Expression | None:
    """Return what `^...`, `...$` and `^...$` find, without an automaton; None for others."""
    parts = list(parsed.parts) if isinstance(parsed, Row) else [parsed]
    starts, ends = parts[:1] == [AT_BEGIN], parts[-1:] == [AT_END]
    inner = parts[starts : len(parts) - ends]
    if _has_anchor(Row(tuple(inner))):
        return None
    before, after = () if starts else (EVERYTHING,), () if ends else (EVERYTHING,)
    return Row((*before, *inner, *after))


def _has_anchor(part: Expression) -> bool:
    match part:
        case Chars():
            return part in (AT_BEGIN, AT_END)
        case Repeat(each):
            return _has_anchor(each)
        case _:
            return any(_has_anchor(each) for each in getattr(part, "parts", ()))


def _without_anchors(part: Expression) -> Graph:
    """Return the texts w of which `part` has BEGIN w END."""
    whole = determined(part)
    edges = [list(each) for each in whole.edges]
    begun = next((to for low, _, to in edges[0] if low == BEGIN), None)
    if begun is None:
        return Automaton(((),), frozenset()).graph()
    accepting = set()
    for state, each in enumerate(edges):
        if any(low == END and to in whole.accepting for low, _, to in each):
            accepting.add(state)
        edges[state] = [edge for edge in each if edge[0] < BEGIN]
    first = len(edges)  # moved to the front, where an automaton starts
    order = [begun, *(state for state in range(first) if state != begun)]
    place = {state: index for index, state in enumerate(order)}
    moved = tuple(tuple((a, b, place[to]) for a, b, to in edges[state]) for state in order)
    return Automaton(moved, frozenset(place[state] for state in accepting)).graph()


class _Parser:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.has_anchors = False

    def error(self, what: str) -> RequestError:
        shown = self.pattern if len(self.pattern) <= 60 else self.pattern[:57] + "..."
        return RequestError(f"the regular expression {shown!r} {what}", "pattern")

    def alternatives(self, depth: int) -> Expression:
        if depth > MOST_GROUPS:
            raise self.error(f"has more than {MOST_GROUPS} groups inside each other")
        found = [self._row(depth)]
        while self._took("|"):
            found.append(self._row(depth))
        return either(found)

    def _row(self, depth: int) -> Expression:
        parts: list[Expression] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            part = self._repeated(self._atom(depth))
            if not (part in (AT_BEGIN, AT_END) and parts[-1:] == [part]):  # "^^" is "^"
                parts.append(part)
        return parts[0] if len(parts) == 1 else Row(tuple(parts)) if parts else EMPTY

    def _repeated(self, part: Expression) -> Expression:
        is_repeated = False
        while self.at < len(self.pattern):
            counts = self._counts()
            if counts is None:
                return part
            if is_repeated or part in (AT_BEGIN, AT_END):
                raise self.error(f"repeats nothing at position {self.at}")
            least, most = counts
            part, is_repeated = Repeat(part, least, most), True
            if self._took("+"):
                raise self.error("has a possessive repetition, which is not supported")
            self._took("?")  # a lazy one matches the same texts
        return part

    def _counts(self) -> tuple[int, int | None] | None:
        for sign, counts in {"*": (0, None), "+": (1, None), "?": (0, 1)}.items():
            if self._took(sign):
                return counts
        if not self._took("{"):
            return None
        end = self.pattern.find("}", self.at)
        least, comma, most = self.pattern[self.at : end].partition(",")
        if end < 0 or not _is_count(least) or not (most == "" or _is_count(most)):
            raise self.error("has a '{' that begins no repetition such as {2,5}; write it '\\{'")
        self.at = end + 1
        high = None if comma and not most else int(most or least)
        if (high is not None and high < int(least)) or max(int(least), high or 0) > MOST_REPEATS:
            raise self.error(f"repeats from {least} to {most or least} times")
        return int(least), high

    def _atom(self, depth: int) -> Expression:
        sign = self.pattern[self.at]
        if sign == "(":
            return self._group(depth)
        self.at += 1
        match sign:
            case "[":
                return Chars(self._class())
            case ".":
                return Chars(complement(LINE_ENDS))
            case "^" | "$":
                self.has_anchors = True
                return AT_BEGIN if sign == "^" else AT_END
            case "*" | "+" | "?" | "{":
                raise self.error(f"repeats nothing at position {self.at - 1}")
            case "\\":
                return Chars(self._escape(in_class=False))
            case _:
                return Chars(single(sign))

    def _group(self, depth: int) -> Expression:
        for start, name in REFUSED.items():
            if self.pattern.startswith(start, self.at):
                raise self.error(f"has {name} ({start}...), which no finite automaton can check")
        self.at += 1
        if self._took("?"):
            if not (self._took("P<") or self._took("<")):
                if not self._took(":"):
                    raise self.error("has flags or another group '(?...' that is not supported")
            elif ">" in self.pattern[self.at :]:
                self.at = self.pattern.index(">", self.at) + 1
        inner = self.alternatives(depth + 1)
        if not self._took(")"):
            raise self.error("has a '(' that is never closed")
        return inner

    def _class(self) -> Ranges:
        is_negated = self._took("^")
        sets: list[Ranges] = []
        while not self._took("]"):
            low = self._member()
            if self.pattern.startswith("-", self.at) and self.pattern[self.at + 1 :][:1] != "]":
                self.at += 1
                high = self._member()
                if not (_is_single(low) and _is_single(high) and low[0][0] <= high[0][0]):
                    raise self.error("has a range in a class that goes from nowhere or backwards")
                low = ((low[0][0], high[0][0]),)
            sets.append(low)
        return complement(union(sets)) if is_negated else union(sets)

    def _member(self) -> Ranges:
        if self.at >= len(self.pattern):
            raise self.error("has a '[' that is never closed")
        sign = self.pattern[self.at]
        self.at += 1
        return self._escape(in_class=True) if sign == "\\" else single(sign)

    def _escape(self, *, in_class: bool) -> Ranges:
        if self.at >= len(self.pattern):
            raise self.error("ends in a backslash")
        sign = self.pattern[self.at]
        self.at += 1
        if sign.lower() in CLASSES:
            ranges = CLASSES[sign.lower()]
            return complement(ranges) if sign.isupper() else ranges
        if sign in CONTROLS:
            return ((CONTROLS[sign],) * 2,)
        if sign in "pP":
            return self._category(is_negated=sign == "P")
        if sign in "xu":
            return self._code(sign)
        if sign == "c" and self.pattern[self.at : self.at + 1].isalpha():
            self.at += 1
            return ((ord(self.pattern[self.at - 1]) % 32,) * 2,)
        if sign == "b" and in_class:
            return ((8, 8),)
        if sign in "bB":
            raise self.error("has a word boundary (\\b), which is not supported")
        if sign == "0" and not self.pattern[self.at : self.at + 1].isdigit():
            return ((0, 0),)
        if sign.isdigit() or sign == "k":
            raise self.error(f"has a backreference (\\{sign}), which no finite automaton can check")
        if sign.isalnum():
            raise self.error(f"has an escape \\{sign} that is not known")
        return single(sign)

    def _category(self, *, is_negated: bool) -> Ranges:
        name = ""
        if self._took("{"):
            name, _, _ = self.pattern[self.at :].partition("}")
            self.at += len(name) + 1
        value = name.rpartition("=")[2]
        ranges = category(value) if name in (value, f"gc={value}") else None
        if ranges is None:
            raise self.error(
                f"asks for \\p{{{name}}}; general categories such as L, Lu, Nd are known"
            )
        return complement(ranges) if is_negated else ranges

    def _code(self, sign: str) -> Ranges:
        width = 2 if sign == "x" else 4
        digits = self.pattern[self.at : self.at + width]
        if sign == "u" and self._took("{"):
            digits, closing, _ = self.pattern[self.at :].partition("}")
            self.at += len(digits) + len(closing)
        else:
            self.at += width
            if len(digits) < width:
                digits = ""
        try:
            point = int(digits, 16)
            low = self.pattern[self.at : self.at + 6]
            if 0xD800 <= point < 0xDC00 and low[:2] == "\\u":  # a pair writes one character
                point = 0x10000 + (point - 0xD800 << 10) + int(low[2:], 16) - 0xDC00
                self.at += 6
            return single(chr(point))
        except (ValueError, OverflowError):
            raise self.error(f"has \\{sign} without the digits of a character") from None

    def _took(self, text: str) -> bool:
        if self.pattern.startswith(text, self.at):
            self.at += len(text)
            return True
        return False


def _is_single(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8
