"""A vocabulary for grammars: the bytes of each token, in the order that makes prefixes ranges.

Knows tokens as bytes and ids, nothing of how text becomes ids.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from wgslm.grammar.states import HALVES, LONG
from wgslm.grammar.tree import Tree, is_whole

CONTINUING = bytes(range(0x80, 0xC0))
NOT_PLAIN = bytes([*range(32), *b'"\\'])  # what ends or escapes inside JSON's strings
PLAIN_BUT = sum(1 << byte for byte in NOT_PLAIN) | HALVES  # as in `Free.but`
LONGEST = 254  # characters that are counted
OTHER = 255  # in place of a count: the token is not plain


class Vocabulary:
    """The tokens that a grammar may choose from.

    `ranks` number them in the order of their bytes, so that all tokens with one prefix are a
    range. As most states of JSON are inside strings, tokens that are plain there, and not longer
    than `LONG` characters, are known; `others` holds the rest.
    """

    def __init__(
        self,
        pieces: Sequence[bytes],
        end_ids: Iterable[int] = (),
        specials: Iterable[tuple[int, bytes]] = (),
    ) -> None:
        """Take the bytes of each id; an id without any can never be chosen.

        `end_ids` end an answer; `specials` are control tokens and their text, for grammars that
        may write them.
        """
        self.size = len(pieces)
        self.pieces = list(pieces)
        self.end_ids = frozenset(end_ids)
        self.specials = tuple((id, text) for id, text in specials if id not in self.end_ids)
        for id, text in self.specials:
            self.pieces[id] = text
        barred = self.end_ids | {id for id, _ in self.specials}
        pairs = sorted((piece, id) for id, piece in enumerate(pieces) if piece and id not in barred)
        self.ids = [id for _, id in pairs]  # by rank
        self.rank = {id: rank for rank, id in enumerate(self.ids)}
        self.tree = Tree((rank, piece) for rank, (piece, _) in enumerate(pairs))
        self._counts = bytes(min(LONGEST, _characters(piece)) for piece, _ in pairs)  # by rank
        is_other = [
            len(piece.translate(None, NOT_PLAIN)) < len(piece)
            or not is_whole(piece)
            or _characters(piece) > LONG
            for piece, _ in pairs
        ]
        self._plain_counts = bytes(
            OTHER if other else count for other, count in zip(is_other, self._counts, strict=True)
        )
        self.others = Tree((rank, piece) for rank, (piece, _) in enumerate(pairs) if is_other[rank])

    def plain(self, most: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of the tokens of at most so many characters, all plain in strings."""
        yield from _runs(self._plain_counts, most)

    def short(self, node: int, most: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of the tokens at or below a node with at most so many characters more."""
        first, last = self.tree.first[node], self.tree.last[node]
        most += _characters(self.pieces[self.ids[first]][: self.tree.depth[node] + 1])
        for start, stop in _runs(self._counts[first:last], most):
            yield first + start, first + stop


def _runs(counts: bytes, most: int) -> Iterator[tuple[int, int]]:
    """Yield where at most so much is counted, as ranges."""
    is_few = bytes(count <= most for count in range(OTHER)) + b"\0"
    for run in re.finditer(b"\1+", counts.translate(is_few)):
        yield run.start(), run.end()


def _characters(piece: bytes) -> int:
    """Count the bytes that begin a character."""
    return len(piece.translate(None, CONTINUING))
