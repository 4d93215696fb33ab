"""Which of some tokens may follow a state: walked to where they are few, else read all at once."""

import re
from collections.abc import Callable, Iterable, Iterator

from wgslm.grammar.columns import Columns
from wgslm.grammar.ordered import Ordered
from wgslm.grammar.states import Reader, State

MOST_WALKED = 1_500  # pieces, which take about as long as reading all at once
FEW = 1_000  # pieces that are sorted
OTHER = 255  # never a count


class Followers:
    """Tokens by rank, which two forms of them share."""

    def __init__(self, ordered: Ordered, columns: Columns) -> None:
        """Take the tokens in the order of their bytes, for walks, and in columns."""
        self._ordered, self._columns = ordered, columns

    def of(
        self, reader: Reader, state: State, is_open: Callable[[State], bool] = lambda _: False
    ) -> Iterable[tuple[int, int]]:
        """Return the ranges of ranks that may follow a state, in order.

        Behind a state that `is_open` all tokens may follow.
        """
        walked = self._ordered.reached(reader, state, MOST_WALKED, is_open)
        if walked is None:
            barred = self._columns.barred(reader, state)
            if barred is not None:
                return runs(barred, 0)
            walked = self._ordered.reached(reader, state)
            assert walked is not None, "it may look at all of them"
        return self._ranked(walked)

    def _ranked(self, places: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
        """Return the ranges of ranks at ranges of places, in order."""
        ordered, count = self._ordered, sum(stop - start for start, stop in places)
        if count <= FEW:
            return sorted(ordered.ranks(places))
        is_most = 2 * count > len(ordered)  # what is less is marked
        marks = bytearray([not is_most]) * len(self._columns)
        for start, stop in ordered.ranks(_between(places, len(ordered)) if is_most else places):
            marks[start:stop] = bytes([is_most]) * (stop - start)
        return runs(bytes(marks), 0)


def _between(ranges: Iterable[tuple[int, int]], end: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges from 0 to `end` that the given ones leave out."""
    at = 0
    for start, stop in ranges:
        yield at, start
        at = stop
    yield at, end


def runs(counts: bytes, most: int) -> Iterator[tuple[int, int]]:
    """Yield where at most so much is counted, as ranges."""
    is_few = bytes(count <= most for count in range(OTHER)) + b"\0"
    for run in re.finditer(b"\1+", counts.translate(is_few)):
        yield run.start(), run.end()
