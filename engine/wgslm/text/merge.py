"""Merges symbols as both BPE tokenizers do: the best-ranked pair of neighbours first.

The rank of a pair is `ranks[left + joint + right]`, 0 or more; the lowest goes first, and of equal
ones the leftmost.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from itertools import islice, pairwise

from wgslm.pauses import Pausing

NO_RANK = 1 << 62
PAUSE = 2048  # symbols or merges between two pauses


def merge_word(symbols: list[str], ranks: Mapping[str, int], joint: str) -> list[str]:
    """Merge the neighbours of a short word; takes `symbols` over and returns what is left.

    Looks at all pairs after each merge, which for a word is quicker than keeping order.
    """
    get = ranks.get
    pairs = [get(a + joint + b, NO_RANK) for a, b in pairwise(symbols)]
    while pairs:
        best = min(pairs)
        if best == NO_RANK:
            break
        left = pairs.index(best)
        merged = symbols[left] + symbols.pop(left + 1)
        symbols[left] = merged
        del pairs[left]
        if left < len(pairs):
            pairs[left] = get(merged + joint + symbols[left + 1], NO_RANK)
        if left:
            pairs[left - 1] = get(symbols[left - 1] + joint + merged, NO_RANK)
    return symbols


def merge_chain(symbols: list[str], ranks: Mapping[str, int], joint: str) -> Pausing[list[str]]:
    """Merge the neighbours of any number of symbols, in the same way."""
    chain = _Chain(symbols, ranks, joint)
    yield
    yield from chain.find_pairs()
    while chain.order:
        yield from chain.merge_best()
    yield
    return [symbol for symbol in symbols if symbol]


class _Chain:
    """Symbols, each of which knows its neighbours, and where the pairs of each rank are.

    One heap of ranks, of which there are no more than merges, and for each rank its places: so n
    symbols take O(n), but for sorting places that mostly are in order.
    """

    def __init__(self, symbols: list[str], ranks: Mapping[str, int], joint: str) -> None:
        self.order: list[int] = []  # a heap of the ranks that wait
        self._done = 0  # places looked at, for pausing
        self._symbols, self._ranks, self._joint = symbols, ranks, joint
        self._before = list(range(-1, len(symbols) - 1))
        self._after = list(range(1, len(symbols) + 1))
        self._pairs: list[int] = []  # the rank of each symbol with the one after it, or -1
        self._places: dict[int, list[int]] = {}  # of a rank, in the order in which they came up
        self._late: dict[int, list[int]] = {}  # those that came after its turn began: a heap

    def find_pairs(self) -> Pausing[None]:
        """Find the ranks of all pairs."""
        get, joint, places = self._ranks.get, self._joint, self._places
        lefts, rights = iter(self._symbols), islice(self._symbols, 1, None)
        while found := [
            get(left + joint + right, -1)
            for left, right in islice(zip(lefts, rights, strict=False), PAUSE)
        ]:
            for place, rank in enumerate(found, len(self._pairs)):
                if rank >= 0:
                    places.setdefault(rank, []).append(place)
            self._pairs += found
            yield
        self._pairs.append(-1)
        self.order = list(places)
        heapify(self.order)

    def merge_best(self) -> Pausing[None]:
        """Merge the pairs of the best rank from left to right, or until there is a better one."""
        rank = self.order[0]
        if rank not in self._late:
            self._places[rank].sort(reverse=True)
            self._late[rank] = []
        places, late = self._places[rank], self._late[rank]
        while places or late:
            is_late = late and (not places or late[0] < places[-1])
            place = heappop(late) if is_late else places.pop()
            self._done += 1
            if not self._done % PAUSE:
                yield
            if self._pairs[place] != rank:
                continue  # the pair has changed since; where it has a rank now, it waits there
            self._merge(place)
            if self.order[0] < rank:
                return
        heappop(self.order)
        del self._places[rank], self._late[rank]

    def _merge(self, left: int) -> None:
        symbols, after, before = self._symbols, self._after, self._before
        right = after[left]
        symbols[left] = merged = symbols[left] + symbols[right]
        symbols[right] = ""
        self._pairs[right] = -1
        after[left] = follower = after[right]
        if follower < len(symbols):
            before[follower] = left
            self._found(left, merged + self._joint + symbols[follower])
        else:
            self._pairs[left] = -1
        if (place := before[left]) >= 0:
            self._found(place, symbols[place] + self._joint + merged)

    def _found(self, place: int, pair: str) -> None:
        """Note the new pair of the symbol at `place`."""
        self._pairs[place] = rank = self._ranks.get(pair, -1)
        if rank < 0:
            return
        if rank in self._late:
            heappush(self._late[rank], place)
        elif rank in self._places:
            self._places[rank].append(place)
        else:
            self._places[rank] = [place]
            heappush(self.order, rank)
