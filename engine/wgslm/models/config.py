"""The facts that decoder-only transformers share, read from GGUF metadata and checked."""

import math
from dataclasses import dataclass
from typing import Literal, TypedDict

from wgslm.errors import GgufError, UnsupportedError
from wgslm.gguf import Directory
from wgslm.plan.rope import Rope, Scaling, make_rope

# Beyond every model there is; so that a hostile number costs nothing before it is refused.
MOST_DIM = 1 << 16
MOST_HEADS = 1024
MOST_HEAD_DIM = 256  # what the attention kernels hold
MOST_CONTEXT = 1 << 24


class HeadSizes(TypedDict):
    """How queries and keys are cut into heads."""

    heads: int
    kv_heads: int
    head_dim: int


@dataclass(frozen=True)
class Config:
    """Sizes and constants of a model."""

    dim: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    context_length: int  # that the model was made for
    norm: Literal["rms", "layer"]
    eps: float
    rope: Rope | None

    @property
    def attention(self) -> HeadSizes:
        """The sizes that every layer's attention has."""
        return {"heads": self.heads, "kv_heads": self.kv_heads, "head_dim": self.head_dim}


def read_config(
    d: Directory,
    norm: Literal["rms", "layer"],
    *,
    neox: bool | None,
    divisors: tuple[float, ...] | None,
) -> Config:
    """Read the common keys of `general.architecture`. `neox` None: no rotary positions."""
    arch = d.string("general.architecture")
    dim = d.integer(f"{arch}.embedding_length", least=1, most=MOST_DIM)
    heads = d.integer(f"{arch}.attention.head_count", least=1, most=MOST_HEADS)
    kv_heads = d.integer(f"{arch}.attention.head_count_kv", heads, least=1)
    if heads % kv_heads:
        raise GgufError(
            f"{arch}.attention.head_count_kv is {kv_heads}; it must divide the {heads} heads"
        )
    head_dim = d.integer(f"{arch}.attention.key_length", dim // heads, least=1, most=MOST_HEAD_DIM)
    value_dim = d.integer(f"{arch}.attention.value_length", head_dim, least=1)
    if value_dim != head_dim:
        raise UnsupportedError(
            f"{arch}.attention.value_length is {value_dim}; it must equal the key length {head_dim}"
        )
    key = "layer_norm_rms_epsilon" if norm == "rms" else "layer_norm_epsilon"
    eps = d.number(f"{arch}.attention.{key}")
    if not 0 < eps < 1:
        raise GgufError(f"{arch}.attention.{key} is {eps}; it must lie between 0 and 1")
    context_length = d.integer(f"{arch}.context_length", least=1, most=MOST_CONTEXT)
    return Config(
        dim=dim,
        layers=d.integer(f"{arch}.block_count", least=1, most=1024),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        context_length=context_length,
        norm=norm,
        eps=eps,
        rope=None if neox is None else _rope(d, arch, head_dim, context_length, neox, divisors),
    )


def _rope(
    d: Directory,
    arch: str,
    head_dim: int,
    context_length: int,
    neox: bool,
    divisors: tuple[float, ...] | None,
) -> Rope:
    dims = d.integer(f"{arch}.rope.dimension_count", head_dim)
    if not 2 <= dims <= head_dim or dims % 2:
        raise GgufError(
            f"{arch}.rope.dimension_count is {dims}; it must be even and 2 to {head_dim}"
        )
    if divisors is not None:
        if len(divisors) != dims // 2:
            raise GgufError(f"rope_freqs has {len(divisors)} values; {dims // 2} are needed")
        if not all(math.isfinite(value) and value > 0 for value in divisors):
            raise GgufError("rope_freqs holds a value that is not a positive number")
    base = d.number(f"{arch}.rope.freq_base", 10000.0)
    if base <= 1:
        raise GgufError(f"{arch}.rope.freq_base is {base}; it must be above 1")
    return make_rope(dims, base, _scaling(d, arch, context_length), neox=neox, divisors=divisors)


def _scaling(d: Directory, arch: str, context_length: int) -> Scaling:
    """Read `rope.scaling.*` as llama.cpp does (llama_context's and ggml_rope_yarn's rules)."""
    key = f"{arch}.rope.scaling"
    kind = d.string(f"{key}.type", "linear")
    if kind not in ("none", "linear", "yarn"):
        raise UnsupportedError(f"{key}.type is {kind!r}; supported: none, linear, yarn")
    factor = d.number(f"{key}.factor", d.number(f"{arch}.rope.scale_linear", 0.0))
    if factor and not 1e-3 <= factor <= 1e6:
        raise GgufError(f"{key}.factor is {factor}; it must be 0 (none), or 0.001 to 1,000,000")
    if kind == "none" or factor == 0:
        factor = 1.0
    magnitude = d.number(f"{key}.attn_factor", d.number(f"{key}.yarn_attn_factor", 1.0))
    extrapolation = d.number(f"{key}.yarn_ext_factor", 1.0 if kind == "yarn" else 0.0)
    if not 0 <= extrapolation <= 1:
        raise GgufError(f"{key}.yarn_ext_factor is {extrapolation}; it must be 0 to 1")
    original = d.integer(f"{key}.original_context_length", context_length, least=1)
    log_multiplier = d.number(f"{key}.yarn_log_multiplier", 0.0)
    if extrapolation:
        magnitude *= _mscale(factor, 1.0)
        if log_multiplier:
            magnitude /= _mscale(factor, log_multiplier)
    return Scaling(
        factor=factor,
        extrapolation=extrapolation,
        magnitude=magnitude,
        original_context=original,
        beta_fast=_positive(d, f"{key}.yarn_beta_fast", 32.0),
        beta_slow=_positive(d, f"{key}.yarn_beta_slow", 1.0),
    )


def _mscale(factor: float, multiplier: float) -> float:
    return 1.0 if factor <= 1 else 0.1 * multiplier * math.log(factor) + 1.0


def _positive(d: Directory, key: str, default: float) -> float:
    value = d.number(key, default)
    if not 1e-3 <= value <= 1e6:
        raise GgufError(f"{key} is {value}; it must be 0.001 to 1,000,000")
    return value
