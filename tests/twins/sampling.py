"""llama.cpp's default sampler chain, in NumPy: from all logits to each id's probability."""

from collections.abc import Sequence

import numpy as np

from twins import Array
from wgslm.sampling import Sampling


def probabilities(logits: Array, s: Sampling, history: Sequence[int] = ()) -> Array:
    """Return the chance of every id, f64 [vocab].

    Penalties, top-k, top-p, min-p, temperature, as llama-sampler.cpp applies them to sorted
    candidates.
    """
    logits = logits.copy()
    recent = [] if s.repeat_last_n == 0 else list(history)
    if s.repeat_last_n > 0:
        recent = recent[-s.repeat_last_n :]
    for id in set(recent):
        if logits[id] <= 0:
            logits[id] *= s.repeat_penalty
        else:
            logits[id] /= s.repeat_penalty
    order = np.lexsort((np.arange(len(logits)), -logits))  # highest first, ties by id
    if s.temperature == 0:
        certain: Array = np.eye(len(logits))[order[0]]
        return certain
    if s.top_k:
        order = order[: s.top_k]
    chances = softmax(logits[order])
    needed = np.flatnonzero(np.cumsum(chances) >= s.top_p)
    if len(needed):
        order = order[: needed[0] + 1]
    if s.min_p > 0:
        lowest = logits[order[0]] + np.log(s.min_p)
        order = order[logits[order] >= lowest]
    result: Array = np.zeros(len(logits))
    result[order] = softmax(logits[order] / s.temperature)
    return result


def softmax(logits: Array) -> Array:
    """Return chances that add up to 1."""
    weights: Array = np.exp(logits - logits.max())
    chances: Array = weights / weights.sum()
    return chances
