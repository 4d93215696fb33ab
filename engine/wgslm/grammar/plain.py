"""The tokens that are plain inside JSON's strings: printable, whole characters, no escape.

Most of a vocabulary is, and in a string most of it may follow, whatever it is.
"""

from collections.abc import Iterable, Sequence

from wgslm.grammar.followers import Followers, runs
from wgslm.grammar.states import FOREIGN, HALVES, Free, Reader, State

CONTINUING = bytes(range(0x80, 0xC0))
NOT_PLAIN = bytes([*range(32), *b'"\\'])  # what ends or escapes inside JSON's strings
PLAIN_BUT = sum(1 << byte for byte in NOT_PLAIN) | HALVES  # as in `Free.but`
BREAK = b"\n"  # between tokens, none of which has it
LONGEST = 254  # characters that are counted
MOST_ASKED = 12  # states, as finding out what is free after one takes half a millisecond


class Plain:
    """Plain tokens by rank."""

    def __init__(self, pieces: Sequence[bytes], followers: Followers) -> None:
        """Take the bytes of each rank, and the same for asking what may follow."""
        self._followers = followers
        self._counts = _counts(pieces)
        self._most = max(self._counts, default=0)  # characters
        joined = b"".join(pieces)
        ascii = sum(1 << byte for byte in range(0x80) if byte in joined)
        self._contents = ascii | (0 if joined.isascii() else FOREIGN)  # bits as in `Free.but`

    def __len__(self) -> int:
        """Count them."""
        return len(self._counts)

    def following(self, reader: Reader, state: State) -> Iterable[tuple[int, int]]:
        """Return the ranges of ranks that may follow a state, in order."""
        free = reader.free(state)
        is_whole = reader.step(state, 0x61) is not None  # no character is begun
        if is_whole and self._is_open(free) and (free.ends or self._most <= free.most):
            return runs(self._counts, free.most)

        asked: set[State] = set()

        def is_open(after: State) -> bool:
            asked.add(after)
            if len(asked) > MOST_ASKED:
                return False
            free = reader.free(after)
            return self._is_open(free) and self._most <= free.most

        return self._followers.of(reader, state, is_open)

    def _is_open(self, free: Free) -> bool:
        """Say whether no token has a character that is barred."""
        return not free.but & self._contents


def _counts(pieces: Sequence[bytes]) -> bytes:
    """Return how many characters each has; LONGEST stands for more too."""
    if not pieces:
        return b""
    counts = list(map(len, BREAK.join(pieces).translate(None, CONTINUING).split(BREAK)))
    return bytes(counts if max(counts) <= LONGEST else (min(LONGEST, count) for count in counts))


def characters(piece: bytes) -> int:
    """Count the bytes that begin a character."""
    return len(piece.translate(None, CONTINUING))
