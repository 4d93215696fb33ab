"""A shape of a model so small that loading and running it takes no time."""

from dataclasses import replace

from wgslm.bench.shapes import Llama3Rope, Shape

TINY = Shape(
    "tiny", "llama", dim=256, layers=2, heads=4, kv_heads=2, head_dim=64, hidden=512, vocab=512,
    context_length=512, rope_base=1e4, eps=1e-5, is_tied=True, pre="llama-bpe",
    rope=Llama3Rope(factor=8.0),
)  # fmt: skip
TINY_QWEN3 = replace(TINY, name="tiny-qwen3", architecture="qwen3", is_tied=False, rope=None)
DEEP = replace(TINY_QWEN3, name="deep", layers=28, dim=64, hidden=64, head_dim=16)
