"""Write a llama of a real model's shape with random Q8_0 weights: for speed and memory tests."""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tiny_gguf import Tensor, Typed, write_gguf

Q8_0 = 8
BLOCK = np.dtype([("d", "<f2"), ("q", "i1", 32)])
BYTES = 256  # byte tokens, after <unk>, <s>, </s>
TINY = {
    "dim": 64, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 128, "vocab": 512, "context": 512,
}  # fmt: skip


def smollm2_135m() -> dict[str, int]:
    """The shape of SmolLM2-135M, whose head is its embedding."""
    return {
        "dim": 576,
        "layers": 30,
        "heads": 9,
        "kv_heads": 3,
        "hidden": 1536,
        "vocab": 49152,
        "context": 8192,
    }


def q8_0(rng: np.random.Generator, rows: int, row: int) -> Tensor:
    """Return a matrix of random blocks whose values have a spread of about 1 / sqrt(row)."""
    blocks = np.empty(rows * row // 32, BLOCK)
    blocks["q"] = rng.integers(-127, 128, (len(blocks), 32), np.int8)
    blocks["d"] = row**-0.5 / 73
    return Tensor((row, rows), blocks.tobytes(), Q8_0)


def write_random_llama(path: Path, shape: dict[str, int], seed: int = 0) -> Path:
    """Write the file and return its path."""
    return write_gguf(path, metadata(shape), random_tensors(shape, seed))


def random_tensors(
    shape: dict[str, int], seed: int = 0
) -> dict[str, Tensor | npt.NDArray[np.float32]]:
    """Return all tensors of a llama by name; norms are 1."""
    rng = np.random.default_rng(seed)
    dim, hidden = shape["dim"], shape["hidden"]
    kv_dim = dim // shape["heads"] * shape["kv_heads"]
    ones: npt.NDArray[np.float32] = np.ones(dim, np.float32)
    tensors: dict[str, Tensor | npt.NDArray[np.float32]] = {
        "token_embd.weight": q8_0(rng, shape["vocab"], dim),
        "output_norm.weight": ones,
    }
    for layer in range(shape["layers"]):
        block = f"blk.{layer}"
        tensors |= {
            f"{block}.attn_norm.weight": ones,
            f"{block}.attn_q.weight": q8_0(rng, dim, dim),
            f"{block}.attn_k.weight": q8_0(rng, kv_dim, dim),
            f"{block}.attn_v.weight": q8_0(rng, kv_dim, dim),
            f"{block}.attn_output.weight": q8_0(rng, dim, dim),
            f"{block}.ffn_norm.weight": ones,
            f"{block}.ffn_gate.weight": q8_0(rng, hidden, dim),
            f"{block}.ffn_up.weight": q8_0(rng, hidden, dim),
            f"{block}.ffn_down.weight": q8_0(rng, dim, hidden),
        }
    return tensors


def metadata(shape: dict[str, int]) -> dict[str, object]:
    """Return a llama's metadata, with a vocabulary of bytes and made-up words."""
    named = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(BYTES))]
    words = [f"\u2581w{i}" for i in range(shape["vocab"] - len(named))]
    kinds = [2, 3, 3, *([6] * BYTES), *([1] * len(words))]
    return {
        "general.architecture": "llama",
        "general.name": "random",
        "llama.context_length": shape["context"],
        "llama.embedding_length": shape["dim"],
        "llama.block_count": shape["layers"],
        "llama.feed_forward_length": shape["hidden"],
        "llama.attention.head_count": shape["heads"],
        "llama.attention.head_count_kv": shape["kv_heads"],
        "llama.attention.layer_norm_rms_epsilon": Typed("f32", 1e-5),
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [*named, *words],
        "tokenizer.ggml.scores": Typed("f32", [-float(i) for i in range(shape["vocab"])]),
        "tokenizer.ggml.token_type": Typed("i32", kinds),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }


if __name__ == "__main__":
    print(write_random_llama(Path(sys.argv[1]), smollm2_135m()))
