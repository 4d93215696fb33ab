"""Which of some tokens may follow a state: walked to where they are few, else read all at once."""

import re
from collections.abc import Iterable, Iterator

from wgslm.grammar.columns import Columns
from wgslm.grammar.ordered import Ordered
from wgslm.grammar.states import Reader, State

MOST_WALKED = 1_500  # pieces, which take about as long as reading all at once
OTHER = 255  # never a count


class Followers:
    """Tokens by rank, which two forms of them share."""

    def __init__(self, ordered: Ordered, columns: Columns) -> None:
        """Take the tokens in the order of their bytes, for walks, and in columns."""
        self._ordered, self._columns = ordered, columns

    def of(self, reader: Reader, state: State) -> Iterable[tuple[int, int]]:
        """Return the ranges of ranks that may follow a state, in order."""
        walked = self._ordered.reached(reader, state, MOST_WALKED)
        if walked is None:
            barred = self._columns.barred(reader, state)
            if barred is not None:
                return runs(barred, 0)
            walked = self._ordered.reached(reader, state)
            assert walked is not None, "it may look at all of them"
        return sorted(walked)


def runs(counts: bytes, most: int) -> Iterator[tuple[int, int]]:
    """Yield where at most so much is counted, as ranges."""
    is_few = bytes(count <= most for count in range(OTHER)) + b"\0"
    for run in re.finditer(b"\1+", counts.translate(is_few)):
        yield run.start(), run.end()
