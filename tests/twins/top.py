"""Twins of top_chunks, top_threshold and top_collect, on keys: integers that order like floats."""

import numpy as np
from numpy.typing import NDArray

CHUNK = 32
NAN_KEY = 0xFFFFFFFF


def keys(logits: NDArray[np.float32]) -> NDArray[np.uint32]:
    """-inf < ... < -0.0 < 0.0 < ... < inf < every NaN."""
    bits = logits.view(np.uint32)
    ordered = np.where(bits >> 31 == 1, ~bits, bits | 0x80000000).astype(np.uint32)
    return np.where(np.isnan(logits), np.uint32(NAN_KEY), ordered)


def chunk_keys(logits: NDArray[np.float32]) -> NDArray[np.uint32]:
    """The highest key of every 32 logits."""
    return np.maximum.reduceat(keys(logits), np.arange(0, len(logits), CHUNK))


def threshold(maxima: NDArray[np.uint32], wanted: int) -> int:
    """The wanted-th highest; 0, below everything, when there are fewer."""
    return int(np.sort(maxima)[-wanted]) if wanted <= len(maxima) else 0


def collected(logits: NDArray[np.float32], wanted: int) -> set[int]:
    """The ids of the logits at or above the threshold."""
    return set(np.flatnonzero(keys(logits) >= threshold(chunk_keys(logits), wanted)).tolist())
