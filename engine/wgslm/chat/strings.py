"""What a chat template may do with strings, and what it costs: methods, `format`, `%`, dates."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from string import Formatter

from jinja2.exceptions import SecurityError

from wgslm.chat.bounds import Budget
from wgslm.errors import TemplateError

_PLAIN = (
    "strip lstrip rstrip upper lower title capitalize swapcase casefold startswith endswith"
    " removeprefix removesuffix splitlines join format isdigit isalpha isalnum isnumeric isdecimal"
    " isspace isupper islower istitle isidentifier isascii"
)
_SEARCH = frozenset({"find", "index", "count", "split", "replace", "partition"})
_BACKWARD = frozenset({"rfind", "rindex", "rsplit", "rpartition"})  # no fast search in CPython
METHODS = frozenset(_PLAIN.split()) | _SEARCH | _BACKWARD

_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_MAX_WIDTH = 999
_CONVERSIONS: Mapping[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}
_WIDE = re.compile(r"\d{4}")
_DIRECTIVE = re.compile(r"%(?:\([^()]*\))?[#0\- +]*(\*|\d*)(?:\.(\*|\d*))?.", re.DOTALL)


def search_steps(text: str, wanted: str, backward: bool = False) -> int:
    """Price a search, which may compare the whole of `wanted` at many places."""
    wide = len(wanted) if backward else min(len(wanted), 128)
    return 1 + len(text) // 128 + len(text) * wide // 2048


def call_method(
    budget: Budget,
    text: str,
    name: str,
    method: Callable[..., object],
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> object:
    """Call an allowed method of `text` under the budget."""
    if name not in METHODS:
        raise SecurityError(f"a chat template may not call the string method {name!r}")
    if name == "format":
        return _format(budget, text, args, kwargs)
    budget.step(1 + len(text) // 64)
    budget.weigh(*args, *kwargs.values())
    wanted = args[0] if args and isinstance(args[0], str) else ""
    if name in _SEARCH or name in _BACKWARD:
        budget.step(search_steps(text, wanted, name in _BACKWARD))
    if name == "replace" and len(args) >= 2:
        budget.room(replaced_length(text, args[0], args[1]))
    if name in ("split", "rsplit", "splitlines"):
        budget.step(sum(map(text.count, [wanted] if wanted else _SPACES)))
    if name == "join" and args:
        args = [list(args[0]) if not isinstance(args[0], Mapping) else [*args[0]]]  # type: ignore[call-overload]
        budget.room(budget.weigh(args[0]) + len(text) * len(args[0]))  # type: ignore[arg-type]
    made = method(*args, **kwargs)
    if isinstance(made, list | tuple):
        budget.spend(text)
    return made


def replaced_length(text: str, old: object, new: object) -> int:
    """How long `text` gets when `new` takes the place of every `old`."""
    if not isinstance(old, str) or not isinstance(new, str):
        return len(text)
    return len(text) + text.count(old) * max(0, len(new) - len(old))


def percent(budget: Budget, form: str, values: object) -> str:
    """Evaluate `form % values` without the widths that fill memory."""
    directives = _DIRECTIVE.findall(form)
    for width, precision in directives:
        if "*" in (width, precision) or _WIDE.search(f"{width} {precision}"):
            raise TemplateError(
                f"the chat template pads a number to a width of {width or precision};"
                f" the widest is {_MAX_WIDTH}"
            )
    chars = budget.weigh(values)
    repeated = len(directives) if isinstance(values, Mapping) else 1
    budget.room(len(form) + chars * repeated + 1024 * len(directives))
    return form % values


def _format(budget: Budget, form: str, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """Evaluate `str.format` with whole values only: no attributes, no items, no nested fields."""
    pieces: list[str] = []
    total = 0
    following = 0
    for literal, field, spec, conversion in Formatter().parse(str(form)):
        pieces.append(literal)
        total += len(literal)
        if field is None:
            continue
        if not re.fullmatch(r"\w*", field) or "{" in (spec or "") or _WIDE.search(spec or ""):
            raise SecurityError(f"the format field {field!r} with {spec!r} is not allowed")
        if field == "":
            field, following = str(following), following + 1
        value = args[int(field)] if field.isdecimal() else kwargs[field]
        budget.room(total + budget.weigh(value) + _MAX_WIDTH)
        value = _CONVERSIONS[conversion](value) if conversion else value
        pieces.append(format(value, spec or ""))
        total += len(pieces[-1])
    return "".join(pieces)


def date(now: datetime, form: object) -> str:
    """Evaluate Hugging Face's `strftime_now(form)`."""
    if not isinstance(form, str) or len(form) > 256 or _WIDE.search(form):
        raise TemplateError("the chat template asks for the date in a form that is too long")
    return now.strftime(form)
