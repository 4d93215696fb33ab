"""Cases of the draw, and of the search for the highest logits."""

import struct

from wgslm.gpu import Program
from wgslm.kernels import STEP
from wgslm.kernels.sample import (
    SAMPLED_NBYTES,
    SAMPLING_NBYTES,
    maxima_nbytes,
    pack_history,
    sample,
)
from wgslm.kernels.schedule import Schedule
from wgslm.kernels.top import FOUND_NBYTES, chunk_count, top
from wgslm.sampling import Sampler, Sampling, gpu_settings
from wgslm.selftest.cases import Case, Read, scratch, step_bytes
from wgslm.selftest.known import floats

VOCAB = 1500  # fits no workgroup
LOGITS = [((997 * i + 3) % VOCAB - VOCAB / 2) / 8 for i in range(VOCAB)]  # all different
RANKED = sorted(range(VOCAB), key=lambda id: -LOGITS[id])
WANTED = 3
BARRED = RANKED[0]  # would end the answer, which must not end yet
HISTORY = [7, 1203, 7, 55]
POSITION = 4
RANDOM = Sampling(
    temperature=1.7,
    top_k=40,
    top_p=0.9,
    min_p=0.02,
    typical_p=0.95,
    repeat_penalty=1.1,
    presence_penalty=0.2,
    frequency_penalty=0.1,
    seed=11,
)
GREEDY = Sampling(temperature=0, logit_bias=((RANKED[30], 10.0),), repeat_penalty=1.5)
WAYS = (*[RANDOM] * 5, GREEDY)  # to draw, one after the other; the last needs no random number


def draw(program: Program, schedule: Schedule) -> Case:
    """Return draws in two ways; the ring then holds all their ids behind the others."""
    maxima, sampled = scratch("maxima"), scratch("sampled")
    memory = {
        maxima: bytes(maxima_nbytes(VOCAB)),
        sampled: pack_history(HISTORY).ljust(SAMPLED_NBYTES, b"\0"),
        STEP: step_bytes(1, POSITION, ids=HISTORY[-1:]),
    }
    dispatches, seen = [], list(HISTORY)
    samplers = {sampling: Sampler(sampling) for sampling in WAYS}
    for way, sampling in enumerate(WAYS):
        sampler = samplers[sampling]
        count = len(WAYS) + 1
        settings = gpu_settings(sampling, sampler.seed, count, {BARRED}, VOCAB, least=count)
        assert settings, "the GPU knows these ways"
        logits, asked = scratch(f"logits{way}"), scratch(f"sampling{way}")
        memory |= {logits: floats(LOGITS), asked: settings.pack().ljust(SAMPLING_NBYTES, b"\0")}
        dispatches.append(sample(logits, maxima, asked, sampled, VOCAB))
        seen.append(sampler.choose(RANKED[1:], [LOGITS[id] for id in RANKED[1:]], seen))
    expected = [len(WAYS), 0, seen[-1], len(seen), *seen]
    return Case(tuple(dispatches), memory, sampled, expected, read=_words(len(expected)))


def highest(program: Program, schedule: Schedule) -> Case:
    """Return the search for three of the highest; more may be found, in any order."""
    logits, maxima, found = (scratch(name) for name in ("logits", "maxima", "found"))
    expected = [number for id in RANKED[:WANTED] for number in (id, LOGITS[id])]
    memory = {
        logits: floats(LOGITS),
        maxima: bytes(4 * chunk_count(VOCAB)),
        found: bytes(FOUND_NBYTES),
        STEP: step_bytes(1, wanted=WANTED),
    }
    return Case(tuple(top(logits, maxima, found, VOCAB)), memory, found, expected, read=_ranked)


def _words(count: int) -> Read:
    return lambda data: struct.unpack_from(f"<{count}I", data)


def _ranked(data: bytes) -> list[float]:
    (count,) = struct.unpack_from("<I", data)
    room = min(count, (len(data) - 8) // 8)
    pairs = sorted(struct.iter_unpack("<If", data[8 : 8 + 8 * room]), key=lambda pair: -pair[1])
    return [float(number) for pair in pairs[:WANTED] for number in pair]


MAKERS = {
    "sample": draw,
    **{f"top_{step}": highest for step in ("chunks", "threshold", "collect")},
}
