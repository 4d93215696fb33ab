"""Many tokens read at once: a column of bytes for each place in them, and a byte for each state.

Where a state allows much, a few passes over all tokens at C speed take less than a walk.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from wgslm.grammar.states import Reader, State

MOST_STATES = 255  # that are met on the way: their numbers are bytes, and 0 is for none
UNKNOWN = -1  # a number that was not asked for yet
FEW = 500  # tokens in one state that are moved one by one
_IS_DEAD = b"\1" + bytes(255)
_ONLY = [bytes(0xFF * (other == number) for other in range(256)) for number in range(256)]


class Columns:
    """Tokens of which some may follow a state."""

    def __init__(self, pieces: Sequence[bytes], places: Sequence[int] | None = None) -> None:
        """Take tokens, the longest first, and their places by rank where these are others."""
        self._columns, self._places = in_columns(pieces), places
        self._bytes = [bytes(b for b in range(256) if b in each) for each in self._columns]
        self._count = len(pieces)

    def __len__(self) -> int:
        """Count the tokens."""
        return self._count

    def barred(self, reader: Reader, state: State) -> bytes | None:
        """Return a byte for each rank: 0 if it may follow a state, else 1.

        None where too many states are met.
        """
        met = _Met(reader, state)
        ended: list[bytes] = []  # the last states of tokens, the longest tokens' last
        now = b"\1" * self._count
        for column, among in zip(self._columns, self._bytes, strict=True):
            ended.append(now[len(column) :])
            now = now[: len(column)]
            counts = dict(_counted(now))
            many = {n: met.table(n, among) for n, count in counts.items() if count > FEW}
            after = bytearray(_moved(now, column, many))
            for number in counts.keys() - many.keys():
                row = met.rows[number]
                at = now.find(number)
                while at >= 0:
                    to = row[column[at]]
                    after[at] = met.after(number, column[at]) if to == UNKNOWN else to
                    at = now.find(number, at + 1)
            if met.are_too_many:
                return None
            now = bytes(after)
        ended.append(now)
        found = b"".join(reversed(ended)).translate(_IS_DEAD)
        return bytes(map(found.__getitem__, self._places)) if self._places else found


class _Met:
    """The states that are met, by number; those that are too many count as the last."""

    def __init__(self, reader: Reader, state: State) -> None:
        self._reader = reader
        self._states: list[State | None] = [None, state]
        self._numbers: dict[State | None, int] = {None: 0, state: 1}
        self.rows = [[UNKNOWN] * 256, [UNKNOWN] * 256]  # the number after each byte, by number

    @property
    def are_too_many(self) -> bool:
        return len(self._states) > MOST_STATES + 1

    def after(self, number: int, byte: int) -> int:
        """Return the number of the state that a byte leads to."""
        state = self._states[number]
        to = self._reader.step(state, byte) if state else None
        if to not in self._numbers:
            self._numbers[to] = len(self._states)
            self._states.append(to)
            self.rows.append([UNKNOWN] * 256)
        self.rows[number][byte] = min(MOST_STATES, self._numbers[to])
        return self.rows[number][byte]

    def table(self, number: int, among: bytes) -> bytes:
        """Return the number after each byte; of those that are not asked about any."""
        row = self.rows[number]
        for byte in among if number else b"":
            if row[byte] == UNKNOWN:
                self.after(number, byte)
        return bytes(max(0, to) for to in row)


def _counted(numbers: bytes) -> Iterator[tuple[int, int]]:
    """Yield each number and how often it occurs."""
    while numbers:
        others = numbers.translate(None, numbers[:1])
        yield numbers[0], len(numbers) - len(others)
        numbers = others


def _moved(now: bytes, column: bytes, tables: Mapping[int, bytes]) -> bytes:
    """Return the next numbers of all whose number has a table; the others' do not matter."""
    if len(tables) <= 1:
        return column.translate(*tables.values()) if tables else column
    joined = 0
    for number, table in tables.items():
        if number:
            here = now.translate(_ONLY[number])
            joined |= int.from_bytes(column.translate(table)) & int.from_bytes(here)
    return joined.to_bytes(len(column))


def by_length(pieces: Sequence[bytes]) -> list[int]:
    """Return the places of the longest first; those of one length stay as they are."""
    lengths = list(map(len, pieces))
    return sorted(range(len(pieces)), key=lengths.__getitem__, reverse=True)


def in_columns(pieces: Sequence[bytes]) -> list[bytes]:
    """Return the bytes in columns: of each place, for all that are so long. The longest first."""
    parts: list[list[bytes]] = []
    for length, group in groupby(pieces, key=len):
        parts += [[] for _ in range(length - len(parts))]
        joined = b"".join(group)
        for depth in range(length):
            parts[depth].append(joined[depth::length])
    return [b"".join(each) for each in parts]
