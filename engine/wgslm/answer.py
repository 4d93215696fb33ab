"""Turns the ids of one answer into its events: decoded, cut at stop strings, told apart."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from wgslm.chat.events import Delta, Likelihood, TextDelta, TokenChance
from wgslm.chat.output.detect import marks
from wgslm.chat.output.parser import OutputParser
from wgslm.chat.output.styles import Format
from wgslm.chat.parse import StopStrings
from wgslm.steps import Chance
from wgslm.text import TextStream, Tokenizer


def mark_ids(tokenizer: Tokenizer, format: Format, *, has_tools: bool) -> frozenset[int]:
    """Return the control tokens whose text a format goes by; all others write nothing."""
    controls = frozenset(tokenizer.specials)
    joined = "\0".join(marks(format, has_tools=has_tools))
    wanted = {text for text in controls if text and text in joined}
    if not wanted:
        return frozenset()
    return frozenset(id for id, text in enumerate(tokenizer.tokens) if text in wanted)


def name_chance(tokenizer: Tokenizer, id: int, chance: Chance) -> TokenChance:
    """Return the chance of an id with what the tokens write; control tokens show their text."""

    def piece(id: int) -> bytes:
        return tokenizer.piece(id, specials=True)

    top = (Likelihood(other, piece(other), logprob) for other, logprob in chance.top)
    return TokenChance(id, piece(id), chance.logprob, tuple(top))


class Answer:
    """What is told of an answer so far; `parser` None tells all of it as text."""

    def __init__(
        self,
        text: TextStream,
        stops: Sequence[str],
        parser: OutputParser | None = None,
        earlier: Iterable[int] = (),
    ) -> None:
        """Begin an answer, or go on after the ids `earlier`, which are told again first."""
        self._text = text
        self._stops = StopStrings(stops)
        self._parser = parser
        self._untold: list[int] = list(earlier)
        self._chances: list[TokenChance] = []
        self._waiting: list[Delta] = []
        said = "".join(map(text.push, self._untold))
        if said:
            self._waiting = self._read(said)

    @property
    def has_calls(self) -> bool:
        """Whether the answer calls tools."""
        return self._parser is not None and self._parser.has_calls

    def push(self, id: int, chance: TokenChance | None = None) -> tuple[list[Delta], bool]:
        """Take an id; give what it tells, and whether a stop string was reached."""
        self._untold.append(id)
        if chance is not None:
            self._chances.append(chance)
        said, stopped = self._stops.push(self._text.push(id))
        return self._told(self._read(said)), stopped

    def finish(self, *, stopped: bool, was_cut: bool) -> tuple[list[Delta], bool]:
        """Give the rest, and whether a stop string ended it; every id is told by then."""
        events: list[Delta] = []
        if not stopped:
            said, stopped = self._stops.push(self._text.flush())
            events = self._read(said + self._stops.flush())
        if self._parser:
            events += self._parser.finish(was_cut=was_cut and not stopped)
        events = self._told(events)
        if self._untold:  # also those of text that is not shown
            events.append(self._with_ids(TextDelta("")))
        return events, stopped

    def _read(self, said: str) -> list[Delta]:
        if self._parser:
            return self._parser.push(said)
        return [TextDelta(said)] if said else []

    def _told(self, events: list[Delta]) -> list[Delta]:
        """Give events with the ids that are not told yet at the first."""
        events = [*self._waiting, *events]
        self._waiting = []
        if events:
            events[0] = self._with_ids(events[0])
        return events

    def _with_ids(self, event: Delta) -> Delta:
        ids, chances = tuple(self._untold), tuple(self._chances)
        self._untold.clear()
        self._chances.clear()
        return replace(event, ids=ids, chances=chances)
