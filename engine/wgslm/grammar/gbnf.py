"""Reads GBNF, llama.cpp's notation of grammars, into rules."""

import re

from wgslm.errors import RequestError
from wgslm.grammar.characters import ANY, Ranges, complement, union
from wgslm.grammar.expression import Chars, Expression, Repeat, Row, Rule, Text, either
from wgslm.grammar.program import ROOT

MOST_CHARACTERS = 1_000_000
MOST_GROUPS = 60  # inside each other
MOST_REPEATS = 50_000
NAME = re.compile(r"[A-Za-z0-9_-]+")
COUNTS = re.compile(r"\{[ \t]*(\d{1,7})[ \t]*(?:(,)[ \t]*(\d{1,7})?[ \t]*)?\}")
BLANK = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
BLANK_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
ESCAPES = {"t": "\t", "r": "\r", "n": "\n", "\\": "\\", '"': '"', "[": "[", "]": "]"}
WIDTHS = {"x": 2, "u": 4, "U": 8}


def read_gbnf(source: str) -> dict[str, Expression]:
    """Return the rules of a grammar; "root" is the whole."""
    if len(source) > MOST_CHARACTERS:
        raise RequestError(
            f"the grammar has {len(source):,} characters; at most {MOST_CHARACTERS:,} are read",
            "grammar",
        )
    rules = _Parser(source).rules()
    if ROOT not in rules:
        raise RequestError("the grammar has no rule named 'root', where a text begins", "grammar")
    return rules


class _Parser:
    """Reads one grammar from top to bottom."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    def rules(self) -> dict[str, Expression]:
        found: dict[str, Expression] = {}
        self._skip(BLANK_LINES)
        while self._at < len(self._source):
            name = self._name("a rule's name")
            self._skip(BLANK)
            if not self._took("::="):
                raise self._error(f"needs '::=' after {name!r}")
            if name in found:
                raise self._error(f"has two rules named {name!r}")
            self._skip(BLANK_LINES)
            found[name] = self._alternatives(0)
            if self._at < len(self._source) and self._source[self._at] not in "\r\n":
                raise self._error("needs an end of the line, or something that may stand there")
            self._skip(BLANK_LINES)
        return found

    def _alternatives(self, depth: int) -> Expression:
        if depth > MOST_GROUPS:
            raise self._error(f"has more than {MOST_GROUPS} groups inside each other")
        blank = BLANK_LINES if depth else BLANK
        found = [self._row(depth)]
        self._skip(blank)
        while self._took("|"):
            self._skip(BLANK_LINES)
            found.append(self._row(depth))
            self._skip(blank)
        return either(found)

    def _row(self, depth: int) -> Expression:
        blank = BLANK_LINES if depth else BLANK
        parts: list[Expression] = []
        while (part := self._part(depth)) is not None:
            self._skip(blank)
            while (counts := self._counts()) is not None:
                part = Repeat(part, *counts)
                self._skip(blank)
            parts.append(part)
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def _part(self, depth: int) -> Expression | None:
        sign = self._source[self._at : self._at + 1]
        if sign == '"':
            return self._literal()
        if sign == "[":
            return self._class()
        if self._took("."):
            return Chars(ANY)
        if self._took("("):
            self._skip(BLANK_LINES)
            inner = self._alternatives(depth + 1)
            if not self._took(")"):
                raise self._error("needs ')'")
            return inner
        if sign and sign in "<!":
            raise self._error("names a token (<...>), which is not supported; write its text")
        if NAME.match(self._source, self._at):
            return Rule(self._name("a name"))
        return None

    def _literal(self) -> Expression:
        self._at += 1
        text = ""
        while not self._took('"'):
            text += chr(self._character("a literal"))
        return Text(text)

    def _class(self) -> Expression:
        self._at += 1
        is_negated = self._took("^")
        sets: list[Ranges] = []
        while not self._took("]"):
            low = high = self._character("a class")
            if self._source.startswith("-", self._at) and self._source[self._at + 1 :][:1] != "]":
                self._at += 1
                high = self._character("a class")
                if high < low:
                    raise self._error("has a range of characters that goes backwards")
            sets.append(((low, high),))
        return Chars(complement(union(sets)) if is_negated else union(sets))

    def _character(self, where: str) -> int:
        """Return the code point of one character, escaped or not."""
        sign = self._source[self._at : self._at + 1]
        if not sign or sign in "\r\n":
            raise self._error(f"has {where} that is never closed")
        self._at += 1
        if sign != "\\":
            return ord(sign)
        kind = self._source[self._at : self._at + 1]
        self._at += 1
        if kind in WIDTHS:
            digits = self._source[self._at : self._at + WIDTHS[kind]]
            self._at += WIDTHS[kind]
            point = int(digits, 16) if re.fullmatch("[0-9a-fA-F]+", digits) else 0x110000
            if len(digits) == WIDTHS[kind] and point < 0x110000 and not 0xD800 <= point < 0xE000:
                return point
            raise self._error(
                f"has \\{kind} without {WIDTHS[kind]} hexadecimal digits of a character"
            )
        if not kind or kind not in ESCAPES:
            raise self._error(f"has an escape \\{kind} that is not known")
        return ord(ESCAPES[kind])

    def _counts(self) -> tuple[int, int | None] | None:
        for sign, counts in {"*": (0, None), "+": (1, None), "?": (0, 1)}.items():
            if self._took(sign):
                return counts
        if not self._source.startswith("{", self._at):
            return None
        match = COUNTS.match(self._source, self._at)
        if match is None:
            raise self._error("needs a repetition such as {3} or {2,5}")
        least = int(match[1])
        most = int(match[3]) if match[3] else None if match[2] else least
        if (most is not None and most < least) or max(least, most or 0) > MOST_REPEATS:
            raise self._error(f"repeats {match[0]}; at most {MOST_REPEATS:,} times are possible")
        self._at = match.end()
        return least, most

    def _name(self, wanted: str) -> str:
        match = NAME.match(self._source, self._at)
        if match is None:
            raise self._error(f"needs {wanted}")
        self._at = match.end()
        return match[0]

    def _skip(self, blank: re.Pattern[str]) -> None:
        match = blank.match(self._source, self._at)
        self._at = match.end() if match else self._at

    def _took(self, text: str) -> bool:
        if self._source.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _error(self, what: str) -> RequestError:
        line = self._source.count("\n", 0, self._at) + 1
        return RequestError(f"the grammar {what} in line {line}", "grammar")
