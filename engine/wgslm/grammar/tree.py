"""Sorted tokens as a tree of prefixes, flat and in order, so that a walk skips by an index."""

from collections.abc import Iterable

from wgslm.grammar.states import FOREIGN, HALVES


class Tree:
    """Nodes in preorder; every list is by node."""

    def __init__(self, tokens: Iterable[tuple[int, bytes]]) -> None:
        """Grow from (rank, bytes) of tokens sorted by their bytes; equal ones may follow."""
        self.byte = bytearray()
        self.depth: list[int] = []
        self.first: list[int] = []  # rank of the first token at or below the node
        self.after: list[int] = []  # rank behind the tokens that end at the node
        self.skip: list[int] = []  # the node behind all below
        self.last: list[int] = []  # rank behind the tokens at or below the node
        self.contents: list[int] = []  # what the bytes below the node are: bits as in `Free.but`
        self.height: list[int] = []  # bytes that the longest token below has more
        path: list[int] = []  # nodes from the root
        previous, behind = b"", 0
        for rank, piece in tokens:
            common = 0
            if piece[: len(previous)] == previous:
                common = len(previous)
            else:
                while piece[common] == previous[common]:
                    common += 1
            while len(path) > common:
                self._close(path, behind)
            for depth in range(common, len(piece)):
                path.append(len(self.byte))
                self._open(piece[depth], depth, rank)
            if not is_whole(piece):
                self.contents[path[-1]] |= HALVES
            self.after[path[-1]] = behind = rank + 1
            previous = piece
        while path:
            self._close(path, behind)
        self.deepest = max(self.depth, default=0)
        self.begun: dict[int, tuple[int, int]] = {}  # where the nodes of a first byte are
        self.all_contents = 0  # of all nodes
        node = 0
        while node < len(self.byte):
            byte = self.byte[node]
            self.begun[byte] = (node, self.skip[node])
            self.all_contents |= self.contents[node] | (1 << byte if byte < 128 else FOREIGN)
            node = self.skip[node]

    def _open(self, byte: int, depth: int, rank: int) -> None:
        self.byte.append(byte)
        self.depth.append(depth)
        self.first.append(rank)
        self.after.append(rank)
        self.skip.append(0)
        self.last.append(0)
        self.contents.append(0)
        self.height.append(0)

    def _close(self, path: list[int], behind: int) -> None:
        """Finish a node and tell its parent what is below."""
        node = path.pop()
        self.skip[node] = len(self.byte)
        self.last[node] = behind
        if path:
            parent, byte = path[-1], self.byte[node]
            bit = 1 << byte if byte < 128 else FOREIGN
            self.contents[parent] |= self.contents[node] | bit
            if self.height[parent] <= self.height[node]:
                self.height[parent] = self.height[node] + 1


def is_whole(piece: bytes) -> bool:
    """Say whether bytes are whole characters."""
    if piece.isascii():
        return True
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True
