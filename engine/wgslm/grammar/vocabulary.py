"""A vocabulary for grammars: the bytes of each token, in the order that makes prefixes ranges.

Knows tokens as bytes and ids, nothing of how text becomes ids.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from wgslm.grammar.states import HALVES
from wgslm.grammar.tree import Tree

CONTINUING = bytes(range(0x80, 0xC0))
NOT_PLAIN = bytes([*range(32), *b'"\\'])  # what ends or escapes inside JSON's strings
PLAIN_BUT = sum(1 << byte for byte in NOT_PLAIN) | HALVES  # as in `Free.but`
LONGEST = 254  # characters that are counted
# Kinds of plain characters, a bit each; the last is for those outside ASCII.
KINDS = (b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0123456789", b" ", b"_-.")
FOREIGN_KIND = 1 << 7
_KIND_OF = bytes(
    FOREIGN_KIND if byte > 0x7F else 1 << next((i for i, k in enumerate(KINDS) if byte in k), 5)
    for byte in range(256)
)
OTHER = 255  # never a count
_NOT_PLAIN = re.compile(b"[" + re.escape(NOT_PLAIN) + b"]")


class Vocabulary:
    """The tokens that a grammar may choose from, numbered by ranks.

    As most states of JSON are inside strings, tokens that are plain there come first, in the order
    of their bytes, so that all with one prefix are a range: `plain` is their tree. The others
    follow, in the order of what they have from the first byte on that is not plain. They have a
    tree too, `others`; and `ends` are trees of what they have from that byte on, by the number
    of characters before it.
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
        lengths = [_plain_length(piece) for piece, _ in pairs]
        plain = [pair for pair, length in zip(pairs, lengths, strict=True) if length < 0]
        others = sorted(
            (_characters(piece[:length]), piece[length:], piece, id)
            for (piece, id), length in zip(pairs, lengths, strict=True)
            if length >= 0
        )
        self.plain_count, self.others_count = len(plain), len(others)
        self.ids = [id for _, id in plain] + [id for *_, id in others]  # by rank
        self.rank = {id: rank for rank, id in enumerate(self.ids)}
        self.plain = Tree((rank, piece) for rank, (piece, _) in enumerate(plain))
        self._kinds = bytes(_kinds(piece) for piece, _ in plain)  # by rank
        self._counts = bytes(min(LONGEST, _characters(piece)) for piece, _ in plain)  # by rank
        self.others = Tree(sorted(((self.rank[id], p) for _, _, p, id in others), key=_by_piece))
        self.others_first = bytes(piece[0] for _, _, piece, _ in others)  # by rank, from the first
        ends: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        for count, end, _, id in others:
            ends[count].append((self.rank[id], end))
        self.ends = [(count, Tree(each)) for count, each in sorted(ends.items())]

    def short(self, node: int, most: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of the plain tokens below a node with at most so many characters more.

        Node -1 stands for all.
        """
        if node < 0:
            yield from runs(self._counts, most)
            return
        first, last = self.plain.first[node], self.plain.last[node]
        most += _characters(self.pieces[self.ids[first]][: self.plain.depth[node] + 1])
        for start, stop in runs(self._counts[first:last], most):
            yield first + start, first + stop

    def of(self, allowed: bytes) -> Iterator[tuple[int, int]]:
        """Yield ranges of the plain tokens that have only these bytes.

        Those outside ASCII are all of them or none.
        """
        barred = wholly = 0
        for byte in range(0x20, 0x81):
            if byte not in allowed and byte not in NOT_PLAIN:
                barred |= _KIND_OF[byte]
            elif byte not in NOT_PLAIN:
                wholly |= _KIND_OF[byte]
        mixed = barred & wholly
        kinds = bytes(0 if not k & barred else 1 if k & barred & ~mixed else 2 for k in range(256))
        found = bytearray(self._kinds.translate(kinds))
        at = found.find(2)
        while at >= 0:
            found[at] = bool(self.pieces[self.ids[at]].translate(None, allowed))
            at = found.find(2, at + 1)
        yield from runs(bytes(found), 0)


def runs(counts: bytes, most: int) -> Iterator[tuple[int, int]]:
    """Yield where at most so much is counted, as ranges."""
    is_few = bytes(count <= most for count in range(OTHER)) + b"\0"
    for run in re.finditer(b"\1+", counts.translate(is_few)):
        yield run.start(), run.end()


def _plain_length(piece: bytes) -> int:
    """Count the bytes before the first that is not plain, as one inside half a character is not.

    -1 where all are plain.
    """
    found = _NOT_PLAIN.search(piece)
    end = found.start() if found else len(piece)
    try:
        piece[:end].decode()
    except UnicodeDecodeError as error:
        return error.start
    return end if found else -1


def _kinds(piece: bytes) -> int:
    """Return the bits of the kinds of characters in a token."""
    found = 0
    for kind in set(piece.translate(_KIND_OF)):
        found |= kind
    return found


def _by_piece(token: tuple[int, bytes]) -> tuple[bytes, int]:
    return token[1], token[0]


def _characters(piece: bytes) -> int:
    """Count the bytes that begin a character."""
    return len(piece.translate(None, CONTINUING))
