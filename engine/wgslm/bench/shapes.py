"""The sizes of well-known models: what their GGUF files say and which tensors they hold."""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wgslm.errors import RequestError
from wgslm.gguf.write import Item

END = "<|end|>"  # the one control token of the made-up vocabulary
NORMAL, CONTROL = 1, 3  # of tokenizer.ggml.token_type
Dimensions = tuple[int, ...]


@dataclass(frozen=True)
class Llama3Rope:
    """How Llama 3.1 and later stretch their rotary angles: the numbers of their config.json."""

    factor: float
    original_context: int = 8192
    low: float = 1.0
    high: float = 4.0


@dataclass(frozen=True)
class Shape:
    """A model without its weights."""

    name: str
    architecture: Literal["llama", "qwen3"]
    dim: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    vocab: int
    context_length: int
    rope_base: float
    eps: float
    is_tied: bool  # the head is the embedding's matrix
    pre: str  # how the tokenizer cuts text into words
    rope: Llama3Rope | None = None

    def tensors(self) -> Iterator[tuple[str, Dimensions]]:
        """Yield every tensor's name and shape, the length of a row first."""
        yield "token_embd.weight", (self.dim, self.vocab)
        if not self.is_tied:
            yield "output.weight", (self.dim, self.vocab)
        yield "output_norm.weight", (self.dim,)
        if self.rope:
            yield "rope_freqs.weight", (self.head_dim // 2,)
        for layer in range(self.layers):
            for name, dimensions in self._block().items():
                yield f"blk.{layer}.{name}.weight", dimensions

    def metadata(self) -> dict[str, Item]:
        """Return what the file says, with a made-up byte-level vocabulary of the right size."""
        arch = self.architecture
        return {
            "general.architecture": arch,
            "general.name": f"{self.name} with random weights",
            f"{arch}.context_length": self.context_length,
            f"{arch}.embedding_length": self.dim,
            f"{arch}.block_count": self.layers,
            f"{arch}.feed_forward_length": self.hidden,
            f"{arch}.attention.head_count": self.heads,
            f"{arch}.attention.head_count_kv": self.kv_heads,
            f"{arch}.attention.key_length": self.head_dim,
            f"{arch}.attention.value_length": self.head_dim,
            f"{arch}.attention.layer_norm_rms_epsilon": self.eps,
            f"{arch}.rope.dimension_count": self.head_dim,
            f"{arch}.rope.freq_base": self.rope_base,
            f"{arch}.vocab_size": self.vocab,
            **self._vocabulary(),
        }

    def rope_divisors(self) -> "array[float]":
        """Return the values of `rope_freqs`: what each pair's frequency is divided by."""
        assert self.rope is not None, "only shapes with a rope have the tensor"
        r, pairs = self.rope, self.head_dim // 2
        divisors = array("f")
        for i in range(pairs):
            turns = r.original_context / (2 * math.pi * self.rope_base ** (i / pairs))
            smooth = min(1.0, max(0.0, (turns - r.low) / (r.high - r.low)))
            divisors.append(1 / ((1 - smooth) / r.factor + smooth))
        return divisors

    def _block(self) -> dict[str, Dimensions]:
        q, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        norms = {"attn_q_norm": (self.head_dim,), "attn_k_norm": (self.head_dim,)}
        return {
            "attn_norm": (self.dim,),
            "attn_q": (self.dim, q),
            "attn_k": (self.dim, kv),
            "attn_v": (self.dim, kv),
            "attn_output": (q, self.dim),
            **(norms if self.architecture == "qwen3" else {}),
            "ffn_norm": (self.dim,),
            "ffn_gate": (self.dim, self.hidden),
            "ffn_up": (self.dim, self.hidden),
            "ffn_down": (self.hidden, self.dim),
        }

    def _vocabulary(self) -> dict[str, Item]:
        letters = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0xAD))]
        letters += [chr(code) for code in (*range(0xAE, 0x100), *range(0x100, 0x144))]
        words = [f"\u0120w{i}" for i in range(self.vocab - len(letters) - 1)]
        kinds = array("i", [NORMAL]) * (self.vocab - 1) + array("i", [CONTROL])
        return {
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": self.pre,
            "tokenizer.ggml.tokens": [*letters, *words, END],
            "tokenizer.ggml.token_type": kinds,
            "tokenizer.ggml.merges": [],
            "tokenizer.ggml.bos_token_id": self.vocab - 1,
            "tokenizer.ggml.eos_token_id": self.vocab - 1,
        }


# From the models' config.json.
SHAPES = (
    Shape(
        "smollm2-135m", "llama", dim=576, layers=30, heads=9, kv_heads=3, head_dim=64, hidden=1536,
        vocab=49152, context_length=8192, rope_base=1e5, eps=1e-5, is_tied=True, pre="gpt-2",
    ),
    Shape(
        "qwen3-0.6b", "qwen3", dim=1024, layers=28, heads=16, kv_heads=8, head_dim=128, hidden=3072,
        vocab=151936, context_length=40960, rope_base=1e6, eps=1e-6, is_tied=True, pre="qwen2",
    ),
    Shape(
        "llama-3.2-1b", "llama", dim=2048, layers=16, heads=32, kv_heads=8, head_dim=64,
        hidden=8192, vocab=128256, context_length=131072, rope_base=5e5, eps=1e-5, is_tied=True,
        pre="llama-bpe", rope=Llama3Rope(factor=32.0),
    ),
    Shape(
        "qwen3-4b", "qwen3", dim=2560, layers=36, heads=32, kv_heads=8, head_dim=128, hidden=9728,
        vocab=151936, context_length=40960, rope_base=1e6, eps=1e-6, is_tied=True, pre="qwen2",
    ),
    Shape(
        "llama-3.1-8b", "llama", dim=4096, layers=32, heads=32, kv_heads=8, head_dim=128,
        hidden=14336, vocab=128256, context_length=131072, rope_base=5e5, eps=1e-5, is_tied=False,
        pre="llama-bpe", rope=Llama3Rope(factor=8.0),
    ),
)  # fmt: skip


def shape_named(name: str) -> Shape:
    """Return a well-known shape."""
    for shape in SHAPES:
        if shape.name == name:
            return shape
    known = ", ".join(shape.name for shape in SHAPES)
    raise RequestError(f"there is no shape {name!r}; shapes: {known}", "shape")
