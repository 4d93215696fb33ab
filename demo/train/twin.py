"""A Llama in NumPy, read from a GGUF file: the judge of the exporter.

It shares no code with the PyTorch model, so a wrong pairing, a transposed matrix or a lost key
shows up as different logits.
"""

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class NumpyLlama:
    """One file's weights as float64, and the forward pass, one layer after the other."""

    def __init__(self, path: Path) -> None:
        """Read and dequantise a GGUF file."""
        reader = gguf.GGUFReader(path)
        self.weights: dict[str, Floats] = {
            str(tensor.name): np.asarray(
                gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float64
            )
            for tensor in reader.tensors
        }
        self.fields = {name: field.contents() for name, field in reader.fields.items()}
        self.heads = int(self.fields["llama.attention.head_count"])
        self.kv_heads = int(self.fields["llama.attention.head_count_kv"])
        self.epsilon = float(self.fields["llama.attention.layer_norm_rms_epsilon"])
        self.rope_base = float(self.fields["llama.rope.freq_base"])
        self.layers = int(self.fields["llama.block_count"])

    def logits(self, ids: Sequence[int]) -> Floats:
        """Return the logits of every position, [T, vocab]."""
        w = self.weights
        x = w["token_embd.weight"][list(ids)]
        for layer in range(self.layers):
            block = f"blk.{layer}."
            x = x + self._attention(block, self._norm(x, w[block + "attn_norm.weight"]))
            h = self._norm(x, w[block + "ffn_norm.weight"])
            gate = h @ w[block + "ffn_gate.weight"].T
            up = h @ w[block + "ffn_up.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * up) @ w[block + "ffn_down.weight"].T
        head = w.get("output.weight", w["token_embd.weight"])
        result: Floats = self._norm(x, w["output_norm.weight"]) @ head.T
        return result

    def _attention(self, block: str, h: Floats) -> Floats:
        w, length = self.weights, len(h)
        q = self._rope((h @ w[block + "attn_q.weight"].T).reshape(length, self.heads, -1))
        k = self._rope((h @ w[block + "attn_k.weight"].T).reshape(length, self.kv_heads, -1))
        v = (h @ w[block + "attn_v.weight"].T).reshape(length, self.kv_heads, -1)
        seen = np.tril(np.ones((length, length), bool))
        outputs = []
        for head in range(self.heads):
            shared = head * self.kv_heads // self.heads
            scores = q[:, head] @ k[:, shared].T / np.sqrt(q.shape[-1])
            scores = np.where(seen, scores, -np.inf)
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            outputs.append(weights / weights.sum(-1, keepdims=True) @ v[:, shared])
        result: Floats = np.concatenate(outputs, -1) @ w[block + "attn_output.weight"].T
        return result

    def _rope(self, x: Floats) -> Floats:
        length, _, size = x.shape
        angle = np.outer(np.arange(length), self.rope_base ** (-np.arange(0, size, 2) / size))
        turn = np.exp(1j * angle)[:, None, :]  # the pair (2i, 2i + 1) as a complex number
        turned = (x[..., 0::2] + 1j * x[..., 1::2]) * turn
        return np.stack((turned.real, turned.imag), -1).reshape(x.shape)

    def _norm(self, x: Floats, gain: Floats) -> Floats:
        result: Floats = x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * gain
        return result
