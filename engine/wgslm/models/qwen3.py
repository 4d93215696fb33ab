"""Qwen3: Llama with a norm on every query and key head, and rotary pairs half a head apart."""

from wgslm.gguf import Directory
from wgslm.models.config import Config, read_config
from wgslm.models.llama import output
from wgslm.plan import Slot
from wgslm.plan.record import Recorder
from wgslm.plan.tensors import Tensors


def configure(d: Directory, divisors: tuple[float, ...] | None) -> Config:
    """Read the config."""
    return read_config(d, "rms", neox=True, divisors=divisors)


def forward(p: Recorder, c: Config, w: Tensors) -> Slot:
    """Record one step. Shapes: T tokens, H query heads, K key heads, D head size."""
    x = p.embed(w["token_embd"])  # [T, dim]
    for layer in w.blocks(c.layers):
        q, k, v = p.norm_linear(
            x, layer.gain("attn_norm"), layer["attn_q", "attn_k", "attn_v"]
        )  # [T, H*D], [T, K*D] x 2
        o = p.attention(
            layer.index,
            q,
            k,
            v,
            **c.attention,
            rope=c.rope,
            q_norm=layer.gain("attn_q_norm"),
            k_norm=layer.gain("attn_k_norm"),
        )  # [T, H*D]
        x = p.linear(o, layer["attn_output"], residual=x)  # [T, dim]
        x = p.gated_mlp(
            x, layer.gain("ffn_norm"), layer["ffn_gate", "ffn_up"], layer["ffn_down"], act="silu"
        )  # [T, dim]
    return p.head(x, w.gain("output_norm"), output(w))  # [vocab]
