"""The most likely tokens: what a sampler needs instead of the whole vocabulary."""

from collections.abc import Iterator

from wgslm.gpu import Program
from wgslm.kernels import STEP, Dispatch, Ref, ceil_div, fold

CHUNK = 32
ROOM = 1024  # pairs; a vocabulary of up to this many is read whole
FOUND_NBYTES = 8 + ROOM * 8  # u32 count, u32 key, then (u32 id, f32 logit) pairs


def chunk_count(vocab: int) -> int:
    """Return the number of maxima that `top` keeps in between."""
    return ceil_div(vocab, CHUNK)


def top(logits: Ref, maxima: Ref, found: Ref, vocab: int) -> Iterator[Dispatch]:
    """Collect at least the step's wanted number of highest logits, in no order.

    logits: f32 [vocab]; maxima: u32 [chunk_count(vocab)]; found: FOUND_NBYTES.
    """
    chunks = chunk_count(vocab)
    yield Dispatch(
        Program("top_chunks"),
        {"vocab": vocab},
        {"logits": logits, "maxima": maxima},
        (ceil_div(chunks, 64), 1, 1),
    )
    yield Dispatch(
        Program("top_threshold"),
        {"chunks": chunks},
        {"step": STEP, "maxima": maxima, "found": found},
        (1, 1, 1),
    )
    yield Dispatch(
        Program("top_collect"),
        {"vocab": vocab, "room": ROOM},
        {"logits": logits, "found": found},
        fold(ceil_div(vocab, 64)),
    )
