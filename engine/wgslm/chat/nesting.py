"""What is inside the values of a chat template, and how deep they nest.

Freeing a list nested 8,000 deep overflows the native stack under Pyodide 314 and kills the
interpreter (4,000 is survived; node 20, September 2026). So depth is bounded when a value is kept.
"""

from collections.abc import Callable, Iterable
from types import BuiltinMethodType, MethodType

from jinja2.runtime import LoopContext, Undefined
from jinja2.utils import Cycler, Joiner, Namespace

from wgslm.errors import TemplateError

MAX_DEPTH = 64  # lists within lists, in values passed in and values made

_EMPTY: dict[str, object] = {}
_LISTS: tuple[type[Iterable[object]], ...] = (
    list,
    tuple,
    type(_EMPTY.keys()),
    type(_EMPTY.values()),
    type(_EMPTY.items()),
)
_SCALARS = (str, int, float, type(None), range)


class Once:
    """An iterator over values that are all there: what jinja2's lazy filters become."""

    def __init__(self, items: list[object]) -> None:
        """Keep the items until they are taken."""
        self.items = items
        self._next = 0

    def __iter__(self) -> "Once":
        """Iterate once only, like a generator."""
        return self

    def __next__(self) -> object:
        """Take the next item."""
        if self._next == len(self.items):
            raise StopIteration
        self._next += 1
        return self.items[self._next - 1]


def parts(value: object) -> list[object]:
    """List the values directly within a value; an iterator is not consumed."""
    if isinstance(value, _SCALARS):
        return []
    if isinstance(value, _LISTS):
        return list(value)
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, Once | Cycler):
        return list(value.items)
    if isinstance(value, Namespace):
        return parts(object.__getattribute__(value, "_Namespace__attrs"))
    if isinstance(value, Undefined):
        inner = object.__getattribute__
        return [inner(value, "_undefined_obj"), inner(value, "_undefined_name")]
    if isinstance(value, Joiner):
        return [value.sep]
    if isinstance(value, BuiltinMethodType | MethodType):
        return [value.__self__]
    return []


class Nesting:
    """Depths of the values that one rendering keeps; each value is looked through once."""

    def __init__(self, step: Callable[[int], None]) -> None:
        """Pay with `step`."""
        self._step = step
        self._known: dict[int, tuple[object, int, bool]] = {}

    def check(self, value: object, in_namespace: bool) -> None:
        """Refuse a value that nests too deep, or a namespace within a namespace.

        A namespace can grow after it was looked through; so none may hold another.
        """
        if isinstance(value, _SCALARS) or (isinstance(value, LoopContext) and not in_namespace):
            return
        _, grows = self._look(value, 0)
        if grows and in_namespace:
            raise TemplateError("the chat template keeps a namespace or a loop in a namespace")

    def _look(self, value: object, level: int) -> tuple[int, bool]:
        """Give how deep a value nests, and whether it holds what may grow later."""
        if level > MAX_DEPTH:
            raise TemplateError(
                f"the chat template makes a value nested more than {MAX_DEPTH} levels deep"
            )
        known = self._known.get(id(value))
        if known is not None and level + known[1] <= MAX_DEPTH:
            return known[1], known[2]
        inside = parts(value)
        self._step(1 + len(inside))
        depth, grows = 0, isinstance(value, Namespace | LoopContext)
        for part in inside:
            if not isinstance(part, _SCALARS):
                below, growing = self._look(part, level + 1)
                depth, grows = max(depth, 1 + below), grows or growing
        if not isinstance(value, Namespace):
            self._known[id(value)] = (value, depth, grows)
        return depth, grows
