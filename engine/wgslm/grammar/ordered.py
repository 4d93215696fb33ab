"""Bytes of tokens in order, walked as the tree of their beginnings without building it.

Each knows how many bytes it shares with the one before, so a walk reads the rest only; those with
one beginning follow each other, so a walk leaps behind them by bisection.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from wgslm.grammar.states import Reader, State
from wgslm.pauses import Pausing

PAUSE = 2048  # tokens between two pauses
UNKNOWN = 0xFFFFFFFF


class Ordered:
    """Pieces in order; the tokens of pieces[i] have the ranks starts[i] to stops[i]."""

    def __init__(
        self,
        pieces: Sequence[bytes],
        starts: Sequence[int],
        stops: Sequence[int],
    ) -> None:
        """Take them sorted."""
        self._pieces = pieces
        self._starts, self._stops = starts, stops
        # Bytes in common with the one before, as far as they are known; behind the last is none.
        self._shared = array("I", [UNKNOWN]) * len(pieces)
        self._shared.append(0)
        self._longest = max(map(len, pieces), default=0)

    def __len__(self) -> int:
        """Count the pieces."""
        return len(self._pieces)

    def ranks(self, places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield the ranges of ranks at ranges of places."""
        for start, stop in places:
            yield from zip(self._starts[start:stop], self._stops[start:stop], strict=True)

    def reached(
        self,
        reader: Reader,
        state: State,
        most: int | None = None,
        is_open: Callable[[State], bool] = lambda _: False,
    ) -> list[tuple[int, int]] | None:
        """Return which pieces may follow a state, as ranges of their places.

        Behind a state that `is_open` all of them may follow; it is asked about the states after
        the first byte. None where more than `most` pieces would have to be looked at.
        """
        pieces, shared, step = self._pieces, self._shared, reader.step
        rows: list[list[State | bool | None]] = [state.row] * (self._longest + 1)  # by depth
        states = [state] * (self._longest + 1)
        left = len(pieces) if most is None else most
        index, stop = 0, len(pieces)
        ranges: list[tuple[int, int]] = []
        opens: set[State] = set()
        while index < stop:
            left -= 1
            if left < 0:
                return None
            piece, length = pieces[index], shared[index]
            if length == UNKNOWN:
                length = self._share(index)
            for byte in piece[length:] if length else piece:
                found = rows[length][byte]
                if found is None:
                    found = step(states[length], byte) or False
                length += 1
                if found is False:
                    index = self._behind(index, length)
                    break
                assert isinstance(found, State)
                if found in opens or (length == 1 and is_open(found)):
                    opens.add(found)
                    after = self._behind(index, length)
                    ranges.append((index, after))
                    index = after
                    break
                rows[length], states[length] = found.row, found
            else:
                ranges.append((index, index + 1))
                index += 1
        return ranges

    def _behind(self, index: int, length: int) -> int:
        """Return the place behind all that have the first bytes of a piece."""
        after = index + 1
        if self._share(after) < length:
            return after
        *first, last = self._pieces[index][:length]
        if last < 0xFF:
            return bisect_left(self._pieces, bytes((*first, last + 1)), after)
        while self._share(after) >= length:
            after += 1
        return after

    def _share(self, index: int) -> int:
        """Return how many bytes a piece has in common with the one before."""
        if self._shared[index] == UNKNOWN:
            before, piece = self._pieces[index - 1] if index else b"", self._pieces[index]
            size = min(len(before), len(piece))
            differing = int.from_bytes(before[:size]) ^ int.from_bytes(piece[:size])
            self._shared[index] = size - (differing.bit_length() + 7) // 8
        return self._shared[index]


def in_order(ids: Iterable[int], pieces: Sequence[bytes]) -> Pausing[list[int]]:
    """Return ids in the order of their bytes; equal ones stay as they are."""
    begun: dict[bytes, list[int]] = defaultdict(list)  # few of each, so that no sort takes long
    for count, id in enumerate(ids, 1):
        begun[pieces[id][:2]].append(id)
        if not count % PAUSE:
            yield
    found: list[int] = []
    for count, beginning in enumerate(sorted(begun), 1):
        found += sorted(begun[beginning], key=pieces.__getitem__)
        if not count % 64:
            yield
    return found
