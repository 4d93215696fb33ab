"""The filters and tests that chat templates get: jinja2's own, those of use, each paying first."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, cast

from jinja2.filters import FILTERS as ALL_FILTERS
from jinja2.runtime import Context
from jinja2.tests import TESTS as ALL_TESTS
from jinja2.utils import _PassArg, pass_context

from wgslm.chat import strings
from wgslm.chat.nesting import Once
from wgslm.errors import TemplateError

if TYPE_CHECKING:
    from wgslm.chat.sandbox import Sandbox

Function = Callable[..., object]

# These look at a value from outside; the others read it through.
_SHALLOW = (
    "count d default first last length list items map reject rejectattr reverse select selectattr"
)
_THROUGH = (
    "abs capitalize dictsort e escape float int lower max min safe sort string title trim truncate"
    " unique upper wordcount"
)
_SORTING = frozenset({"dictsort", "max", "min", "sort", "unique"})
_SPLITTING = frozenset({"title", "wordcount"})  # into lists of words, forty times the memory
_MAX_INDENT = 64
_MAX_DIGITS = 30


def _sandbox(context: Context) -> "Sandbox":
    return context.environment  # type: ignore[return-value]


def _shallow(function: Function) -> Function:
    """Wrap a filter so that it pays by the length of its value."""

    @pass_context
    @wraps(function)
    def paying(context: Context, value: object, *args: object, **kwargs: object) -> object:
        sandbox = _sandbox(context)
        size = len(value) if isinstance(value, str | list | tuple | dict | range) else 1
        sandbox.step(1 + (size if function.__name__ in ("do_list", "do_reverse") else size // 64))
        return sandbox.settle(function(*_passed(function, context), value, *args, **kwargs))

    return paying


def _through(name: str, function: Function) -> Function:
    """Wrap a filter so that it pays for reading all its values, and again for sorting them."""

    @pass_context
    @wraps(function)
    def paying(context: Context, *args: object, **kwargs: object) -> object:
        sandbox = _sandbox(context)
        chars = sandbox.budget.weigh(*args, *kwargs.values())
        sandbox.budget.room(chars)
        sandbox.step(chars // (2 if name in _SPLITTING else 64))
        if name in _SORTING and isinstance(args[0], str | list | tuple | dict | range):
            sandbox.step(len(args[0]) * len(args[0]).bit_length())
        return sandbox.settle(function(*_passed(function, context), *args, **kwargs))

    return paying


def _test(function: Function) -> Function:
    """Wrap a test; those of two values compare them."""

    @pass_context
    @wraps(function)
    def paying(context: Context, value: object, *args: object) -> object:
        sandbox = _sandbox(context)
        if args or function.__name__ in ("test_lower", "test_upper"):
            sandbox.budget.weigh(value, *args)
        else:
            sandbox.step()
        return function(*_passed(function, context), value, *args)

    return paying


def _passed(function: Function, context: Context) -> tuple[object, ...]:
    """What a jinja2 filter wants before its value."""
    wanted = _PassArg.from_obj(function)
    if wanted is None:
        return ()
    if wanted is _PassArg.context:
        return (context,)
    return (context.eval_ctx if wanted is _PassArg.eval_context else context.environment,)


@pass_context
def _tojson(
    context: Context,
    value: object,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> object:
    """Write JSON as Hugging Face does: plain text, nothing escaped for HTML."""
    sandbox = _sandbox(context)
    if isinstance(value, Once):  # of a lazy filter: llama.cpp writes its values, jinja2 refuses
        value = list(value)
    sandbox.budget.room(sandbox.budget.weigh(value))
    too_wide = indent is not None and len(_indent(indent)) > 16
    if too_wide or (separators is not None and sum(map(len, separators)) > 16):
        raise TemplateError(
            "the chat template indents or separates JSON by more than 16 characters"
        )
    text = json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )
    if ensure_ascii and sandbox.marker:
        text = text.replace(json.dumps(sandbox.marker)[1:-1], sandbox.marker)
    return sandbox.settle(text)


@pass_context
def _join(context: Context, value: object, d: str = "", attribute: object = None) -> object:
    sandbox = _sandbox(context)
    items = list(value) if isinstance(value, Iterable) else value
    count = len(items) if isinstance(items, list) else 0
    sandbox.step(count)
    sandbox.budget.room(sandbox.budget.weigh(items) + sandbox.budget.weigh(d) * count)
    join = ALL_FILTERS["join"]
    return sandbox.settle(join(context.eval_ctx, items, d, attribute))


@pass_context
def _replace(
    context: Context, value: object, old: object, new: object, count: int | None = None
) -> object:
    sandbox = _sandbox(context)
    sandbox.budget.room(sandbox.budget.weigh(value, old, new))
    text, old, new = str(value), str(old), str(new)
    sandbox.step(strings.search_steps(text, old))
    sandbox.budget.room(strings.replaced_length(text, old, new))
    return sandbox.settle(text.replace(old, new, -1 if count is None else count))


@pass_context
def _indented(
    context: Context,
    value: object,
    width: int | str = 4,
    first: bool = False,
    blank: bool = False,
) -> object:
    sandbox = _sandbox(context)
    sandbox.budget.room(sandbox.budget.weigh(value))
    text = str(value)
    indent = _indent(width)
    if len(indent) > _MAX_INDENT:
        raise TemplateError(f"the chat template indents by more than {_MAX_INDENT} characters")
    sandbox.step(text.count("\n"))
    sandbox.budget.room(len(text) + len(indent) * (1 + len(text.splitlines())))
    return sandbox.settle(ALL_FILTERS["indent"](text, indent, first, blank))


@pass_context
def _format(context: Context, value: object, *args: object, **kwargs: object) -> object:
    sandbox = _sandbox(context)
    form = sandbox.emit(value)
    return sandbox.settle(strings.percent(sandbox.budget, form, kwargs or args))


@pass_context
def _sum(
    context: Context, value: object, attribute: str | int | None = None, start: object = 0
) -> object:
    sandbox = _sandbox(context)
    if not isinstance(value, Iterable):
        raise TemplateError(f"the chat template sums {type(value).__name__}, which is no list")
    if attribute is not None:
        value = ALL_FILTERS["map"](context, value, attribute=attribute)
    for item in cast(Iterable[object], value):
        start = sandbox.call_binop(context, "+", start, item)
    return start


@pass_context
def _round(context: Context, value: object, precision: int = 0, method: str = "common") -> object:
    if not isinstance(value, int | float) or abs(precision) > _MAX_DIGITS:
        raise TemplateError(
            f"the chat template rounds to {precision!r} digits; the most is {_MAX_DIGITS}"
        )
    return _sandbox(context).settle(ALL_FILTERS["round"](value, precision, method))


@pass_context
def _divisible(context: Context, value: object, by: object) -> bool:
    if not isinstance(value, int | float) or not isinstance(by, int | float):
        raise TemplateError("the chat template divides what is no number")
    return value % by == 0


@pass_context
def _contained(context: Context, value: object, container: object) -> bool:
    return _sandbox(context).contains(value, container)


def _indent(width: int | str) -> str:
    """Spell out an indentation, but no further than what is refused anyway."""
    return width if isinstance(width, str) else " " * min(width, _MAX_INDENT + 1)


FILTERS: Mapping[str, Function] = {
    **{name: _shallow(ALL_FILTERS[name]) for name in _SHALLOW.split()},
    **{name: _through(name, ALL_FILTERS[name]) for name in _THROUGH.split()},
    "format": _format,
    "indent": _indented,
    "join": _join,
    "replace": _replace,
    "round": _round,
    "sum": _sum,
    "tojson": _tojson,
}

TESTS: Mapping[str, Function] = {
    **{name: _test(cast(Function, function)) for name, function in ALL_TESTS.items()},
    "divisibleby": _divisible,
    "in": _contained,
}
