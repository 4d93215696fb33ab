"""A Llama in PyTorch, parameters named as in GGUF; speaks ids, not text.

Functions over a dict of tensors instead of modules, so that what is trained is, name by name, what
the exporter writes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional

Parameters = dict[str, torch.Tensor]
# Keys and values of the positions so far, each [B, K, T, D], by block; `forward` appends to it.
Cache = dict[str, tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class Config:
    """The shape of a model; the output head is the embedding (tied)."""

    vocab: int
    dim: int = 384
    layers: int = 4
    heads: int = 6
    kv_heads: int = 2
    ff: int = 640
    context: int = 1024
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head_dim(self) -> int:
        """The size of one head."""
        return self.dim // self.heads

    def matrices(self) -> dict[str, tuple[int, int]]:
        """Return the shape [out, in] of every weight matrix of the layers."""
        dim, kv_dim, ff = self.dim, self.kv_heads * self.head_dim, self.ff
        shapes = {
            "attn_q": (dim, dim),
            "attn_k": (kv_dim, dim),
            "attn_v": (kv_dim, dim),
            "attn_output": (dim, dim),
            "ffn_gate": (ff, dim),
            "ffn_up": (ff, dim),
            "ffn_down": (dim, ff),
        }
        return {
            f"blk.{layer}.{name}.weight": shape
            for layer in range(self.layers)
            for name, shape in shapes.items()
        }

    def gains(self) -> list[str]:
        """Return the names of the norms' gains, each of shape [dim]."""
        of_layers = [
            f"blk.{layer}.{name}.weight"
            for layer in range(self.layers)
            for name in ("attn_norm", "ffn_norm")
        ]
        return [*of_layers, "output_norm.weight"]


def initialise(config: Config, seed: int) -> Parameters:
    """Return fresh parameters; the projections into the residual stream start at zero."""
    source = torch.Generator().manual_seed(seed)
    result = {"token_embd.weight": 0.02 * torch.randn(config.vocab, config.dim, generator=source)}
    for name, shape in config.matrices().items():
        matrix = torch.randn(shape, generator=source) * 0.7 / math.sqrt(shape[1])
        into_residual = "attn_output" in name or "ffn_down" in name
        result[name] = torch.zeros(shape) if into_residual else matrix
    result.update({name: torch.ones(config.dim) for name in config.gains()})
    return result


def rope_table(config: Config, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and sines, f32 [context, head_dim / 2]."""
    pair = torch.arange(0, config.head_dim, 2, device=device, dtype=torch.float32)
    angle = torch.outer(
        torch.arange(config.context, device=device, dtype=torch.float32),
        config.rope_base ** (-pair / config.head_dim),
    )
    return angle.cos(), angle.sin()


def forward(
    config: Config,
    w: Mapping[str, torch.Tensor],
    ids: torch.Tensor,
    table: tuple[torch.Tensor, torch.Tensor],
    dropout: float = 0.0,
    cache: Cache | None = None,
    documents: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the logits of every position, [B, T, vocab], for ids [B, T] that follow the cache.

    With `documents` [B, T], numbers of the documents that share a row, none sees another.
    """
    _, x = states(config, w, ids, table, dropout, cache, documents)
    return head(config, w, x)


def head(config: Config, w: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Return the logits [B, T, vocab] of what left the last block, [B, T, dim]."""
    return functional.linear(_norm(config, x, w["output_norm.weight"]), w["token_embd.weight"])


def states(
    config: Config,
    w: Mapping[str, torch.Tensor],
    ids: torch.Tensor,
    table: tuple[torch.Tensor, torch.Tensor],
    dropout: float = 0.0,
    cache: Cache | None = None,
    documents: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what enters the last block and what leaves it, both [B, T, dim]; as `forward`."""
    past = cache["blk.0."][0].shape[-2] if cache else 0
    here = table[0][past : past + ids.shape[1]], table[1][past : past + ids.shape[1]]
    x = functional.embedding(ids, w["token_embd.weight"])  # [B, T, dim]
    for layer in range(config.layers):
        block, before_last = f"blk.{layer}.", x
        h = _norm(config, x, w[block + "attn_norm.weight"])
        x = x + _drop(_attention(config, w, block, h, here, cache, documents), dropout)
        h = _norm(config, x, w[block + "ffn_norm.weight"])
        x = x + _drop(_feed_forward(w, block, h), dropout)
    return before_last, x


def _attention(
    config: Config,
    w: Mapping[str, torch.Tensor],
    block: str,
    h: torch.Tensor,
    table: tuple[torch.Tensor, torch.Tensor],
    cache: Cache | None,
    documents: torch.Tensor | None,
) -> torch.Tensor:
    batch, length, _ = h.shape

    def heads(name: str, count: int) -> torch.Tensor:
        flat = functional.linear(h, w[f"{block}{name}.weight"])
        return flat.view(batch, length, count, config.head_dim).transpose(1, 2)  # [B, H, T, D]

    q = _rope(heads("attn_q", config.heads), table)
    k = _rope(heads("attn_k", config.kv_heads), table)
    v = heads("attn_v", config.kv_heads)
    if cache is not None:
        k, v = remember(cache, block, k, v)
    group = config.heads // config.kv_heads
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1).to(q.dtype)
    o = _attend(q, k, v, documents)
    o = o.transpose(1, 2).reshape(batch, length, config.dim)
    return functional.linear(o, w[block + "attn_output.weight"])


def remember(
    cache: Cache, block: str, k: torch.Tensor, v: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Append keys and values to a block's cache and return all of them."""
    if block in cache:
        k, v = (torch.cat(pair, -2) for pair in zip(cache[block], (k, v), strict=True))
    cache[block] = k, v
    return k, v


def _attend(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, documents: torch.Tensor | None
) -> torch.Tensor:
    length, seen = q.shape[-2], k.shape[-2]
    visible = torch.ones((length, seen), dtype=torch.bool, device=q.device).tril(seen - length)
    if documents is not None:
        visible = visible & (documents[:, None, :, None] == documents[:, None, None, :])
    if seen == length and (q.device.type != "cpu" or length > 256):
        fused: torch.Tensor = functional.scaled_dot_product_attention(q, k, v, visible)
        return fused
    # Written out: on a CPU with bf16 dot products, short rows are 1.4 times faster than fused.
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    scores = scores.masked_fill(~visible, -1e30)
    return torch.matmul(scores.softmax(-1).to(v.dtype), v)


def _feed_forward(w: Mapping[str, torch.Tensor], block: str, h: torch.Tensor) -> torch.Tensor:
    gate = functional.linear(h, w[block + "ffn_gate.weight"])
    up = functional.linear(h, w[block + "ffn_up.weight"])
    return functional.linear(functional.silu(gate) * up, w[block + "ffn_down.weight"])


def _norm(config: Config, x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + config.epsilon)
    return x * scale * gain


def _rope(x: torch.Tensor, table: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Rotate the pairs (2i, 2i + 1), as GGUF's `llama` expects."""
    cos, sin = (part.to(x.dtype) for part in table)
    even, odd = x[..., 0::2], x[..., 1::2]
    rotated = torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1)
    return torch.flatten(rotated, -2)


def _drop(x: torch.Tensor, rate: float) -> torch.Tensor:
    return functional.dropout(x, rate) if rate else x
