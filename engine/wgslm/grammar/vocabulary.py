"""A vocabulary's bytes as a tree of prefixes, flat and in order, so that a walk skips by an index.

Knows tokens as bytes and ids, nothing of how text becomes ids.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from wgslm.grammar.states import FOREIGN, HALVES

CONTINUING = bytes(range(0x80, 0xC0))


class Vocabulary:
    """The tokens that a grammar may choose from.

    `ranks` number them in the order of their bytes, so that all tokens with one prefix are a range.
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
        self._grow([piece for piece, _ in pairs])
        self._characters = bytes(min(255, _characters(piece)) for piece, _ in pairs)  # by rank

    def short(self, node: int, most: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of the tokens at or below a node with at most so many characters more."""
        first, last = self.first[node], self.last[node]
        most += _characters(self.pieces[self.ids[first]][: self.depth[node] + 1])
        is_short = bytes(count <= most for count in range(255)) + b"\0"
        for run in re.finditer(b"\1+", self._characters[first:last].translate(is_short)):
            yield first + run.start(), first + run.end()

    def _grow(self, pieces: list[bytes]) -> None:
        """Lay the tree out in preorder; every list is by node."""
        self.byte = bytearray()
        self.depth: list[int] = []
        self.first: list[int] = []  # rank of the first token at or below the node
        self.after: list[int] = []  # rank behind the tokens that end at the node
        self.skip: list[int] = []  # the node behind all below
        self.last: list[int] = []  # rank behind the tokens at or below the node
        self.contents: list[int] = []  # what the bytes below the node are: bits as in `Free.but`
        self.height: list[int] = []  # bytes that the longest token below has more
        path: list[int] = []  # nodes from the root
        previous = b""
        for rank, piece in enumerate(pieces):
            common = 0
            if piece[: len(previous)] == previous:
                common = len(previous)
            else:
                while piece[common] == previous[common]:
                    common += 1
            while len(path) > common:
                self._close(path, rank)
            for depth in range(common, len(piece)):
                path.append(len(self.byte))
                self.byte.append(piece[depth])
                self.depth.append(depth)
                self.first.append(rank)
                self.after.append(rank)
                self.skip.append(0)
                self.last.append(0)
                self.contents.append(0)
                self.height.append(0)
            if not is_whole(piece):
                self.contents[path[-1]] |= HALVES
            self.after[path[-1]] = rank + 1
            previous = piece
        while path:
            self._close(path, len(pieces))

    def _close(self, path: list[int], rank: int) -> None:
        """Finish a node and tell its parent what is below."""
        node = path.pop()
        self.skip[node] = len(self.byte)
        self.last[node] = rank
        if path:
            parent, byte = path[-1], self.byte[node]
            bit = 1 << byte if byte < 128 else FOREIGN
            self.contents[parent] |= self.contents[node] | bit
            if self.height[parent] <= self.height[node]:
                self.height[parent] = self.height[node] + 1


def _characters(piece: bytes) -> int:
    """Count the bytes that begin a character."""
    return len(piece.translate(None, CONTINUING))


def is_whole(piece: bytes) -> bool:
    """Say whether bytes are whole characters."""
    if piece.isascii():
        return True
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True
