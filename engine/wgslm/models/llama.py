"""Llama: the plain block, with adjacent rotary pairs and optional biases."""

from wgslm.errors import GgufError
from wgslm.gguf import Directory
from wgslm.models.config import Config, read_config
from wgslm.plan import Slot
from wgslm.plan.record import Recorder
from wgslm.plan.tensors import Tensors, Weight


def configure(d: Directory, divisors: tuple[float, ...] | None) -> Config:
    """Read the config; llama.cpp too refuses partial rotation here."""
    c = read_config(d, "rms", neox=False, divisors=divisors)
    if c.rope and 2 * c.rope.pairs != c.head_dim:
        raise GgufError(
            f"llama.rope.dimension_count is {2 * c.rope.pairs}; it must be the head size "
            f"{c.head_dim}"
        )
    return c


def forward(p: Recorder, c: Config, w: Tensors) -> Slot:
    """Record one step. Shapes: T tokens, H query heads, K key heads, D head size."""
    x = p.embed(w["token_embd"])  # [T, dim]
    for layer in w.blocks(c.layers):
        q, k, v = p.norm_linear(
            x, layer.gain("attn_norm"), layer["attn_q", "attn_k", "attn_v"]
        )  # [T, H*D], [T, K*D] x 2
        o = p.attention(layer.index, q, k, v, **c.attention, rope=c.rope)  # [T, H*D]
        x = p.linear(o, layer["attn_output"], residual=x)  # [T, dim]
        x = p.gated_mlp(
            x, layer.gain("ffn_norm"), layer["ffn_gate", "ffn_up"], layer["ffn_down"], act="silu"
        )  # [T, dim]
    return p.head(x, w.gain("output_norm"), output(w))  # [vocab]


def output(w: Tensors) -> Weight:
    """Return the head's matrix; files without one share the embedding's."""
    return w["output"] if w.has("output") else w["token_embd"]
