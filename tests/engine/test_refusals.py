"""Files that contradict themselves are refused in a sentence, before they cost anything."""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tiny_gguf import Tensor, Typed, write_gguf
from tiny_models import Facts, metadata, shapes
from wgslm.errors import SourceError, WgslmError
from wgslm.gpu import DEFAULT_LIMITS
from wgslm.header import open_header
from wgslm.kernels.schedule import SOFTWARE
from wgslm.quants import QUANTS
from wgslm.sources import open_source

F32 = QUANTS[0]


def zeros(facts: Facts) -> dict[str, Tensor]:
    return {
        name: Tensor(shape, bytes(4 * int(np.prod(shape))), 0) for name, (shape, _) in facts.items()
    }


def refusal(path: Path) -> str:
    """Open and plan a file; return why that is refused."""

    async def run() -> None:
        header = await open_header(path)
        try:
            header.plans(DEFAULT_LIMITS, SOFTWARE, 128, "f16")
        finally:
            await header.close()

    with pytest.raises(WgslmError) as caught:
        asyncio.run(run())
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("llama.block_count", 1, "9 tensors have no place"),
        ("llama.attention.head_count_kv", 4, "key projection"),
        ("llama.attention.head_count", 8, "query projection"),
        ("llama.embedding_length", 128, "embedding_length is 128"),
        ("llama.embedding_length", 1 << 28, "at most"),
        ("llama.attention.key_length", 1 << 28, "at most"),
        ("llama.rope.scaling.factor", Typed("f64", 5e-324), "factor"),
        ("llama.rope.scaling.yarn_beta_fast", Typed("f64", 1e308), "yarn_beta_fast"),
        ("llama.rope.scaling.yarn_ext_factor", Typed("f64", 1e308), "yarn_ext_factor"),
    ],
)
def test_metadata_that_does_not_fit_the_tensors_is_refused_at_once(
    tmp_path: Path, key: str, value: Any, reason: str
) -> None:
    changed = {**metadata("llama"), "llama.attention.key_length": 64, key: value}
    path = write_gguf(tmp_path / "wrong.gguf", changed, zeros(shapes("llama", F32)))
    begun = time.process_time()

    assert reason in refusal(path)
    assert time.process_time() - begun < 1


def test_a_tensor_that_the_architecture_does_not_know_is_refused(tmp_path: Path) -> None:
    tensors = zeros(shapes("llama", F32)) | {"blk.0.attn_q_norm.weight": Tensor((64,), bytes(256))}
    path = write_gguf(tmp_path / "more.gguf", metadata("llama"), tensors)

    assert "'blk.0.attn_q_norm.weight'" in refusal(path)


def test_a_fused_projection_of_the_wrong_height_is_refused(tmp_path: Path) -> None:
    facts = shapes("gpt2", F32)
    facts |= {"blk.0.attn_qkv.weight": ((256, 256), F32), "blk.0.attn_qkv.bias": ((256,), F32)}
    path = write_gguf(tmp_path / "qkv.gguf", metadata("gpt2"), zeros(facts))

    assert "has 256 rows" in refusal(path)


def test_a_huge_rope_tensor_is_refused_unread(tmp_path: Path) -> None:
    tensors = zeros(shapes("llama", F32)) | {
        "rope_freqs.weight": Tensor((1 << 20,), bytes(4 << 20))
    }
    path = write_gguf(tmp_path / "rope.gguf", metadata("llama"), tensors)

    assert "at most 128" in refusal(path)


@pytest.mark.parametrize("url", ["http://[bad", "http://127.0.0.1:99999/x.gguf"])
def test_a_malformed_address_is_refused(url: str) -> None:
    with pytest.raises(SourceError, match="is no address"):
        asyncio.run(open_source(url))
