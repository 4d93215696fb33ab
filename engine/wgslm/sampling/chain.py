"""The links of llama.cpp's chain: each takes ranked candidates and leaves some of them out.

Candidates are pairs of an id and its logit, highest first. Dividing logits by a temperature or
leaving others out keeps that order.
"""

import math
from collections.abc import Iterable, Sequence
from operator import mul

from wgslm.sampling.settings import BARRED, Sampling

LEAST = BARRED / 2  # logits below are of barred tokens
Ranked = Sequence[tuple[int, float]]


def narrowed(ranked: Ranked, s: Sampling, least: float = -math.inf) -> Ranked:
    """Keep what top-n-sigma, top-k, typical, top-p and min-p do, one after the other.

    `least` is the lowest logit that top-n-sigma leaves.
    """
    if s.top_k:
        ranked = ranked[: s.top_k]
    if ranked[-1][1] < least:
        ranked = [pair for pair in ranked if pair[1] >= least]
    if s.typical_p < 1:
        ranked = typical(ranked, s.typical_p)
    return likely(ranked, s)


def likely(ranked: Ranked, s: Sampling) -> Ranked:
    """Keep what top-p and min-p do."""
    if s.top_p == 1 and s.min_p == 0:
        return ranked
    return ranked[: nucleus(relative(ranked), s.top_p, s.min_p)]


def relative(ranked: Ranked, temperature: float = 1.0) -> list[float]:
    """Return how likely each is, relative to the first."""
    highest = ranked[0][1]
    return [math.exp((logit - highest) / temperature) for _, logit in ranked]


def deviation(every: Sequence[float], changes: Iterable[tuple[float, float]] = ()) -> float:
    """Return the standard deviation of logits, some of them changed from one value to another.

    Barred ones do not count, as in llama.cpp.
    """
    if min(every) < LEAST:
        every = [logit for logit in every if logit >= LEAST]
    total, squares, count = sum(every), sum(map(mul, every, every)), len(every)
    for old, new in changes:
        is_barred = new < LEAST
        total += -old if is_barred else new - old
        squares += -old * old if is_barred else new * new - old * old
        count -= is_barred
    if not count:
        return 0.0
    mean = total / count
    return math.sqrt(max(0.0, squares / count - mean * mean))


def typical(ranked: Ranked, typical_p: float) -> Ranked:
    """Keep those whose surprise is nearest to the expected one, until they reach `typical_p`."""
    highest = ranked[0][1]
    falls = [logit - highest for _, logit in ranked]
    weights = relative(ranked)
    total = sum(weights)
    expected = sum(map(mul, weights, falls)) / total
    return nearest(ranked, highest, expected, typical_p * total)


def nearest(ranked: Ranked, highest: float, expected: float, wanted: float) -> Ranked:
    """Keep those whose logit is nearest to what is expected below the highest: typical.

    A surprise is a constant less the logit, so both are as near. They have to weigh `wanted`,
    relative to the highest.
    """
    order = sorted(range(len(ranked)), key=lambda i: (abs(ranked[i][1] - highest - expected), i))
    kept: set[int] = set()
    reached = 0.0
    for index in order:
        if reached > wanted:
            break
        reached += math.exp(ranked[index][1] - highest)
        kept.add(index)
    return [ranked[index] for index in sorted(kept)]


def nucleus(
    weights: Sequence[float], top_p: float, min_p: float, total: float | None = None
) -> int:
    """Return how many of the highest reach `top_p`, less those below `min_p` of the highest.

    `total` is the sum of all weights, where these are not all.
    """
    wanted = math.inf if top_p == 1 else top_p * (sum(weights) if total is None else total)
    reached = 0.0
    kept = 0
    for weight in weights:
        if reached >= wanted:
            break
        reached += weight
        kept += 1
    return sum(weight >= min_p * weights[0] for weight in weights[:kept])


def without_likeliest(ranked: Ranked, threshold: float) -> Ranked:
    """Leave out those that reach `threshold`, but for the least likely of them: XTC."""
    weights = relative(ranked)
    total = sum(weights)
    reaching = sum(weight >= threshold * total for weight in weights)
    return ranked[max(0, reaching - 1) :]


def temperature_of(ranked: Ranked, s: Sampling) -> float:
    """Return the temperature: a dynamic one is the higher, the more even the chances are."""
    if s.dynatemp_range == 0 or len(ranked) == 1:
        return s.temperature
    weights = relative(ranked)
    total = sum(weights)
    chances = [weight / total for weight in weights]
    entropy = -math.fsum(chance * math.log(chance) for chance in chances if chance > 0)
    evenness = min(1.0, max(0.0, entropy / math.log(len(ranked))))
    lowest = max(0.0, s.temperature - s.dynatemp_range)
    reached = math.pow(evenness, s.dynatemp_exponent)
    return lowest + (s.temperature + s.dynatemp_range - lowest) * reached


def drawn(chances: Sequence[float], point: float, total: float | None = None) -> int:
    """Return the index that `point`, in [0, 1), falls on.

    `total` is the sum of all chances, where these are not all.
    """
    wanted = point * (sum(chances) if total is None else total)
    reached = 0.0
    for index, chance in enumerate(chances):
        reached += chance
        if wanted < reached:
            return index
    return max(index for index, chance in enumerate(chances) if chance)  # the sum was rounded
