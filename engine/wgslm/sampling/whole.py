"""All logits that may be drawn from, of which only the highest are put in order.

A draw from a whole vocabulary needs the sum of all chances, but hardly ever the rank of a token
that is far below the first. So how far down the order goes is found out step by step; what is drawn
is what it would be if all were in order.
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from itertools import repeat
from operator import mul, sub, truediv

from wgslm.sampling import chain
from wgslm.sampling.settings import Sampling

DEPTHS = (8.0, 16.0, 32.0, math.inf)  # logits below the highest
NEAR = (1.0, 2.0, 4.0, 8.0, 16.0, math.inf)  # logits from the expected one
MOST_EXPONENT = 600.0
SLACK = 1e-9  # of a sum, or of a logit: sums in another order differ by less


class Whole:
    """Logits of different ids, in the order of ids."""

    def __init__(self, logits: Sequence[float], ids: Sequence[int] | None = None) -> None:
        """Take at least one logit; without `ids` they are of all ids from 0 on."""
        self.ids: Sequence[int] = range(len(logits)) if ids is None else ids
        self.logits = array("d", logits)
        self.highest = max(self.logits)

    def __len__(self) -> int:
        """Count them."""
        return len(self.logits)

    def of(self, ids: Sequence[int]) -> list[tuple[int, float]]:
        """Return the logits of those of some ids that are here."""
        places = ((id, bisect_left(self.ids, id)) for id in ids)
        size = len(self.ids)
        return [(id, self.logits[p]) for id, p in places if p < size and self.ids[p] == id]

    def change(self, logits: Mapping[int, float]) -> None:
        """Put other logits in the place of some, whose ids are here."""
        for id, logit in logits.items():
            self.logits[bisect_left(self.ids, id)] = logit
        if logits:
            self.highest = max(self.logits)

    def above(self, least: float = -math.inf) -> chain.Ranked:
        """Return all that reach `least`, highest first; of equal ones the lowest id first."""
        return self._ranked([place for place, logit in enumerate(self.logits) if logit >= least])

    def _ranked(self, places: list[int]) -> chain.Ranked:
        places.sort(key=self.logits.__getitem__, reverse=True)
        return [(self.ids[place], self.logits[place]) for place in places]

    def first(self, count: int) -> chain.Ranked:
        """Return so many of the highest."""
        if count >= len(self):
            return self.above()
        return self.above(nlargest(count, self.logits)[-1])[:count] if count else []

    def total(self, temperature: float = 1.0) -> float:
        """Return the sum of how likely each is, relative to the highest."""
        fallen: Iterable[float] = map(sub, self.logits, repeat(self.highest))
        if temperature != 1:
            fallen = map(truediv, fallen, repeat(temperature))
        return sum(map(math.exp, fallen))

    def nucleus(self, s: Sampling) -> chain.Ranked:
        """Return what top-p and min-p keep, of which at least one is on."""
        highest = self.highest
        lowest = highest + math.log(s.min_p) - SLACK if s.min_p > 0 else -math.inf
        total = self.total() if s.top_p < 1 else math.inf
        for depth in DEPTHS:
            least = max(lowest, highest - depth) if s.top_p < 1 else lowest
            ranked = self.above(least)
            weights = chain.relative(ranked)
            if least == lowest or sum(weights) > s.top_p * total * (1 + SLACK):
                break
        return ranked[: chain.nucleus(weights, s.top_p, s.min_p, total)]

    def typical(self, typical_p: float) -> chain.Ranked:
        """Return those whose surprise is nearest to the expected one."""
        highest = self.highest
        falls = array("d", map(sub, self.logits, repeat(highest)))
        weights = array("d", map(math.exp, falls))
        total = sum(weights)
        expected = sum(map(mul, weights, falls)) / total
        wanted = typical_p * total
        for far in NEAR:
            low, high = expected - far, expected + far
            near = [place for place, fall in enumerate(falls) if low <= fall <= high]
            if sum(map(weights.__getitem__, near)) > wanted * (1 + SLACK):
                break
        return chain.nearest(self._ranked(near), highest, expected, wanted)

    def drawn(self, temperature: float, point: float) -> int:
        """Return the id that `point`, in [0, 1), falls on at a temperature above 0."""
        highest, total = self.highest, self.total(temperature)
        for depth in DEPTHS:
            ranked = self.above(highest - depth * temperature)
            chances = chain.relative(ranked, temperature)
            if sum(chances) > point * total * (1 + SLACK):
                break
        return ranked[chain.drawn(chances, point, total)][0]


def log_of_total(logits: Sequence[float], highest: float) -> float:
    """Return the natural logarithm of the sum of all logits' exponentials; `highest` is one."""
    if abs(highest) < MOST_EXPONENT:  # nothing overflows, and what is lost counts for nothing
        return math.log(sum(map(math.exp, logits)))
    return highest + math.log(sum(map(math.exp, map(sub, logits, repeat(highest)))))
