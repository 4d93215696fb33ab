"""From logits to the next id: llama.cpp's chain over a step's candidates, on the CPU.

The order is llama.cpp's default: repetition penalty, top-k, top-p, min-p, temperature, draw.
"""

import math
import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wgslm.errors import RequestError

MOST_CANDIDATES = 768  # beyond it, a step's logits are read whole


@dataclass(frozen=True)
class Sampling:
    """How to draw. The defaults are llama.cpp's."""

    temperature: float = 0.8  # 0: greedy
    top_k: int = 40  # 0: all
    top_p: float = 0.95  # 1: all
    min_p: float = 0.05  # 0: all
    repeat_penalty: float = 1.0  # 1: none
    repeat_last_n: int = 64  # tokens that the penalty looks back on; -1: all
    seed: int | None = None  # None: another one each time

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        _check("temperature", self.temperature, 0 <= self.temperature <= 100, "0 to 100")
        _check("top_k", self.top_k, self.top_k >= 0, "0 (all) or more")
        _check("top_p", self.top_p, 0 < self.top_p <= 1, "above 0, at most 1")
        _check("min_p", self.min_p, 0 <= self.min_p <= 1, "0 to 1")
        _check(
            "repeat_penalty", self.repeat_penalty, 0 < self.repeat_penalty <= 10, "above 0 to 10"
        )
        _check("repeat_last_n", self.repeat_last_n, self.repeat_last_n >= -1, "-1 (all) or more")


def _check(name: str, value: float, is_good: bool, right: str) -> None:
    if not is_good:  # NaN compares false, so it is refused too
        raise RequestError(f"{name} is {value}; it must be {right}", name)


class Sampler:
    """Draws one id after another, always the same for the same seed."""

    def __init__(self, sampling: Sampling) -> None:
        """Seed the generator."""
        self.sampling = sampling
        seed = sampling.seed
        self._random = random.Random(
            int.from_bytes(os.urandom(8)) if seed is None else seed % (1 << 64)
        )

    def wanted(self, history: Sequence[int]) -> int | None:
        """Return how many of the highest logits decide the draw; None: all of them.

        A penalty lowers only tokens of the history, so that many candidates more suffice.
        """
        s = self.sampling
        penalised = len(self._penalised(history))
        if s.repeat_penalty < 1 and penalised:  # raises tokens from anywhere
            return None
        keep = 1 if s.temperature == 0 else s.top_k
        if keep == 0 or keep + penalised > MOST_CANDIDATES:
            return None
        return keep + penalised

    def choose(self, ids: Sequence[int], logits: Sequence[float], history: Sequence[int]) -> int:
        """Return the next id. `ids` and `logits` are the candidates, highest first."""
        s = self.sampling
        ranked = self._penalise(zip(ids, logits, strict=True), history)
        if s.temperature == 0:
            return ranked[0][0]
        if s.top_k:
            ranked = ranked[: s.top_k]
        weights = _softmax([logit for _, logit in ranked])
        kept = _top_p(weights, s.top_p)
        kept = sum(weight >= s.min_p * weights[0] for weight in weights[:kept])
        scaled = _softmax([logit / s.temperature for _, logit in ranked[:kept]])
        return ranked[self._draw(scaled)][0]

    def _penalised(self, history: Sequence[int]) -> frozenset[int]:
        s = self.sampling
        if s.repeat_penalty == 1 or s.repeat_last_n == 0:
            return frozenset()
        return frozenset(history if s.repeat_last_n < 0 else history[-s.repeat_last_n :])

    def _penalise(
        self, pairs: Iterable[tuple[int, float]], history: Sequence[int]
    ) -> list[tuple[int, float]]:
        """Divide positive logits of recent tokens by the penalty, multiply negative ones."""
        recent, penalty = self._penalised(history), self.sampling.repeat_penalty
        if not recent:
            return list(pairs)
        changed = [
            (id, (logit / penalty if logit > 0 else logit * penalty) if id in recent else logit)
            for id, logit in pairs
        ]
        return sorted(changed, key=lambda pair: (-pair[1], pair[0]))

    def _draw(self, weights: Sequence[float]) -> int:
        left = self._random.random()
        for index, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return index
        return len(weights) - 1  # the weights' sum was rounded below 1


def _softmax(logits: Sequence[float]) -> list[float]:
    highest = max(logits)
    weights = [math.exp(logit - highest) for logit in logits]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _top_p(weights: Sequence[float], top_p: float) -> int:
    """Return how many of the highest weights it takes to reach `top_p`."""
    reached = 0.0
    for index, weight in enumerate(weights):
        reached += weight
        if reached >= top_p:
            return index + 1
    return len(weights)
