"""Cases of attention: a few tokens look back on more keys than one tile or one split has.

The keys are few different ones, so that little has to be computed here. A late one stands out: for
some heads its score is the highest of all, which changes what was summed up before.
"""

import math
import struct
from collections import Counter
from collections.abc import Sequence
from operator import mul

from wgslm.gpu import Program
from wgslm.kernels import STEP, Dispatch
from wgslm.kernels.attention import (
    BLOCK,
    Cache,
    Heads,
    KvType,
    Rotation,
    attention,
    attention_step,
    kv_append,
    kv_row_nbytes,
    parts_nbytes,
)
from wgslm.kernels.schedule import SHORT_CONTEXT, Schedule
from wgslm.selftest.cases import EXACT, Case, numbers, scratch, step_bytes, with_step
from wgslm.selftest.known import floats
from wgslm.selftest.rows import EPS, PAIRS, table, turned

TOKENS = 3  # that look back on a prompt
PROMPT = 70  # positions, their own included: the largest tile has 64
PAST = 297  # positions before those of single tokens: the largest tile has 256
SINGLE = 3  # single tokens, of which the last is compared
GROUP = 2  # query heads of the one key head
KINDS = 11  # different keys and values
STANDS_OUT = 4.0  # so much larger is the late key: a power of two, exact wherever the others are
SCALE = 0.25
Q, K, V, K_CACHE, V_CACHE, PARTS, OUT, TABLE, Q_GAIN, K_GAIN = (
    scratch(name)
    for name in ("q", "k", "v", "k_cache", "v_cache", "parts", "o", "table", "q_gain", "k_gain")
)
# What a cache makes of a normalised and rotated key; values are exact in every format.
KEY_ERRORS: dict[KvType, float] = {"f32": EXACT, "f16": 1e-3, "q8_0": 1e-2, "q4_0": 0.1}
Vectors = list[list[float]]


def prompt(program: Program, schedule: Schedule) -> Case:
    """Return attention of the last tokens of a prompt, all of which was appended before."""
    kv, dim = _kv(program)
    cache = Cache(K_CACHE, V_CACHE, 1, dim, PROMPT, kv)
    first = PROMPT - TOKENS
    q = [numbers(dim, 3 * i) for i in range(TOKENS * GROUP)]
    keys, values, places = kinds(kv, dim), kinds(kv, dim, 9), order(PROMPT)
    dispatches = (
        kv_append(Heads(K, 1, dim, dim), Heads(V, 1, dim, dim), cache, PROMPT),
        with_step(
            attention(Heads(Q, GROUP, dim, GROUP * dim), cache, OUT, TOKENS, SCALE, schedule),
            "last",
        ),
    )
    expected = [
        value
        for i, query in enumerate(q)
        for value in attend(query, keys, values, places[: first + i // GROUP + 1])
    ]
    memory = {
        Q: _flat(q),
        K: _flat([keys[place] for place in places]),
        V: _flat([values[place] for place in places]),
        K_CACHE: _filled(kv, dim, PROMPT),
        V_CACHE: _filled(kv, dim, PROMPT),
        OUT: bytes(4 * len(expected)),
        STEP: step_bytes(PROMPT),
        scratch("last"): step_bytes(TOKENS, first),
    }
    return Case(dispatches, memory, OUT, expected)


def decoding(program: Program, schedule: Schedule) -> Case:
    """Return steps of one token behind a filled cache; the last one's attention is the answer."""
    on = dict(program.constants)
    kv, dim = _kv(program)
    pairs = min(PAIRS, dim // 2)
    splits = int(on.get("SPLITS", 1))
    slots = SHORT_CONTEXT + 1 if splits > 1 else PAST + SINGLE
    cache = Cache(K_CACHE, V_CACHE, 1, dim, slots, kv)
    heads = Heads(Q, GROUP, dim, 4 * dim)
    key, value = (Heads(Q, 1, dim, 4 * dim, at * dim) for at in (2, 3))
    norms, neox = [bool(on.get(name)) for name in ("Q_NORM", "K_NORM")], bool(on.get("NEOX"))
    gains = [numbers(dim, salt) for salt in (4, 5)]
    keys, values, places = kinds(kv, dim), kinds(kv, dim, 9), order(PAST)
    memory = {
        TABLE: table(range(PAST, PAST + SINGLE), pairs),
        K_CACHE: _filled(kv, dim, slots, keys, places),
        V_CACHE: _filled(kv, dim, slots, values, places),
        PARTS: bytes(max(16, parts_nbytes(heads, cache, schedule))),
        OUT: bytes(4 * GROUP * dim),
        Q_GAIN: floats(gains[0]),
        K_GAIN: floats(gains[1]),
    }
    dispatches: list[Dispatch] = []
    for position in range(PAST, PAST + SINGLE):
        q = [numbers(dim, 7 * position + i) for i in range(GROUP)]
        k, v = numbers(dim, position + 20), exact(kv, dim, position)
        places.append(len(keys))
        keys.append(_ready(k, gains[1] if norms[1] else None, position, pairs, neox=neox))
        values.append(v)
        memory |= {scratch(f"step{position}"): step_bytes(1, position)}
        memory |= {scratch(f"qkv{position}"): _flat([*q, k, v])}
        step = attention_step(
            heads,
            key,
            value,
            cache,
            OUT,
            PARTS,
            SCALE,
            schedule,
            rotation=Rotation(TABLE, pairs, neox),
            q_gain=Q_GAIN if norms[0] else None,
            k_gain=K_GAIN if norms[1] else None,
            eps=EPS,
        )
        for dispatch in step:
            qkv = scratch(f"qkv{position}")
            bound = {name: qkv for name, ref in dispatch.bindings.items() if ref == Q}
            has_step = STEP in dispatch.bindings.values()
            dispatches.append(
                with_step(dispatch, f"step{position}", **bound) if has_step else dispatch
            )
    gain = gains[0] if norms[0] else None
    queries = [_ready(one, gain, PAST + SINGLE - 1, pairs, neox=neox) for one in q]
    expected = [value for query in queries for value in attend(query, keys, values, places)]
    return Case(tuple(dispatches), memory, OUT, expected, KEY_ERRORS[kv])


def attend(query: list[float], keys: Vectors, values: Vectors, places: list[int]) -> list[float]:
    """Return the mean of the values at some places, weighted by softmax(SCALE * q k)."""
    counts = Counter(places)
    scores = {at: SCALE * sum(map(mul, query, keys[at])) for at in counts}
    highest = max(scores.values())
    weights = {at: count * math.exp(scores[at] - highest) for at, count in counts.items()}
    total = sum(weights.values())
    columns = zip(*(values[at] for at in weights), strict=True)
    return [sum(map(mul, weights.values(), column)) / total for column in columns]


def kinds(kv: KvType, dim: int, salt: int = 1) -> Vectors:
    """Return the different keys, or values; the last of them stands out."""
    usual = [exact(kv, dim, salt + kind) for kind in range(KINDS)]
    return [*usual, [STANDS_OUT * value for value in exact(kv, dim, salt + KINDS)]]


def order(count: int) -> list[int]:
    """Return which of the kinds each position has."""
    places = [(7 * t + t // 13) % KINDS for t in range(count)]
    places[-TOKENS - 1] = KINDS
    return places


def exact(kv: KvType, dim: int, salt: int) -> list[float]:
    """Return values that a cache keeps as they are: every block has its largest."""
    if kv == "q4_0":
        return [((5 * i + 3 * salt) % 16 - 8) / 8 for i in range(dim)]
    return [
        127 / 128 if i % BLOCK == 0 else ((37 * i + 11 * salt) % 255 - 127) / 128
        for i in range(dim)
    ]


def packed(kv: KvType, row: Sequence[float]) -> bytes:
    """Return a row of `exact` values as a cache of its type holds it: shaders/lib/kv_*.wgsl."""
    if kv in ("f32", "f16"):
        return struct.pack(f"<{len(row)}{'f' if kv == 'f32' else 'e'}", *row)
    blocks = [row[at : at + BLOCK] for at in range(0, len(row), BLOCK)]
    scales = [max(map(abs, block)) / (127 if kv == "q8_0" else 8) for block in blocks]
    data = bytearray()
    for block, scale in zip(blocks, scales, strict=True):
        whole = [round(value / scale) for value in block]
        if kv == "q8_0":
            data += bytes(value & 255 for value in whole)
        else:
            halves = zip(whole[: BLOCK // 2], whole[BLOCK // 2 :], strict=True)
            data += bytes(low + 8 | high + 8 << 4 for low, high in halves)
    data += struct.pack(f"<{len(scales)}e", *scales)
    return bytes(data) + bytes(kv_row_nbytes(kv, len(row)) - len(data))


def _ready(
    head: list[float], gain: list[float] | None, position: int, pairs: int, *, neox: bool
) -> list[float]:
    """Return a head after its norm and its rotation."""
    if gain:
        factor = 1 / math.sqrt(sum(value * value for value in head) / len(head) + EPS)
        head = [value * factor * g for value, g in zip(head, gain, strict=True)]
    return turned(head, position, pairs, neox=neox)


def _kv(program: Program) -> tuple[KvType, int]:
    kinds: dict[str, KvType] = {f"lib/kv_{kv}": kv for kv in KEY_ERRORS}
    return kinds[dict(program.bound)["kv"]], 4 * int(dict(program.constants)["DIM4"])


def _filled(
    kv: KvType, dim: int, slots: int, kinds: Vectors | None = None, places: Sequence[int] = ()
) -> bytes:
    """Return a cache whose first slots hold rows of some kinds."""
    rows = [packed(kv, vector) for vector in kinds or ()]
    return b"".join(rows[place] for place in places).ljust(slots * kv_row_nbytes(kv, dim), b"\0")


def _flat(vectors: Vectors) -> bytes:
    return floats([value for vector in vectors for value in vector])


MAKERS = {
    "attention_lanes": prompt,
    "attention_tile": prompt,
    "kv_append": prompt,
    "attention_step": decoding,
    "attention_step_lanes": decoding,  # `attention_reduce` with them
}
