"""The merge loop that both tokenizers share: best-ranked pair of neighbours first."""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from itertools import pairwise


def merge_pairs(symbols: list[str], ranks: Mapping[str, int], joint: str) -> list[str]:
    """Merge neighbours until no pair has a rank; takes `symbols` over and returns what is left.

    The rank of a pair is `ranks[left + joint + right]`, 0 or more; the lowest goes first, and of
    equal ones the leftmost. n symbols take O(n log n).
    """
    count = len(symbols)
    before = list(range(-1, count - 1))
    after = list(range(1, count + 1))
    pairs = [ranks.get(left + joint + right, -1) for left, right in pairwise(symbols)]
    pairs.append(-1)
    # One int per entry, rank * count + position: a third of the memory of a tuple.
    heap = [rank * count + left for left, rank in enumerate(pairs) if rank >= 0]
    heapify(heap)
    while heap:
        rank, left = divmod(heappop(heap), count)
        if pairs[left] != rank:
            continue  # the pair has changed since; its present rank is in the heap too
        right = after[left]
        symbols[left] += symbols[right]
        symbols[right] = ""
        pairs[right] = -1
        after[left] = after[right]
        if after[left] < count:
            before[after[left]] = left
        for position in (before[left], left):
            if position < 0:
                continue
            follower = after[position]
            if follower == count:
                pairs[position] = -1
                continue
            found = ranks.get(symbols[position] + joint + symbols[follower], -1)
            pairs[position] = found
            if found >= 0:
                heappush(heap, found * count + position)
    return [symbol for symbol in symbols if symbol]
