"""From logits to the next id: llama.cpp's chain over a step's candidates, on the CPU.

The order is llama.cpp's: bias, penalties, DRY, top-n-sigma, top-k, typical, top-p, min-p, XTC,
temperature, draw; with mirostat: bias, penalties, DRY, temperature, mirostat. The GPU does the same
(shaders/sample.wgsl) with the same random numbers, except for what `gpu_settings` leaves to this
chain.
"""

import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence

from wgslm.sampling import chain, dry
from wgslm.sampling.dry import Breakers
from wgslm.sampling.mirostat import Mirostat
from wgslm.sampling.settings import Sampling
from wgslm.sampling.whole import Whole

MOST_CANDIDATES = 768  # beyond it, a step's logits are read whole
WORD = 0xFFFFFFFF
XTC = 0x9E3779B97F4A7C15  # changes the seed for XTC's random numbers, one a draw as well


def uniform_random(seed: int, counter: int) -> float:
    """Return a number in [0, 1), a multiple of 2^-24: as shaders/lib/random.wgsl."""
    x, y, z = ((word * 1664525 + 1013904223) & WORD for word in (seed & WORD, seed >> 32, counter))
    x = (x + y * z) & WORD
    y = (y + z * x) & WORD
    z = (z + x * y) & WORD
    x, y, z = x ^ x >> 16, y ^ y >> 16, z ^ z >> 16
    return ((x + y * z & WORD) >> 8) / (1 << 24)


class Sampler:
    """Draws one id after another, always the same for the same seed."""

    def __init__(self, sampling: Sampling, breakers: Breakers | None = None) -> None:
        """Choose a seed where none is given. `breakers` are DRY's, as ids."""
        self.sampling = sampling
        given = sampling.seed
        self.seed = int.from_bytes(os.urandom(8)) if given is None else given % (1 << 64)
        self._bias = dict(sampling.logit_bias)
        self._breakers: Breakers = breakers or {}
        self._mirostat = Mirostat(sampling)
        self._drawn = 0
        self._dry: tuple[int, dict[int, float]] = (-1, {})  # the history's length, and penalties

    @property
    def needs_every(self) -> bool:
        """Whether a draw goes by all logits besides the candidates: top-n-sigma's deviation."""
        return self.sampling.top_n_sigma > 0 and not self.sampling.is_greedy

    def wanted(self, history: Sequence[int]) -> int | None:
        """Return how many of the highest logits decide the draw; None: all of them.

        What only lowers tokens makes so many candidates more suffice.
        """
        s = self.sampling
        if s.mirostat and not s.is_greedy:
            return None
        changed = self._changing(history)
        raises = s.repeat_penalty < 1 or s.presence_penalty < 0 or s.frequency_penalty < 0
        if changed and (raises or any(bias > 0 for bias in self._bias.values())):
            return None  # from anywhere
        keep = 1 if s.is_greedy else s.top_k
        if keep == 0 or keep + len(changed) > MOST_CANDIDATES:
            return None
        return keep + len(changed)

    def choose(
        self,
        ids: Sequence[int],
        logits: Sequence[float],
        history: Sequence[int],
        every: Sequence[float] | None = None,
    ) -> int:
        """Return the next id. `ids` and `logits` are the candidates, highest first.

        `every` logit by its id is needed where `needs_every` says so and these are not all.
        """
        s = self.sampling
        ranked: chain.Ranked = self._changed(zip(ids, logits, strict=True), history)
        if self._takes_first:
            return self._drawn_from(ranked)
        if s.mirostat:
            pairs = sorted(ranked)
            whole = Whole([logit for _, logit in pairs], [id for id, _ in pairs])
            return self._mirostat.choose(whole, self._point()[0])
        least = self._least(ranked, every, history) if self.needs_every else -math.inf
        return self._drawn_from(chain.narrowed(ranked, s, least))

    def choose_among(self, whole: Whole, history: Sequence[int]) -> int:
        """Return the next id, given all logits that may be drawn, some of which this changes."""
        s = self.sampling
        changing = whole.of(sorted(self._changing(history)))
        whole.change(dict(self._changed(changing, history)))
        if self._takes_first:
            return self._drawn_from(whole.first(1))
        if s.mirostat:
            return self._mirostat.choose(whole, self._point()[0])
        if self.needs_every:
            least = whole.highest - s.top_n_sigma * chain.deviation(whole.logits)
            return self._drawn_from(chain.narrowed(whole.above(least), s))
        if s.top_k:
            return self._drawn_from(chain.narrowed(whole.first(s.top_k), s))
        if s.typical_p < 1:
            return self._drawn_from(chain.likely(whole.typical(s.typical_p), s))
        if s.top_p < 1 or s.min_p > 0:
            return self._drawn_from(whole.nucleus(s))
        if s.xtc_probability or s.dynatemp_range:
            return self._drawn_from(whole.above())
        return whole.drawn(s.temperature, self._point()[0])

    @property
    def _takes_first(self) -> bool:
        s = self.sampling
        return s.is_greedy or (s.mirostat > 0 and s.temperature == 0)

    def _point(self) -> tuple[float, float]:
        """Return the random numbers of the next draw, its own and XTC's."""
        counter, self._drawn = self._drawn, self._drawn + 1
        return uniform_random(self.seed, counter), uniform_random(self.seed ^ XTC, counter)

    def _drawn_from(self, ranked: chain.Ranked) -> int:
        """Draw from what the first links have left."""
        s = self.sampling
        point, xtc = self._point()
        if self._takes_first:
            return ranked[0][0]
        if xtc < s.xtc_probability:
            ranked = chain.without_likeliest(ranked, s.xtc_threshold)
        temperature = chain.temperature_of(ranked, s)
        if temperature == 0:
            return ranked[0][0]
        return ranked[chain.drawn(chain.relative(ranked, temperature), point)][0]

    def _least(
        self, ranked: chain.Ranked, every: Sequence[float] | None, history: Sequence[int]
    ) -> float:
        """Return the lowest logit that top-n-sigma leaves, after biases and penalties."""
        if every is None:
            deviation = chain.deviation([logit for _, logit in ranked])
        else:
            ids = self._changing(history)
            after = dict(self._changed([(id, every[id]) for id in ids], history))
            deviation = chain.deviation(every, ((every[id], after[id]) for id in ids))
        return ranked[0][1] - self.sampling.top_n_sigma * deviation

    def _changing(self, history: Sequence[int]) -> set[int]:
        """Return the ids whose logits biases and penalties change."""
        return {*self._bias, *self._recent(history), *self._repeating(history)}

    def _recent(self, history: Sequence[int]) -> Counter[int]:
        """Return how often each id occurs where the penalties look."""
        s = self.sampling
        if not s.has_penalties:
            return Counter()
        return Counter(history if s.repeat_last_n < 0 else history[-s.repeat_last_n :])

    def _repeating(self, history: Sequence[int]) -> dict[int, float]:
        """Return DRY's penalties; the history grows at its end only."""
        if not self.sampling.has_dry:
            return {}
        if self._dry[0] != len(history):
            self._dry = len(history), dry.penalties(history, self.sampling, self._breakers)
        return self._dry[1]

    def _changed(
        self, pairs: Iterable[tuple[int, float]], history: Sequence[int]
    ) -> list[tuple[int, float]]:
        """Add biases; divide positive logits of recent tokens, multiply others; take off."""
        s, recent, repeating = self.sampling, self._recent(history), self._repeating(history)
        if not recent and not self._bias and not repeating:
            return list(pairs)
        changed = []
        for id, logit in pairs:
            value = logit + self._bias.get(id, 0.0)
            if times := recent.get(id):
                value = value / s.repeat_penalty if value > 0 else value * s.repeat_penalty
                value -= s.presence_penalty + times * s.frequency_penalty
            changed.append((id, value - repeating.get(id, 0.0)))
        return sorted(changed, key=lambda pair: (-pair[1], pair[0]))
