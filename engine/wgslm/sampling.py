"""From logits to the next id: llama.cpp's chain over a step's candidates, on the CPU.

The order is llama.cpp's: bias, penalties, top-k, typical, top-p, min-p, temperature, draw. The GPU
does the same (shaders/sample.wgsl) with the same random numbers, except for what `gpu_settings`
leaves to this chain.
"""

import math
import os
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from wgslm.errors import RequestError
from wgslm.kernels import sample

MOST_CANDIDATES = 768  # beyond it, a step's logits are read whole
WORD = 0xFFFFFFFF


@dataclass(frozen=True)
class Sampling:
    """How to draw. The defaults are llama.cpp's."""

    temperature: float = 0.8  # 0: greedy
    top_k: int = 40  # 0: all
    top_p: float = 0.95  # 1: all
    min_p: float = 0.05  # 0: all
    repeat_penalty: float = 1.0  # 1: none
    repeat_last_n: int = 64  # tokens that the penalties look back on; -1: all
    seed: int | None = None  # None: another one each time
    typical_p: float = 1.0  # 1: all
    presence_penalty: float = 0.0  # 0: none
    frequency_penalty: float = 0.0  # 0: none
    logit_bias: tuple[tuple[int, float], ...] = ()  # of ids, each at most once

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        _check("temperature", self.temperature, 0 <= self.temperature <= 100, "0 to 100")
        _check("top_k", self.top_k, self.top_k >= 0, "0 (all) or more")
        _check("top_p", self.top_p, 0 < self.top_p <= 1, "above 0, at most 1")
        _check("min_p", self.min_p, 0 <= self.min_p <= 1, "0 to 1")
        _check("typical_p", self.typical_p, 0 < self.typical_p <= 1, "above 0, at most 1")
        _check("repeat_penalty", self.repeat_penalty, 0.1 <= self.repeat_penalty <= 10, "0.1 to 10")
        _check("repeat_last_n", self.repeat_last_n, self.repeat_last_n >= -1, "-1 (all) or more")
        for name in ("presence_penalty", "frequency_penalty"):
            value = getattr(self, name)
            _check(name, value, -2 <= value <= 2, "-2 to 2")
        if len(dict(self.logit_bias)) < len(self.logit_bias):
            raise RequestError("logit_bias names a token twice", "logit_bias")
        for id, bias in self.logit_bias:
            _check("logit_bias", bias, -100 <= bias <= 100, f"-100 to 100 for token {id}")

    @property
    def has_penalties(self) -> bool:
        """Whether an id that occurred changes its chances."""
        changes = (self.repeat_penalty != 1, self.presence_penalty, self.frequency_penalty)
        return any(changes) and self.repeat_last_n != 0


def _check(name: str, value: float, is_good: bool, right: str) -> None:
    if not is_good:  # NaN compares false, so it is refused too
        raise RequestError(f"{name} is {value}; it must be {right}", name)


def gpu_settings(
    sampling: Sampling, seed: int, budget: int, stops: Collection[int], context: int
) -> sample.Settings | None:
    """Return what the GPU needs to draw; None where it has to be done here.

    That is: more than 256 candidates (or all, unless greedy), penalties that look back on more
    than 1,024 ids, more than 512 biases. More than 16 stop ids the GPU does not watch for; the
    reader does, as it does for the others.
    """
    s = sampling
    last_n = (context if s.repeat_last_n < 0 else s.repeat_last_n) if s.has_penalties else 0
    last_n = min(last_n, context)  # no history is longer
    is_greedy = s.temperature == 0
    if not is_greedy and not 1 <= s.top_k <= sample.MOST_CANDIDATES:
        return None
    if last_n > sample.MOST_RECENT or len(s.logit_bias) > sample.MOST_BIASES:
        return None
    return sample.Settings(
        temperature=s.temperature,
        top_k=1 if is_greedy else s.top_k,
        top_p=s.top_p,
        min_p=s.min_p,
        typical_p=1.0 if is_greedy else s.typical_p,
        repeat_penalty=s.repeat_penalty,
        presence_penalty=s.presence_penalty,
        frequency_penalty=s.frequency_penalty,
        last_n=last_n,
        biases=s.logit_bias,
        seed=seed,
        budget=budget,
        stops=sorted(stops) if len(stops) <= sample.MOST_STOPS else (),
    )


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

    def __init__(self, sampling: Sampling) -> None:
        """Choose a seed where none is given."""
        self.sampling = sampling
        given = sampling.seed
        self.seed = int.from_bytes(os.urandom(8)) if given is None else given % (1 << 64)
        self._bias = dict(sampling.logit_bias)
        self._drawn = 0

    def wanted(self, history: Sequence[int]) -> int | None:
        """Return how many of the highest logits decide the draw; None: all of them.

        What only lowers tokens makes so many candidates more suffice.
        """
        s = self.sampling
        changed = self._bias.keys() | self._recent(history).keys()
        raises = s.repeat_penalty < 1 or s.presence_penalty < 0 or s.frequency_penalty < 0
        if changed and (raises or any(bias > 0 for bias in self._bias.values())):
            return None  # from anywhere
        keep = 1 if s.temperature == 0 else s.top_k
        if keep == 0 or keep + len(changed) > MOST_CANDIDATES:
            return None
        return keep + len(changed)

    def choose(self, ids: Sequence[int], logits: Sequence[float], history: Sequence[int]) -> int:
        """Return the next id. `ids` and `logits` are the candidates, highest first."""
        s = self.sampling
        point = uniform_random(self.seed, self._drawn)
        self._drawn += 1
        ranked = self._changed(zip(ids, logits, strict=True), history)
        if s.temperature == 0:
            return ranked[0][0]
        if s.top_k:
            ranked = ranked[: s.top_k]
        if s.typical_p < 1:
            ranked = _typical(ranked, s.typical_p)
        highest = ranked[0][1]
        kept = _nucleus([math.exp(logit - highest) for _, logit in ranked], s.top_p, s.min_p)
        chances = [math.exp((logit - highest) / s.temperature) for _, logit in ranked[:kept]]
        return ranked[_drawn(chances, point)][0]

    def _recent(self, history: Sequence[int]) -> Counter[int]:
        """Return how often each id occurs where the penalties look."""
        s = self.sampling
        if not s.has_penalties:
            return Counter()
        return Counter(history if s.repeat_last_n < 0 else history[-s.repeat_last_n :])

    def _changed(
        self, pairs: Iterable[tuple[int, float]], history: Sequence[int]
    ) -> list[tuple[int, float]]:
        """Add biases; divide positive logits of recent tokens, multiply others; take off."""
        s, recent = self.sampling, self._recent(history)
        if not recent and not self._bias:
            return list(pairs)
        changed = []
        for id, logit in pairs:
            value = logit + self._bias.get(id, 0.0)
            if times := recent.get(id):
                value = value / s.repeat_penalty if value > 0 else value * s.repeat_penalty
                value -= s.presence_penalty + times * s.frequency_penalty
            changed.append((id, value))
        return sorted(changed, key=lambda pair: (-pair[1], pair[0]))


def _typical(ranked: Sequence[tuple[int, float]], typical_p: float) -> list[tuple[int, float]]:
    """Keep those whose surprise is nearest to the expected one, until they reach `typical_p`."""
    highest = ranked[0][1]
    weights = [math.exp(logit - highest) for _, logit in ranked]
    total = sum(weights)
    surprises = [math.log(total) - (logit - highest) for _, logit in ranked]
    entropy = sum(w * surprise for w, surprise in zip(weights, surprises, strict=True)) / total
    nearest = sorted(range(len(ranked)), key=lambda i: (abs(surprises[i] - entropy), i))
    kept: set[int] = set()
    reached = 0.0
    for index in nearest:
        if reached > typical_p * total:
            break
        reached += weights[index]
        kept.add(index)
    return [ranked[index] for index in sorted(kept)]


def _nucleus(weights: Sequence[float], top_p: float, min_p: float) -> int:
    """Return how many of the highest reach `top_p`, less those below `min_p` of the highest."""
    wanted = math.inf if top_p == 1 else top_p * sum(weights)
    reached = 0.0
    kept = 0
    for weight in weights:
        if reached >= wanted:
            break
        reached += weight
        kept += 1
    return sum(weight >= min_p * weights[0] for weight in weights[:kept])


def _drawn(chances: Sequence[float], point: float) -> int:
    """Return the index that `point`, in [0, 1), falls on."""
    wanted = point * sum(chances)
    reached = 0.0
    for index, chance in enumerate(chances):
        reached += chance
        if wanted < reached:
            return index
    return len(chances) - 1  # the sum was rounded
