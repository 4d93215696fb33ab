"""Rotary positions, the KV cache, and attention over it."""

from dataclasses import dataclass
from typing import Literal

from wgslm.gpu import Program
from wgslm.kernels import STEP, Dispatch, Ref, ceil_div
from wgslm.kernels.schedule import Schedule

KvType = Literal["f16", "f32"]
KV_NBYTES: dict[KvType, int] = {"f16": 2, "f32": 4}


@dataclass(frozen=True)
class Heads:
    """`count` heads of `dim` values, in columns `offset ..` of a slot f32 [T, stride]."""

    ref: Ref
    count: int
    dim: int
    stride: int
    offset: int = 0


def rope(x: Heads, table: Ref, tokens: int, pairs: int, *, neox: bool) -> Dispatch:
    """Rotate the first 2 * pairs dims of every head in place. table: vec2f [256 + ..., pairs]."""
    return Dispatch(
        Program("rope", constants=(("NEOX", True),) if neox else ()),
        {
            "heads": x.count,
            "head_dim": x.dim,
            "pairs": pairs,
            "stride": x.stride,
            "offset": x.offset,
        },
        {"step": STEP, "table": table, "x": x.ref},
        (ceil_div(x.count * pairs, 32), tokens, 1),
    )


def kv_append(x: Heads, cache: Ref, tokens: int, context: int, kv: KvType) -> Dispatch:
    """Write the step's keys or values behind those in the cache [heads, context, dim]."""
    return Dispatch(
        Program("kv_append", (("kv", f"lib/kv_{kv}"),)),
        {
            "heads": x.count,
            "head_dim4": x.dim // 4,
            "stride": x.stride,
            "offset": x.offset,
            "context": context,
        },
        {"step": STEP, "x": x.ref, "cache": cache},
        (ceil_div(x.count * x.dim // 4, 32), tokens, 1),
    )


def attention(
    q: Heads,
    k_cache: Ref,
    v_cache: Ref,
    o: Ref,
    tokens: int,
    kv_heads: int,
    context: int,
    scale: float,
    kv: KvType,
    schedule: Schedule,
) -> Dispatch:
    """o = softmax(scale * q k^T) v over each token's past. o: f32 [tokens, heads * dim]."""
    return Dispatch(
        Program("attention", (("kv", f"lib/kv_{kv}"), *schedule.reduce_bound)),
        {
            "heads": q.count,
            "head_dim4": q.dim // 4,
            "group": q.count // kv_heads,
            "stride": q.stride,
            "offset": q.offset,
            "context": context,
            "scale": scale,
        },
        {"step": STEP, "q": q.ref, "k_cache": k_cache, "v_cache": v_cache, "o": o},
        (q.count, tokens, 1),
    )
