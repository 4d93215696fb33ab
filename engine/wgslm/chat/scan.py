"""How deep a chat template's source nests, told from its tokens without recursion.

The parser is recursive, and freeing the tree it makes is too; in wasm a native stack overflow kills
the interpreter. So this looks first.
"""

from collections.abc import Iterable

from wgslm.errors import TemplateError

MAX_TOKENS = 16_000  # the largest templates in the wild have 4,000
MAX_NESTING = 40  # brackets, prefix operators and blocks, together
MAX_CHAIN = 200  # operators, attributes, calls and filters in a row, each around those before

_BLOCKS = frozenset({"if", "for", "macro", "call", "filter", "with", "set", "generation"})
_SKIPPED = frozenset("whitespace data comment comment_begin comment_end variable_end".split())
_LITERALS = frozenset({"string", "integer", "float"})
_OPERATORS = frozenset("+ - * / // % ** . | and or".split())
_WORDS = frozenset({"not", "and", "or", "in", "is", "if", "else"})


def check_nesting(tokens: Iterable[tuple[int, str, str]]) -> None:
    """Refuse a source that would take a parser deeper than `MAX_NESTING`."""
    scan = _Scan()
    for count, (line, kind, value) in enumerate(tokens):
        if count > MAX_TOKENS:
            raise TemplateError(f"the chat template has more than {MAX_TOKENS:,} tokens")
        if kind in _SKIPPED:
            continue
        scan.take(kind, value)
        if scan.blocks + sum(scan.levels) > MAX_NESTING or sum(scan.chains) > MAX_CHAIN:
            raise TemplateError(
                f"the chat template is nested more than {MAX_NESTING} levels deep on line {line},"
                f" or chains more than {MAX_CHAIN} operators"
            )


class _Scan:
    """What is open at one place of the source."""

    def __init__(self) -> None:
        self.blocks = 0
        self._begin()

    def _begin(self) -> None:
        """Begin a tag."""
        self.levels = [0]  # at each open bracket: itself and the prefix operators after it
        self.chains = [0]  # at each open bracket: the operators since the last comma
        self._name = ""  # of the tag
        self._assigns = False
        self._operand = False  # whether the last token ends an operand

    def take(self, kind: str, value: str) -> None:
        """Take the next token."""
        if kind in ("variable_begin", "block_begin"):
            self._begin()
        elif kind == "block_end":
            self._end_block()
        elif kind in _LITERALS:
            self._operand = True
        else:
            self._name = self._name or value
            self._take_word(value)
            is_name = kind == "name" and value not in _WORDS
            self._operand = is_name or value in (")", "]", "}")

    def _take_word(self, value: str) -> None:
        """Take a name, a keyword or an operator."""
        if value in ("(", "[", "{"):
            self.chains[-1] += self._operand
            self.levels.append(1)
            self.chains.append(0)
        elif value in (")", "]", "}"):
            self.levels.pop()
            self.chains.pop()
        elif value == ",":
            self.levels[-1] = min(self.levels[-1], 1)
            self.chains[-1] = 0
        elif value == "=":
            self._assigns |= len(self.levels) == 1
        elif value in ("not", "else") or (value in ("+", "-") and not self._operand):
            self.levels[-1] += 1
        elif value in _OPERATORS:
            self.chains[-1] += 1

    def _end_block(self) -> None:
        """Count the block that a tag opens or closes; `set` with a value opens none."""
        if self._name.startswith("end"):
            self.blocks -= 1
        elif self._name in _BLOCKS and not (self._name == "set" and self._assigns):
            self.blocks += 1
