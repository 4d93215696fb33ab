"""Stop strings in streamed text, found the same however the stream is split."""

from collections.abc import Sequence

from wgslm.errors import RequestError


class StopStrings:
    """Passes text on, holds back what may become a stop string, and ends before the first one.

    First is the one that is complete first; of several that end together, the longest.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """Prepare one matcher per stop string."""
        for index, stop in enumerate(stops):
            if not stop:
                raise RequestError(
                    f"stop string {index} is empty; it needs at least one character", "stop"
                )
        self._matchers = [_Matcher(stop) for stop in dict.fromkeys(stops)]
        self._held = ""
        self._stopped = False

    def push(self, text: str) -> tuple[str, bool]:
        """Take the next piece of text; give what may be shown, and whether a stop was reached."""
        if self._stopped:
            return "", True
        pending = self._held + text
        for index, character in enumerate(text, len(self._held)):
            matched = 0
            for matcher in self._matchers:
                if matcher.advance(character):
                    matched = max(matched, len(matcher.stop))
            if matched:
                self._stopped, self._held = True, ""
                return pending[: index + 1 - matched], True
        visible = len(pending) - max((matcher.length for matcher in self._matchers), default=0)
        self._held = pending[visible:]
        return pending[:visible], False

    def flush(self) -> str:
        """Give what was held back, now that no more text comes."""
        held, self._held = self._held, ""
        return held


class _Matcher:
    """Knuth-Morris-Pratt: how much of one stop string the text so far ends with."""

    def __init__(self, stop: str) -> None:
        self.stop = stop
        self.length = 0
        self._borders = _borders(stop)

    def advance(self, character: str) -> bool:
        """Take one character; say whether the stop string is complete."""
        while self.length and self.stop[self.length] != character:
            self.length = self._borders[self.length - 1]
        if self.stop[self.length] == character:
            self.length += 1
        return self.length == len(self.stop)


def _borders(text: str) -> list[int]:
    """For each prefix, the length of its longest proper prefix that is also its suffix."""
    borders = [0] * len(text)
    length = 0
    for index in range(1, len(text)):
        while length and text[index] != text[length]:
            length = borders[length - 1]
        if text[index] == text[length]:
            length += 1
        borders[index] = length
    return borders
