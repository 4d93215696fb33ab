"""Values that models write in other words than JSON's, as JSON."""

import ast
import json
import re
import types

_WORDS = {"True": "true", "False": "false", "None": "null"}
_HALF = re.compile("[\ud800-\udfff]")
MAX_NESTING = 32


def as_json(written: str, is_text: bool | None) -> str:
    """Write a bare value as JSON: by its looks where nobody says whether it is a string."""
    if is_text:
        return json.dumps(written, ensure_ascii=False)
    bare = written.strip()
    if bare in _WORDS:
        return _WORDS[bare]
    if _nests(bare) <= MAX_NESTING:
        try:
            json.loads(bare, parse_constant=_refuse)
            return bare
        except ValueError:
            pass
        if bare[:1] in ("[", "{", "("):
            literal = python_literal(bare)
            if literal is not None:
                return literal
    return json.dumps(written, ensure_ascii=False)


def python_literal(written: str) -> str | None:
    """Write a Python literal as JSON; None if it is none."""
    if len(written) > 100_000 or _nests(written) > MAX_NESTING:
        return None
    try:
        tree = _Constants().visit(ast.parse(written.strip(), mode="eval"))
        value = json.dumps(ast.literal_eval(tree), ensure_ascii=False, allow_nan=False)
        return escaped_halves(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def escaped_halves(text: str) -> str:
    """Write halves of surrogate pairs as JSON's escapes: UTF-8 cannot hold them."""
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


class _Constants(ast.NodeTransformer):
    """JSON's words within a Python literal."""

    _known = types.MappingProxyType({"true": True, "false": False, "null": None})

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Constant(self._known[node.id]) if node.id in self._known else node


def _nests(text: str) -> int:
    """Bound how deep a text nests, whatever is in quotes; signs of numbers nest too."""
    depth = most = signs = 0
    for character in text:
        if character in "[{(":
            depth += 1
        elif character in "]})":
            depth -= 1
        signs = signs + 1 if character in "-+~ " else 0
        most = max(most, depth, signs - MAX_NESTING)
    return most


def _refuse(name: str) -> object:
    raise ValueError(name)
