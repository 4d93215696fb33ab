"""How much work a chat template may do: steps, characters built, depth of calls and values.

No threads, no signals, no clock: counters only, so that the same template is refused at the same
place natively and in the tab. A step costs about a microsecond natively.
"""

from collections.abc import Iterable

from jinja2.utils import Namespace

from wgslm.errors import TemplateError

MAX_SOURCE = 256 * 1024  # characters of a template; the largest in the wild have 17,000
MAX_DEPTH = 64  # lists within lists, in values passed in and values made
MAX_CALLS = 40  # macros within macros; more than this costs wasm stack
MAX_INT_BITS = 1024
CHARS_PER_STEP = 128
ITEMS_PER_STEP = 4

_EMPTY: dict[str, object] = {}
_LISTS: tuple[type[Iterable[object]], ...] = (
    list,
    tuple,
    type(_EMPTY.keys()),
    type(_EMPTY.values()),
    type(_EMPTY.items()),
)


class Budget:
    """What is left for one rendering; it grows with the conversation, never with the template."""

    def __init__(self, nodes: int = 0, chars: int = 0) -> None:
        """Allow for a conversation of so many values and characters."""
        self._max_steps = self._steps = 200_000 + 300 * nodes + chars // 2
        self._max_text = self._text = 1_000_000 + 32 * chars
        self._calls = 0

    def step(self, count: int = 1) -> None:
        """Pay for work done."""
        self._steps -= count
        if self._steps < 0:
            raise TemplateError(
                f"the chat template takes more than {self._max_steps:,} steps for this"
                " conversation; a template does its work in a few thousand"
            )

    def room(self, chars: int) -> None:
        """Refuse before a text is built that would be too long."""
        if chars > self._text:
            raise TemplateError(
                f"the chat template builds more than {self._max_text:,} characters of text for"
                " this conversation; a template repeats its messages a few times at most"
            )

    def spend(self, chars: int) -> None:
        """Pay for a text that was built."""
        self.room(chars)
        self._text -= chars
        self.step(1 + chars // CHARS_PER_STEP)

    def enter(self) -> None:
        """Begin a call."""
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise TemplateError(f"the chat template calls itself more than {MAX_CALLS} levels deep")

    def leave(self) -> None:
        """End a call."""
        self._calls -= 1

    def weigh(self, *values: object) -> int:
        """Pay for reading these values through and through; give the characters in them."""
        total = 0
        waiting = [(value, 0) for value in values]
        while waiting:
            value, depth = waiting.pop()
            chars = len(value) if isinstance(value, str) else 8
            total += chars
            self.step(1 + chars // CHARS_PER_STEP)
            children = parts(value)
            if children and depth >= MAX_DEPTH:
                raise TemplateError(
                    f"the chat template makes a value nested more than {MAX_DEPTH} levels deep"
                )
            if children:
                self.step(len(children))
                waiting += [(child, depth + 1) for child in children]
        return total


def parts(value: object) -> list[object]:
    """List the values directly within a value; an iterator is not consumed."""
    if isinstance(value, _LISTS):
        return list(value)
    if isinstance(value, Namespace):
        value = object.__getattribute__(value, "_Namespace__attrs")
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return []
