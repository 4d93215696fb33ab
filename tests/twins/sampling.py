"""llama.cpp's default sampler chain, in NumPy: from all logits to each id's probability."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twins import Array
from wgslm.sampling import Sampling


def probabilities(logits: Array, s: Sampling, history: Sequence[int] = ()) -> Array:
    """Return the chance of every id, f64 [vocab].

    Bias, penalties, top-k, typical, top-p, min-p, temperature, as llama-sampler.cpp applies them
    to sorted candidates.
    """
    logits = changed(logits, s, history)
    order = np.lexsort((np.arange(len(logits)), -logits))  # highest first, ties by id
    if s.temperature == 0:
        certain: Array = np.eye(len(logits))[order[0]]
        return certain
    if s.top_k:
        order = order[: s.top_k]
    if s.typical_p < 1:
        order = typical(logits, order, s.typical_p)
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


def changed(logits: Array, s: Sampling, history: Sequence[int]) -> Array:
    """Add biases, then lower or raise what occurred in the last tokens."""
    logits = logits.copy()
    for id, bias in s.logit_bias:
        logits[id] += bias
    recent = [] if s.repeat_last_n == 0 else list(history)
    if s.repeat_last_n > 0:
        recent = recent[-s.repeat_last_n :]
    for id in set(recent):
        if logits[id] <= 0:
            logits[id] *= s.repeat_penalty
        else:
            logits[id] /= s.repeat_penalty
        logits[id] -= recent.count(id) * s.frequency_penalty + s.presence_penalty
    return logits


def typical(logits: Array, order: NDArray[np.intp], typical_p: float) -> NDArray[np.intp]:
    """Keep those of `order` whose surprise is nearest to the entropy; they stay in order."""
    chances = softmax(logits[order])
    entropy = -(chances * np.log(chances)).sum()
    nearest = np.argsort(np.abs(-np.log(chances) - entropy), kind="stable")
    beyond = np.flatnonzero(np.cumsum(chances[nearest]) > typical_p)
    kept = nearest[: beyond[0] + 1] if len(beyond) else nearest
    return order[np.sort(kept)]


def softmax(logits: Array) -> Array:
    """Return chances that add up to 1."""
    weights: Array = np.exp(logits - logits.max())
    chances: Array = weights / weights.sum()
    return chances
