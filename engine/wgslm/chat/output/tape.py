"""The text of an answer as it comes, read by generators that pause where they need more.

A reader consumes only what no later text can change, so any split of the text reads the same.
"""

import re
import sys
from collections.abc import Callable, Generator, Sequence
from itertools import permutations
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]  # pauses for more text, then gives a T


class Malformed(Exception):
    """What comes is no tool call, or none that can be understood."""


class Marks:
    """Texts that end what is being read."""

    def __init__(self, marks: Sequence[str]) -> None:
        """Prepare to find any of `marks`; none may hold another, as finding would be a race."""
        texts = tuple(dict.fromkeys(mark for mark in marks if mark))
        clash = [(one, other) for one, other in permutations(texts, 2) if one in other]
        assert not clash, f"marks within marks: {clash}"
        self.texts = texts
        self.pattern = re.compile("|".join(map(re.escape, texts)) or "(?!)")
        self._beginnings = {mark[:n] for mark in texts for n in range(1, len(mark))}
        self.longest = max(map(len, texts), default=0)

    def held(self, text: str, start: int) -> int:
        """Count the characters at the end of `text[start:]` that may begin a mark."""
        for length in range(min(self.longest - 1, len(text) - start), 0, -1):
            if text[len(text) - length :] in self._beginnings:
                return length
        return 0


class Tape:
    """What has come and is not read yet."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._text = ""
        self._at = 0
        self._read: list[str] | None = None
        self.ended = False
        self.was_cut = False  # ended because of a limit, not because the model was done

    def push(self, text: str) -> None:
        """Append what came."""
        self._text = self._text[self._at :] + text
        self._at = 0

    def record(self) -> None:
        """Begin to keep what is read from here on."""
        self._read = []

    def recorded(self) -> str:
        """Give what was read since `record`, and stop keeping."""
        read, self._read = self._read or [], None
        return "".join(read)

    def unread(self, text: str) -> None:
        """Put back what was read last."""
        if len(text) <= self._at:
            self._at -= len(text)
        else:  # its beginning is gone
            self._text, self._at = text + self._text[self._at :], 0

    def take(self, count: int) -> str:
        """Read so many characters of those that are there."""
        taken = self._text[self._at : self._at + count]
        self._at += len(taken)
        if self._read is not None:
            self._read.append(taken)
        return taken

    def drop(self) -> None:
        """Read what is there, and leave it untold."""
        self._at = len(self._text)

    def run(self, pattern: re.Pattern[str], most: int = sys.maxsize) -> str:
        """Read what matches of what is there, at most so long; may be nothing."""
        found = pattern.match(self._text, self._at)
        return self.take(min(most, found.end() - self._at)) if found else ""

    def peek(self) -> Steps[str]:
        """Give the next character, or nothing at the end."""
        while self._at >= len(self._text):
            if self.ended:
                return ""
            yield
        return self._text[self._at]

    def need(self) -> Steps[str]:
        """Read the next character; there must be one."""
        if not (yield from self.peek()):
            raise Malformed
        return self.take(1)

    def space(self) -> Steps[str]:
        """Read white space; give the character after it, or nothing at the end, unread."""
        while (yield from self.peek()).isspace():
            self.take(1)
        return (yield from self.peek())

    def brackets(self) -> Steps[str]:
        """Read closing ones that are too many; give the character after them, unread."""
        while (yield from self.space()) in ("}", "]"):
            self.take(1)
        return (yield from self.peek())

    def match(self, marks: Sequence[str]) -> Steps[str]:
        """Give the first of `marks` that comes next, unread, or nothing."""
        while True:
            is_open = False
            for mark in marks:
                there = self._text[self._at : self._at + len(mark)]
                if there == mark:
                    return mark
                is_open |= mark.startswith(there) and not self.ended
            if not is_open:
                return ""
            yield

    def skip(self, *marks: str) -> Steps[str]:
        """Read one of `marks` if it comes next; give it, or nothing."""
        mark = yield from self.match([mark for mark in marks if mark])
        return self.take(len(mark))

    def until(
        self, marks: Marks, tell: Callable[[str], None], *, is_inside: bool = False
    ) -> Steps[str]:
        """Pass text on up to one of `marks`, which is given unread; nothing at the end.

        Inside a call, what a limit cut that may begin a mark is left untold.
        """
        while True:
            found = marks.pattern.search(self._text, self._at)
            if found:
                tell(self.take(found.start() - self._at))
                return found.group()
            is_held = not self.ended or (is_inside and self.was_cut)
            held = marks.held(self._text, self._at) if is_held else 0
            tell(self.take(len(self._text) - self._at - held))
            if self.ended:
                self.take(held)
                return ""
            yield

    def before(self, marks: Marks, most: int) -> Steps[tuple[str, str]]:
        """Read up to one of `marks`; give what is before it, at most so long, and it, unread."""
        text = ""
        while True:
            reach = self._at + most + 1 - len(text) + marks.longest
            found = marks.pattern.search(self._text, self._at, reach)
            held = 0 if self.ended else marks.held(self._text, self._at)
            end = found.start() if found else len(self._text) - held
            text += self.take(min(end - self._at, most + 1 - len(text)))
            if len(text) > most or (self.ended and not found):
                raise Malformed
            if found:
                return text, found.group()
            yield

    def upto(self, marks: Marks, most: int) -> Steps[str]:
        """Read up to one of `marks` and the mark; give what is before it, at most so long."""
        text, mark = yield from self.before(marks, most)
        self.take(len(mark))
        return text
