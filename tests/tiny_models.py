"""Tiny models of every architecture with random weights: as a directory, and as a GGUF file."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from random_blocks import spread_rows
from tiny_gguf import Tensor, Typed, write_gguf
from wgslm.gguf import Directory, TensorInfo
from wgslm.quants import QUANTS, Quant

ARCHITECTURES = ("llama", "llama-bias", "qwen2", "qwen3", "gpt2")
F32 = QUANTS[0]
DIM, HIDDEN, VOCAB, CONTEXT, LAYERS = 256, 512, 320, 300, 2
HEADS, KV_HEADS = 4, 2
HEAD_DIM = DIM // HEADS
BYTES = 256  # byte tokens, after <unk>, <s>, </s>

Facts = dict[str, tuple[tuple[int, ...], Quant]]


def shapes(
    name: str,
    quant: Quant,
    head: Quant | None = None,
    vocab: int = VOCAB,
    formats: Mapping[str, Quant] | None = None,
) -> Facts:
    """Return each tensor's GGUF shape and format; norms and biases are F32.

    Without `head` the embedding serves as output too; `formats` names the block's tensors that
    have another format.
    """
    facts: Facts = {"token_embd.weight": ((DIM, vocab), quant)}
    facts |= _vectors("output_norm", DIM, bias=name == "gpt2")
    if head:
        facts["output.weight"] = ((DIM, vocab), head)
    if name == "gpt2":
        facts["position_embd.weight"] = ((DIM, CONTEXT), quant)
    for layer in range(LAYERS):
        block = _gpt2_block(quant) if name == "gpt2" else _llama_block(name, quant)
        for key, (shape, usual) in block.items():
            of = (formats or {}).get(key.removesuffix(".weight"), usual)
            facts[f"blk.{layer}.{key}"] = (shape, of)
    return facts


def directory(
    name: str,
    quant: Quant,
    head: Quant | None = None,
    formats: Mapping[str, Quant] | None = None,
) -> Directory:
    """Return a directory whose tensors lie nowhere."""
    tensors = {}
    start = 0
    for tensor, (shape, of) in shapes(name, quant, head, formats=formats).items():
        nbytes = int(np.prod(shape)) // of.block * of.nbytes
        tensors[tensor] = TensorInfo(tensor, shape, of, 0, start, nbytes)
        start += -(-nbytes // 32) * 32
    values: dict[str, Any] = dict(metadata(name))
    values |= {key: value.value for key, value in values.items() if isinstance(value, Typed)}
    return Directory(values, tensors, 3, 32)


def write_tiny(
    path: Path,
    name: str,
    quant: Quant,
    head: Quant | None = None,
    vocab: int = VOCAB,
    change: Mapping[str, Any] | None = None,
    formats: Mapping[str, Quant] | None = None,
) -> Path:
    """Write a model with random weights that keep activations near 1; `change` is metadata."""
    tensors = {}
    for tensor, (shape, of) in shapes(name, quant, head, vocab, formats).items():
        rows = int(np.prod(shape[1:]))
        spread = 0.1 if len(shape) == 1 else shape[0] ** -0.5
        data = spread_rows(of, rows, shape[0], spread, seed=zlib.crc32(tensor.encode()))
        if tensor.endswith("norm.weight"):
            data = (np.frombuffer(data, "<f4") + np.float32(1)).tobytes()
        tensors[tensor] = Tensor(shape, data, of.ggml_type)
    return write_gguf(path, {**metadata(name, vocab), **(change or {})}, tensors)


def metadata(name: str, vocab: int = VOCAB) -> Mapping[str, Any]:
    """Return a model's metadata, with a small SentencePiece vocabulary."""
    arch = name.removesuffix("-bias")
    named = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(BYTES))]
    words = [f"\u2581w{i}" for i in range(vocab - len(named))]
    norm = "layer_norm_epsilon" if arch == "gpt2" else "layer_norm_rms_epsilon"
    return {
        "general.architecture": arch,
        f"{arch}.context_length": CONTEXT,
        f"{arch}.embedding_length": DIM,
        f"{arch}.block_count": LAYERS,
        f"{arch}.feed_forward_length": HIDDEN,
        f"{arch}.attention.head_count": HEADS,
        f"{arch}.attention.head_count_kv": HEADS if arch == "gpt2" else KV_HEADS,
        f"{arch}.attention.{norm}": Typed("f32", 1e-5),
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [*named, *words],
        "tokenizer.ggml.scores": Typed("f32", [-float(i) for i in range(vocab)]),
        "tokenizer.ggml.token_type": Typed("i32", [2, 3, 3, *([6] * BYTES), *([1] * len(words))]),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }


def _llama_block(name: str, quant: Quant) -> Facts:
    kv_dim = KV_HEADS * HEAD_DIM
    products = {"attn_q": (DIM, DIM), "attn_k": (DIM, kv_dim), "attn_v": (DIM, kv_dim)}
    products |= {"attn_output": (DIM, DIM), "ffn_gate": (DIM, HIDDEN)}
    products |= {"ffn_up": (DIM, HIDDEN), "ffn_down": (HIDDEN, DIM)}
    facts: Facts = {f"{key}.weight": (shape, quant) for key, shape in products.items()}
    biased = {"qwen2": ("attn_q", "attn_k", "attn_v"), "llama-bias": tuple(products)}
    for key in biased.get(name, ()):
        facts[f"{key}.bias"] = (products[key][1:], F32)
    facts |= _vectors("attn_norm", DIM) | _vectors("ffn_norm", DIM)
    if name == "qwen3":
        facts |= _vectors("attn_q_norm", HEAD_DIM) | _vectors("attn_k_norm", HEAD_DIM)
    return facts


def _gpt2_block(quant: Quant) -> Facts:
    products = {"attn_qkv": (DIM, 3 * DIM), "attn_output": (DIM, DIM)}
    products |= {"ffn_up": (DIM, HIDDEN), "ffn_down": (HIDDEN, DIM)}
    facts: Facts = {f"{key}.weight": (shape, quant) for key, shape in products.items()}
    facts |= {f"{key}.bias": (shape[1:], F32) for key, shape in products.items()}
    return facts | _vectors("attn_norm", DIM, bias=True) | _vectors("ffn_norm", DIM, bias=True)


def _vectors(name: str, dim: int, *, bias: bool = False) -> Facts:
    facts: Facts = {f"{name}.weight": ((dim,), F32)}
    return facts | ({f"{name}.bias": ((dim,), F32)} if bias else {})
