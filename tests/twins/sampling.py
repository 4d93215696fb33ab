"""llama.cpp's sampler chain, in NumPy: from all logits to each id's probability.

After llama-sampler.cpp of 2026, written from its definitions: every step by brute force, on sorted
candidates. What it draws at random besides the id, XTC's chance, is told by `is_xtc_due`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from twins import Array
from wgslm.sampling import Sampling

Order = NDArray[np.intp]
Breakers = Mapping[int, Sequence[tuple[int, ...]]]


def probabilities(
    logits: Array,
    s: Sampling,
    history: Sequence[int] = (),
    breakers: Breakers | None = None,
    *,
    is_xtc_due: bool = False,
    mu: float = 0.0,
) -> Array:
    """Return the chance of every id, f64 [vocab]; `mu` is mirostat's state."""
    logits = changed(logits, s, history, breakers)
    order = np.lexsort((np.arange(len(logits)), -logits))  # highest first, ties by id
    if s.mirostat and s.temperature > 0:
        order = mirostat_kept(logits / s.temperature, order, s.mirostat, mu)
        return spread(len(logits), order, logits[order] / s.temperature)
    if not s.mirostat:
        order = truncated(logits, order, s)
    if is_xtc_due and len(order) > 1:
        chances = softmax(logits[order])
        order = order[max(0, int((chances >= s.xtc_threshold).sum()) - 1) :]
    temperature = dynamic_temperature(logits[order], s)
    if temperature == 0:
        return spread(len(logits), order[:1], np.zeros(1))
    return spread(len(logits), order, logits[order] / temperature)


def truncated(logits: Array, order: Order, s: Sampling) -> Order:
    """Leave out what top-n-sigma, top-k, typical, top-p and min-p do."""
    if s.top_n_sigma > 0:
        order = order[logits[order] >= logits.max() - s.top_n_sigma * logits.std()]
    if s.top_k:
        order = order[: s.top_k]
    if s.typical_p < 1:
        order = typical(logits, order, s.typical_p)
    needed = np.flatnonzero(np.cumsum(softmax(logits[order])) >= s.top_p)
    if len(needed) and s.top_p < 1:
        order = order[: needed[0] + 1]
    if s.min_p > 0:
        order = order[logits[order] >= logits[order[0]] + np.log(s.min_p)]
    return order


def changed(
    logits: Array, s: Sampling, history: Sequence[int], breakers: Breakers | None = None
) -> Array:
    """Add biases, lower or raise what occurred in the last tokens, lower what would repeat."""
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
    if s.dry_multiplier and s.dry_penalty_last_n:
        for id, length in repeated(list(history), s, breakers or {}).items():
            logits[id] -= s.dry_multiplier * s.dry_base ** (length - s.dry_allowed_length)
    return logits


def repeated(history: list[int], s: Sampling, breakers: Breakers) -> dict[int, int]:
    """Return by id the longest sequence that it would repeat, if that is long enough."""
    window = history if s.dry_penalty_last_n < 0 else history[-s.dry_penalty_last_n :]
    count, found = len(window), dict[int, int]()
    most = count  # ids after the last breaker
    for start in range(count - 1, -1, -1):
        tails = breakers.get(window[start], [])
        held = [tail for tail in tails if tuple(window[start + 1 :][: len(tail)]) == tail]
        if held:
            most = count - 1 - start - max(map(len, held))
            break
    for end in range(1, count):  # of an earlier sequence, whose next id is window[end]
        length = 0
        while length < min(end, most) and window[end - 1 - length] == window[-1 - length]:
            length += 1
        id = window[end]
        if length >= s.dry_allowed_length and () not in breakers.get(id, []):
            found[id] = max(found.get(id, 0), length)
    return found if count > s.dry_allowed_length and most >= s.dry_allowed_length else {}


def typical(logits: Array, order: Order, typical_p: float) -> Order:
    """Keep those of `order` whose surprise is nearest to the entropy; they stay in order."""
    chances = softmax(logits[order])
    entropy = -(chances * np.log(chances)).sum()
    nearest = np.argsort(np.abs(-np.log(chances) - entropy), kind="stable")
    beyond = np.flatnonzero(np.cumsum(chances[nearest]) > typical_p)
    kept = nearest[: beyond[0] + 1] if len(beyond) else nearest
    return order[np.sort(kept)]


def dynamic_temperature(logits: Array, s: Sampling) -> float:
    """Return the temperature between both ends that the normalised entropy says."""
    if s.dynatemp_range == 0 or len(logits) == 1:
        return s.temperature
    chances = softmax(logits)
    share = -(chances * np.log(chances)).sum() / np.log(len(logits))
    low, high = max(0.0, s.temperature - s.dynatemp_range), s.temperature + s.dynatemp_range
    return float(low + (high - low) * share**s.dynatemp_exponent)


def mirostat_kept(logits: Array, order: Order, version: int, mu: float) -> Order:
    """Return what mirostat draws from; `logits` are divided by the temperature already."""
    chances = softmax(logits[order])
    if version == 2:
        return order[: max(1, int((-np.log2(chances) <= mu).sum()))]
    i = np.arange(min(99, len(order) - 1))
    t = np.log((i + 2) / (i + 1))
    b = np.log(chances[i] / chances[i + 1])
    s_hat = (t * b).sum() / (t * t).sum()
    epsilon = s_hat - 1
    k = (epsilon * 2**mu / (1 - len(order) ** -epsilon)) ** (1 / s_hat)
    return order[: max(1, int(k))]


def log_softmax(logits: Array) -> Array:
    """Return the natural logarithm of every id's chance."""
    shifted: Array = logits - logits.max()
    return shifted - float(np.log(np.exp(shifted).sum()))


def softmax(logits: Array) -> Array:
    """Return chances that add up to 1."""
    return np.exp(log_softmax(logits))


def spread(vocab: int, order: Order, logits: Array) -> Array:
    """Return the chances of the kept ids at their places, 0 elsewhere."""
    result: Array = np.zeros(vocab)
    result[order] = softmax(logits)
    return result
