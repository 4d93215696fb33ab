"""GPT-2: learned positions, layer norms, a fused QKV projection, and a GELU block."""

from wgslm.errors import GgufError
from wgslm.gguf import Directory
from wgslm.models.config import Config, read_config
from wgslm.models.llama import output
from wgslm.plan import Slot
from wgslm.plan.record import Recorder
from wgslm.plan.tensors import Tensors


def configure(d: Directory, divisors: tuple[float, ...] | None) -> Config:
    """Read the config. GPT-2 rotates nothing."""
    return read_config(d, "layer", neox=None, divisors=None)


def forward(p: Recorder, c: Config, w: Tensors) -> Slot:
    """Record one step. Shapes: T tokens, H heads, D head size, H * D = dim."""
    positions = w["position_embd"]
    if positions.matrix.rows < c.context_length:
        raise GgufError(
            f"'position_embd.weight' has {positions.matrix.rows:,} rows; gpt2.context_length "
            f"{c.context_length:,} needs as many"
        )
    x = p.embed(w["token_embd"], positions)  # [T, dim]
    width = c.heads * c.head_dim
    for layer in w.blocks(c.layers):
        (qkv,) = p.norm_linear(x, layer.gain("attn_norm"), layer["attn_qkv",])  # [T, 3*H*D]
        if qkv.columns != 3 * width:
            raise GgufError(
                f"'blk.{layer.index}.attn_qkv.weight' has {qkv.columns} rows; Q, K and V of "
                f"{c.heads} heads of {c.head_dim} need {3 * width}"
            )
        q, k, v = (qkv.slice(i * width, width) for i in range(3))
        o = p.attention(layer.index, q, k, v, **c.attention, rope=None)  # [T, H*D]
        x = p.linear(o, layer["attn_output"], residual=x)  # [T, dim]
        x = p.mlp(
            x, layer.gain("ffn_norm"), layer["ffn_up",], layer["ffn_down"], act="gelu"
        )  # [T, dim]
    return p.head(x, w.gain("output_norm"), output(w))  # [vocab]
