"""The draw of the next id on the GPU, which also moves the step on to the next token."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from wgslm.gpu import Program
from wgslm.kernels import STEP, Dispatch, Ref, ceil_div

MOST_CANDIDATES = 256  # lanes of the workgroup
MOST_RECENT = 1024  # ids that penalties look back on
MOST_STOPS = 16
MOST_BIASES = 512
CHUNKS = 256  # of 32 logits each, in every block of 8,192
SAMPLING_NBYTES = 4 * (32 + 2 * MOST_BIASES)
SAMPLED_NBYTES = 4 * (4 + MOST_RECENT)
RESULT = struct.Struct("<3I")  # the beginning of `sampled`: ids drawn, why no more, the last id
BY_NOT_NUMBERS = 3  # why no more: a candidate is infinite or no number


@dataclass(frozen=True)
class Settings:
    """How a generation draws, as the GPU reads it; `temperature` 0 takes the highest logit."""

    temperature: float
    top_k: int  # 1 to MOST_CANDIDATES
    top_p: float
    min_p: float
    typical_p: float
    repeat_penalty: float
    presence_penalty: float
    frequency_penalty: float
    last_n: int  # 0 to MOST_RECENT
    biases: Sequence[tuple[int, float]]  # at most MOST_BIASES
    seed: int  # below 2^64
    budget: int  # ids to draw
    stops: Sequence[int]  # at most MOST_STOPS
    least: int = 0  # ids to draw before any of `stops`

    def pack(self) -> bytes:
        """Return the words of shaders/lib/sampling.wgsl."""
        assert 1 <= self.top_k <= MOST_CANDIDATES and self.last_n <= MOST_RECENT, f"{self}"
        assert len(self.stops) <= MOST_STOPS and len(self.biases) <= MOST_BIASES, f"{self}"
        return struct.pack(
            f"<8f2IQ4I{MOST_STOPS}I",
            self.temperature,
            self.top_p,
            self.min_p,
            self.typical_p,
            self.repeat_penalty,
            1 / self.repeat_penalty,
            self.presence_penalty,
            self.frequency_penalty,
            self.top_k,
            self.last_n,
            self.seed,
            self.budget,
            len(self.stops),
            len(self.biases),
            self.least,
            *self.stops,
            *(0 for _ in range(MOST_STOPS - len(self.stops))),
        ) + b"".join(struct.pack("<If", id, bias) for id, bias in self.biases)


def pack_history(ids: Sequence[int]) -> bytes:
    """Return `sampled` at the beginning of a generation: nothing drawn, some ids seen."""
    recent = ids[-MOST_RECENT:]
    return struct.pack(f"<4I{len(recent)}I", 0, 0, 0, len(recent), *recent)


def maxima_nbytes(vocab: int) -> int:
    """Return the size of the scratch: a maximum per chunk."""
    return 4 * CHUNKS * ceil_div(vocab, 32 * CHUNKS)


def sample(logits: Ref, maxima: Ref, sampling: Ref, sampled: Ref, vocab: int) -> Dispatch:
    """Draw the next id from logits f32 [vocab], which it changes, and move the step on."""
    return Dispatch(
        Program("sample"),
        {"vocab": vocab},
        {
            "sampling": sampling,
            "step": STEP,
            "logits": logits,
            "maxima": maxima,
            "sampled": sampled,
        },
        (1, 1, 1),
    )
