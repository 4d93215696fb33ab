"""DRY ("don't repeat yourself"): a penalty on every id that would make a repetition longer.

As in llama.cpp: where the last n ids stand earlier too, the id that followed there costs
multiplier * base ** (n - allowed_length). A sequence breaker ends what counts as repeated.
"""

import math
from collections.abc import Mapping, Sequence

from wgslm.sampling.settings import Sampling

# The first id of a breaker, and what may follow it to make the breaker whole: often nothing.
Breakers = Mapping[int, Sequence[tuple[int, ...]]]

LOG_OF_MOST = 88.7228391  # of the highest f32; llama.cpp lets no power grow beyond it
LEAST_BASE = 1.000001  # that powers of can become so high


def penalties(history: Sequence[int], s: Sampling, breakers: Breakers) -> dict[int, float]:
    """Return what is taken off the logits of ids that go on with a repetition; `s` has DRY."""
    window = history if s.dry_penalty_last_n < 0 else history[-s.dry_penalty_last_n :]
    allowed = s.dry_allowed_length
    most = _unbroken(window, breakers)
    if len(window) <= allowed or most < allowed:
        return {}
    lengths = repetitions(window)
    longest: dict[int, int] = {}  # by the id that follows the repeated sequence
    for back in range(1, len(window)):
        length = min(lengths[back], most)
        following = window[-back]
        if allowed <= length and longest.get(following, -1) < length:
            longest[following] = length
    highest = int(LOG_OF_MOST / math.log(s.dry_base)) if s.dry_base > LEAST_BASE else None
    return {
        id: s.dry_multiplier * s.dry_base ** _capped(length - allowed, highest)
        for id, length in longest.items()
        if () not in breakers.get(id, ())
    }


def repetitions(ids: Sequence[int]) -> list[int]:
    """Return for every distance how many of the last ids stand so far before the end as well.

    The Z algorithm on the ids from the last to the first: linear, whatever they are.
    """
    latest = list(reversed(ids))
    count = len(latest)
    lengths = [0] * count
    left = right = 0  # the match that reaches farthest back, as [left, right)
    for back in range(1, count):
        length = min(right - back, lengths[back - left]) if back < right else 0
        while back + length < count and latest[length] == latest[back + length]:
            length += 1
        lengths[back] = length
        if back + length > right:
            left, right = back, back + length
    return lengths


def _unbroken(window: Sequence[int], breakers: Breakers) -> int:
    """Return how many ids there are after the last breaker."""
    count = len(window)
    if not breakers:
        return count
    for back in range(count):  # ids after this one
        tails = breakers.get(window[count - 1 - back])
        if tails is None:
            continue
        following = tuple(window[count - back :])
        ends = [len(tail) for tail in tails if following[: len(tail)] == tail]
        if ends:
            return back - max(ends)
    return count


def _capped(exponent: int, highest: int | None) -> int:
    return min(exponent, highest) if highest else exponent
