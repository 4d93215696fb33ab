"""Collects what a reader finds as events: white space around thoughts and calls is none of it."""

from collections.abc import Callable

from wgslm.chat.events import (
    Delta,
    ReasoningDelta,
    TextDelta,
    TextWasReasoning,
    ToolCallDelta,
    ToolCallVoid,
)


class Sink:
    """The events of one answer."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        """Name calls that the model gives no id with `new_id`."""
        self.calls = 0  # that hold, so far
        self._new_id = new_id
        self._events: list[Delta] = []
        self._text = _Spaced()
        self._thoughts = _Spaced(skipping=True)
        self._has_told = False  # text, before the last border
        self._has_thought = self._was_thinking = False
        self._dropped = ""
        self._index = -1
        self._is_open = False

    def drain(self) -> list[Delta]:
        """Give the events since the last time; neighbours that go together are one."""
        events, self._events = self._events, []
        joined: list[Delta] = []
        for event in events:
            last = joined[-1] if joined else None
            if isinstance(event, TextDelta) and isinstance(last, TextDelta):
                joined[-1] = TextDelta(last.text + event.text)
            elif isinstance(event, ReasoningDelta) and isinstance(last, ReasoningDelta):
                joined[-1] = ReasoningDelta(last.text + event.text)
            elif (
                isinstance(event, ToolCallDelta)
                and isinstance(last, ToolCallDelta)
                and event.index == last.index
            ):
                together = last.arguments + event.arguments
                joined[-1] = ToolCallDelta(last.index, together, last.id, last.name)
            else:
                joined.append(event)
        return joined

    def text(self, piece: str) -> None:
        """Tell text of the answer."""
        if shown := self._text.push(piece):
            self._dropped = ""
            self._end_thoughts()
            self._events.append(TextDelta(shown))

    def think(self, piece: str) -> None:
        """Tell thoughts."""
        if shown := self._thoughts.push(piece):
            self._end_thoughts()
            self._has_thought = True
            self._events.append(ReasoningDelta(shown))

    @property
    def thoughts_held(self) -> str:
        """The white space that has come after thoughts."""
        return self._thoughts.unshown

    def think_on(self, piece: str) -> None:
        """Tell more of the thoughts that a border ended."""
        self._thoughts = _Spaced()
        self.think(piece)

    def rethink(self) -> None:
        """Take the text so far for thoughts, unless there were others, once anything follows."""
        self.part()
        if self._has_told and not self._has_thought:
            self._was_thinking, self._has_told, self._dropped = True, False, ""
            self._text = _Spaced(skipping=True)
            self._thoughts = _Spaced(before="\n\n", skipping=True)

    def part(self) -> None:
        """Forget the white space at a border between thoughts, text and calls."""
        self._dropped = self._text.unshown
        self._has_told |= self._text.has_shown
        self._text = _Spaced(before="\n\n" if self._has_told else "", skipping=True)
        if self._thoughts.has_shown:
            self._thoughts = _Spaced(before="\n\n", skipping=True)

    def begin(self, name: str, id: str = "") -> None:
        """Begin a call."""
        self._index += 1
        self._is_open = True
        self._end_thoughts()
        self._events.append(ToolCallDelta(self._index, "", id or self._new_id(), name))

    def arguments(self, piece: str) -> None:
        """Tell more of the arguments of the call that is open."""
        if piece:
            self._events.append(ToolCallDelta(self._index, piece))

    def end(self) -> None:
        """End the call that is open: it holds."""
        self._is_open = False
        self.calls += 1

    @property
    def begun(self) -> int:
        """How many calls have begun so far."""
        return self._index + 1

    def keep(self) -> bool:
        """Keep an open call that a limit cuts short; say whether there is one."""
        was_open, self._is_open = self._is_open, False
        return was_open

    def void(self, raw: str) -> None:
        """Take back the call that is open, if one is, and tell what was written as text."""
        if self.keep():
            self._events.append(ToolCallVoid(self._index))
        self._text = _Spaced(before=self._dropped + self._text.held)
        self._dropped = ""
        self.text(raw)

    def _end_thoughts(self) -> None:
        if self._was_thinking:
            self._was_thinking, self._has_thought = False, True
            self._events.append(TextWasReasoning())

    def finish(self) -> None:
        """Tell the white space that an answer ends with."""
        if self._text.held and not self._text.skipping:
            self._events.append(TextDelta(self._text.held))


class _Spaced:
    """Passes text on but for the white space at its end, and at its start if `skipping`."""

    def __init__(self, before: str = "", skipping: bool = False) -> None:
        self._held = [] if skipping else [before]
        self.skipping = skipping
        self.has_shown = False
        self._before = before if skipping else ""

    @property
    def held(self) -> str:
        """The white space that has come after text."""
        return "".join(self._held)

    @property
    def unshown(self) -> str:
        """The white space that has come, or that is to come before text."""
        return self._before if self.skipping else self.held

    def push(self, piece: str) -> str:
        if self.skipping:
            piece = piece.lstrip()
            if not piece:
                return ""
            self.skipping, self._held = False, [self._before]
        body = piece.rstrip()
        if not body:
            self._held.append(piece)
            return ""
        shown, self._held = self.held + body, [piece[len(body) :]]
        self.has_shown = True
        return shown
