"""Rotary positions, the KV cache, and attention over it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from wgslm.errors import UnsupportedError
from wgslm.gpu import Program
from wgslm.kernels import STEP, Dispatch, Ref, ceil_div
from wgslm.kernels.schedule import Schedule

KvType = Literal["f16", "f32", "q8_0", "q4_0"]
KV_TYPES: tuple[KvType, ...] = get_args(KvType)
BLOCK = 32  # values that share a scale in q8_0 and q4_0


def kv_row_nbytes(kv: KvType, dim: int) -> int:
    """Return the bytes of one position of one head in a cache of keys, or of values.

    The scales of a block, f16, lie in pairs behind a row's blocks; an odd one leaves 2 bytes.
    """
    if kv in ("f16", "f32"):
        return dim * (2 if kv == "f16" else 4)
    if dim % BLOCK:
        raise UnsupportedError(
            f"a {kv} cache holds blocks of {BLOCK} values, and this model's heads have {dim}; "
            "choose f16 or f32"
        )
    scales = 4 * ceil_div(dim, 2 * BLOCK)
    return dim * {"q8_0": 8, "q4_0": 4}[kv] // 8 + scales


@dataclass(frozen=True)
class Heads:
    """`count` heads of `dim` values, in columns `offset ..` of a slot f32 [T, stride].

    All are multiples of four: kernels read vectors.
    """

    ref: Ref
    count: int
    dim: int
    stride: int
    offset: int = 0


@dataclass(frozen=True)
class Cache:
    """One layer's keys and values [heads, slots, dim]; position p lies in slot p % slots.

    With a `window` a token sees that many positions, its own included, and the slots are a ring;
    0 is no window: then there is a slot for every position.
    """

    k: Ref
    v: Ref
    heads: int
    dim: int
    slots: int
    kv: KvType
    window: int = 0

    @property
    def program_bound(self) -> tuple[tuple[str, str], ...]:
        """The file that a shader's `#import kv` stands for."""
        return (("kv", f"lib/kv_{self.kv}"),)

    @property
    def constants(self) -> tuple[tuple[str, int], ...]:
        """What every shader that imports `kv` wants to know before it compiles."""
        return (("DIM4", self.dim // 4),)


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


def kv_append(k: Heads, v: Heads, cache: Cache, tokens: int) -> Dispatch:
    """Write the step's keys and values behind those in the cache."""
    program = Program("kv_append", cache.program_bound, cache.constants)
    units = ceil_div(cache.dim // 4, program.source().constant("UNIT"))
    return Dispatch(
        program,
        {
            "heads": cache.heads,
            "k_stride4": k.stride // 4,
            "k_offset4": k.offset // 4,
            "v_stride4": v.stride // 4,
            "v_offset4": v.offset // 4,
            "slots": cache.slots,
            "window": cache.window,
        },
        {"step": STEP, "k": k.ref, "v": v.ref, "k_cache": cache.k, "v_cache": cache.v},
        (ceil_div(2 * cache.heads * units, 32), tokens, 1),
    )


def attention(
    q: Heads, cache: Cache, o: Ref, tokens: int, scale: float, schedule: Schedule
) -> Dispatch:
    """o = softmax(scale * q k^T) v over what each token sees. o: f32 [tokens, heads * dim]."""
    group = q.count // cache.heads
    constants = (*cache.constants, *schedule.attention.constants)
    program = Program(schedule.attention.shader, cache.program_bound, constants)
    tiles = ceil_div(tokens * group, program.source().constant("TILE_ROWS"))
    return Dispatch(
        program,
        {
            "heads": q.count,
            "group": group,
            "stride4": q.stride // 4,
            "offset4": q.offset // 4,
            "slots": cache.slots,
            "window": cache.window,
            "scale": scale,
        },
        {"step": STEP, "q": q.ref, "k_cache": cache.k, "v_cache": cache.v, "o": o},
        (cache.heads, tiles, 1),
    )


@dataclass(frozen=True)
class Rotation:
    """How queries and keys turn: the first 2 * pairs dims, by `table` vec2f [256 + ..., pairs]."""

    table: Ref
    pairs: int
    neox: bool


def attention_step(
    q: Heads,
    k: Heads,
    v: Heads,
    cache: Cache,
    o: Ref,
    parts: Ref,
    scale: float,
    schedule: Schedule,
    *,
    rotation: Rotation | None = None,
    q_gain: Ref | None = None,
    k_gain: Ref | None = None,
    eps: float = 0.0,
) -> Iterator[Dispatch]:
    """One token: o = attention of rotate(norm(q)) over the cache, to which k and v are appended.

    q, k, v are columns of one slot; a gain says that the heads are normalised. `parts` is a slot of
    `parts_nbytes`, used when the schedule splits the keys.
    """
    assert q.ref == k.ref == v.ref, "q, k and v are columns of one slot"
    splits = schedule.splits_of(cache.slots)
    constants: list[tuple[str, int]] = [*cache.constants, ("SPLITS", splits)]
    constants += [("Q_NORM", True)] if q_gain else []
    constants += [("K_NORM", True)] if k_gain else []
    constants += [("NEOX", True)] if rotation and rotation.neox else []
    shader = schedule.attention_one.shader
    reduce = schedule.reduce.bound if shader == "attention_step" else ()
    unused = q.ref
    yield Dispatch(
        Program(shader, (*cache.program_bound, *reduce), tuple(constants)),
        {
            "group": q.count // cache.heads,
            "q_offset": q.offset,
            "k_offset": k.offset,
            "v_offset": v.offset,
            "pairs": rotation.pairs if rotation else 0,
            "slots": cache.slots,
            "window": cache.window,
            "scale": scale,
            "eps": eps,
        },
        {
            "step": STEP,
            "qkv": q.ref,
            "table": rotation.table if rotation else unused,
            "q_gain": q_gain or unused,
            "k_gain": k_gain or unused,
            "k_cache": cache.k,
            "v_cache": cache.v,
            "o": parts if splits > 1 else o,
        },
        (cache.heads, splits, 1),
    )
    if splits > 1:
        yield Dispatch(
            Program("attention_reduce", constants=(*cache.constants, ("SPLITS", splits))),
            {"heads": q.count},
            {"parts": parts, "o": o},
            (q.count, 1, 1),
        )


def parts_nbytes(q: Heads, cache: Cache, schedule: Schedule) -> int:
    """Return the bytes of what attention_step leaves for attention_reduce; 0 without splits."""
    splits = schedule.splits_of(cache.slots)
    return q.count * splits * (q.dim + 4) * 4 if splits > 1 else 0
