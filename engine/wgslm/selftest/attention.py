"""Cases of attention: a few positions are appended to a cache and looked back on."""

import math

from wgslm.gpu import Program
from wgslm.kernels import STEP, Dispatch, Ref
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

TOKENS = 5
GROUP = 2  # query heads of the one key head
SCALE = 0.25
Q, K, V, K_CACHE, V_CACHE, PARTS, OUT, TABLE, Q_GAIN, K_GAIN = (
    scratch(name)
    for name in ("q", "k", "v", "k_cache", "v_cache", "parts", "o", "table", "q_gain", "k_gain")
)
# What a cache makes of a normalised and rotated key; values are exact in every format.
KEY_ERRORS: dict[KvType, float] = {"f32": EXACT, "f16": 1e-3, "q8_0": 1e-2, "q4_0": 0.1}
Vectors = list[list[float]]


def prompt(program: Program, schedule: Schedule) -> Case:
    """Return attention of five tokens to those before them, after their appending."""
    kv, dim = _kv(program)
    cache = Cache(K_CACHE, V_CACHE, 1, dim, TOKENS, kv)
    q = [numbers(dim, 3 * i) for i in range(TOKENS * GROUP)]
    k, v = ([exact(kv, dim, salt + t) for t in range(TOKENS)] for salt in (1, 9))
    dispatches = (
        kv_append(Heads(K, 1, dim, dim), Heads(V, 1, dim, dim), cache, TOKENS),
        attention(Heads(Q, GROUP, dim, GROUP * dim), cache, OUT, TOKENS, SCALE, schedule),
    )
    expected = [value for i, query in enumerate(q) for value in attend(query, k, v, i // GROUP)]
    memory = {
        Q: _flat(q),
        K: _flat(k),
        V: _flat(v),
        **_caches(kv, dim, TOKENS),
        OUT: bytes(4 * len(expected)),
        STEP: step_bytes(TOKENS),
    }
    return Case(dispatches, memory, OUT, expected)


def decoding(program: Program, schedule: Schedule) -> Case:
    """Return three steps of one token, the last one's attention being the answer."""
    on = dict(program.constants)
    kv, dim = _kv(program)
    pairs = min(PAIRS, dim // 2)
    splits = int(on.get("SPLITS", 1))
    slots = SHORT_CONTEXT + 1 if splits > 1 else TOKENS
    cache = Cache(K_CACHE, V_CACHE, 1, dim, slots, kv)
    heads = Heads(Q, GROUP, dim, 4 * dim)
    key, value = (Heads(Q, 1, dim, 4 * dim, at * dim) for at in (2, 3))
    norms, neox = [bool(on.get(name)) for name in ("Q_NORM", "K_NORM")], bool(on.get("NEOX"))
    nbytes = parts_nbytes(heads, cache, schedule)
    memory = {
        TABLE: table(range(3), pairs),
        **_caches(kv, dim, slots),
        PARTS: bytes(max(16, nbytes)),
        OUT: bytes(4 * GROUP * dim),
    }
    gains = [numbers(dim, salt) for salt in (4, 5)]
    memory |= {Q_GAIN: floats(gains[0]), K_GAIN: floats(gains[1])}
    dispatches: list[Dispatch] = []
    keys: Vectors = []
    values: Vectors = []
    for position in range(3):
        q = [numbers(dim, 7 * position + i) for i in range(GROUP)]
        k, v = numbers(dim, position + 20), exact(kv, dim, position)
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
    queries = [_ready(one, gains[0] if norms[0] else None, 2, pairs, neox=neox) for one in q]
    expected = [value for query in queries for value in attend(query, keys, values, 2)]
    return Case(tuple(dispatches), memory, OUT, expected, KEY_ERRORS[kv])


def attend(query: list[float], keys: Vectors, values: Vectors, position: int) -> list[float]:
    """Return the mean of the values up to a position, weighted by softmax(SCALE * q k)."""
    seen = range(position + 1)
    scores = [SCALE * sum(a * b for a, b in zip(query, keys[t], strict=True)) for t in seen]
    weights = [math.exp(score - max(scores)) for score in scores]
    total = sum(weights)
    columns = zip(*(values[t] for t in seen), strict=True)
    return [sum(w * v for w, v in zip(weights, column, strict=True)) / total for column in columns]


def exact(kv: KvType, dim: int, salt: int) -> list[float]:
    """Return values that a cache keeps as they are: every block has its largest."""
    if kv == "q4_0":
        return [((5 * i + 3 * salt) % 16 - 8) / 8 for i in range(dim)]
    return [
        127 / 128 if i % BLOCK == 0 else ((37 * i + 11 * salt) % 255 - 127) / 128
        for i in range(dim)
    ]


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


def _caches(kv: KvType, dim: int, slots: int) -> dict[Ref, bytes]:
    nbytes = slots * kv_row_nbytes(kv, dim)
    return {K_CACHE: bytes(nbytes), V_CACHE: bytes(nbytes)}


def _flat(vectors: Vectors) -> bytes:
    return floats([value for vector in vectors for value in vector])


MAKERS = {
    "attention_lanes": prompt,
    "attention_tile": prompt,
    "kv_append": prompt,
    "attention_step": decoding,
    "attention_step_lanes": decoding,  # `attention_reduce` with them
}
