"""Mirostat: keeps the surprise of what is drawn near a target, whatever the logits are like.

Basu et al., "Mirostat: a neural text decoding algorithm that directly controls perplexity" (2021),
in llama.cpp's form: version 1 estimates Zipf's exponent from the 100 likeliest tokens, version 2
leaves out what is too surprising.
"""

import math
from itertools import pairwise

from wgslm.sampling.chain import Ranked, drawn, relative
from wgslm.sampling.settings import Sampling
from wgslm.sampling.whole import Whole

ESTIMATED = 100  # tokens


class Mirostat:
    """What one answer has learnt: `limit`, the surprise in bits up to which tokens are drawn."""

    def __init__(self, sampling: Sampling) -> None:
        """Begin at twice the target."""
        self.sampling = sampling
        self.limit = 2 * sampling.mirostat_tau

    def choose(self, whole: Whole, point: float) -> int:
        """Return the id of a draw from all tokens, at a temperature above 0, and learn."""
        s = self.sampling
        ranked = whole.first(self._by_zipf(whole)) if s.mirostat == 1 else self._expected(whole)
        chances = relative(ranked, s.temperature)
        index = drawn(chances, point)
        surprise = math.log2(sum(chances)) - math.log2(chances[index])
        self.limit -= s.mirostat_eta * (surprise - s.mirostat_tau)
        return ranked[index][0]

    def _expected(self, whole: Whole) -> Ranked:
        """Return the tokens that surprise no more than the limit, at least one."""
        temperature = self.sampling.temperature
        least = math.log(whole.total(temperature)) - self.limit * math.log(2)  # of a chance
        return whole.above(whole.highest + temperature * least) or whole.first(1)

    def _by_zipf(self, whole: Whole) -> int:
        """Return how many tokens would give the target if chances fell as rank ** -exponent."""
        count = len(whole)
        if count == 1:
            return 1
        exponent = zipf_exponent(whole.first(ESTIMATED)) / self.sampling.temperature
        if exponent <= 0:
            return count  # all alike
        epsilon = exponent - 1
        # log(epsilon / (1 - count ** -epsilon)), of which both ends change sign at 0
        power = -epsilon * math.log(count)
        if abs(power) < 1e-9:
            share = -math.log(math.log(count))
        else:
            share = math.log(abs(epsilon)) - _log_abs_expm1(power)
        most = (share + self.limit * math.log(2)) / exponent
        return count if most >= math.log(count) else max(1, int(math.exp(most)))


def zipf_exponent(ranked: Ranked) -> float:
    """Estimate how fast logits fall with the logarithm of the rank, by least squares."""
    steps = [math.log((rank + 2) / (rank + 1)) for rank in range(len(ranked) - 1)]
    falls = [a - b for (_, a), (_, b) in pairwise(ranked)]
    products = sum(step * fall for step, fall in zip(steps, falls, strict=True))
    return products / sum(step * step for step in steps)


def _log_abs_expm1(power: float) -> float:
    """Return log |exp(power) - 1|, also where the power is too high for a float."""
    return power if power > 700 else math.log(abs(math.expm1(power)))
