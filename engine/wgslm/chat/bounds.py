"""How much work a chat template may do: steps, characters built, depth of calls and values.

No threads, no signals, no clock: counters only, so that the same template is refused at the same
place natively and in the tab. A step costs about a microsecond natively.
"""

import sys

from wgslm.chat.nesting import MAX_DEPTH, parts
from wgslm.errors import TemplateError

MAX_SOURCE = 128 * 1024  # characters of a template; the largest in the wild have 17,000
MAX_CALLS = 40  # macros within macros
TEST_CALLS = 4  # what a loop's condition counts as: its generator takes native stack, of which
# Pyodide 314 has enough for about 100 nested Python functions that C calls (node 20)
MAX_INT_BITS = 1024
MAX_STEPS = 4_000_000
MAX_BYTES = 256 << 20
BYTES_PER_STEP = 4096  # copying a text
CHARS_PER_STEP = 1024  # comparing or hashing one
ITEMS_PER_STEP = 4


class Budget:
    """What is left for one rendering; it grows with the conversation, never with the template.

    Both grow with the square of the messages: real templates look back from every message, and
    append every message to the text so far.
    """

    def __init__(self, messages: int = 0, values: int = 0, nbytes: int = 0) -> None:
        """Allow for a conversation of so many messages, values in them, and bytes of text."""
        steps = 150_000 + 300 * values + nbytes // 2 + 2 * messages**2
        self._max_steps = self._steps = min(steps, MAX_STEPS)
        self._max_bytes = self._bytes = min((4 << 20) + (32 + 2 * messages) * nbytes, MAX_BYTES)
        self._calls = 0

    def step(self, count: int = 1) -> None:
        """Pay for work done."""
        self._steps -= count
        if self._steps < 0:
            raise TemplateError(
                f"the chat template takes more than {self._max_steps:,} steps for this"
                " conversation; a template does its work in a few thousand"
            )

    def room(self, nbytes: int) -> None:
        """Refuse before a text is built that would be too long; a character is a byte or more."""
        if nbytes > self._bytes:
            raise TemplateError(
                f"the chat template builds more than {self._max_bytes:,} bytes of text for this"
                " conversation; a template repeats its messages a few times at most"
            )

    def spend(self, text: str) -> None:
        """Pay for a text that was built."""
        nbytes = sys.getsizeof(text)
        self.room(nbytes)
        self._bytes -= nbytes
        self.step(1 + nbytes // BYTES_PER_STEP)

    def enter(self, levels: int = 1) -> None:
        """Begin a call."""
        self._calls += levels
        if self._calls > MAX_CALLS:
            raise TemplateError(f"the chat template calls itself more than {MAX_CALLS} levels deep")

    def leave(self, levels: int = 1) -> None:
        """End a call."""
        self._calls -= levels

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
