"""Split models: the parts' headers make one directory, or do not belong together."""

from pathlib import Path

import numpy as np
import pytest

import tiny_gguf
from memory_source import read, read_path
from tiny_gguf import gguf_bytes
from wgslm.errors import GgufError


def refusal(*files: bytes) -> str:
    with pytest.raises(GgufError) as caught:
        read(*files)
    return str(caught.value)


WEIGHTS = {f"w{number}": np.full((2, 8), number, np.float32) for number in range(5)}


def split(tmp_path: Path) -> list[bytes]:
    tiny_gguf.write_split(tmp_path, "m", {"general.architecture": "llama"}, WEIGHTS, 3)
    return [(tmp_path / f"m-0000{part}-of-00003.gguf").read_bytes() for part in (1, 2, 3)]


def test_a_split_model_is_one_directory(tmp_path: Path) -> None:
    parts = split(tmp_path)

    directory = read_path(tmp_path / "m-00002-of-00003.gguf")

    assert directory.string("general.architecture") == "llama"
    assert directory.tensors.keys() == WEIGHTS.keys()
    for name, weight in WEIGHTS.items():
        info = directory.tensors[name]
        assert parts[info.part][info.start : info.start + info.nbytes] == weight.tobytes()


def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    first, second, third = split(tmp_path)

    assert "split.count 3" in refusal(first)
    assert "split.count 3" in refusal(first, second)
    assert "split.no 2" in refusal(first, third, second)
    assert "split.no 0" in refusal(first, first, third)
    assert "split.count None" in refusal(first, second, gguf_bytes({}, {}))


def test_a_tensor_in_two_parts_is_refused() -> None:
    numbered = [
        {"split.no": number, "split.count": 2, "split.tensors.count": 2} for number in (0, 1)
    ]
    parts = [gguf_bytes(facts, {"a": np.zeros(4, np.float32)}) for facts in numbered]

    assert "repeats tensor 'a'" in refusal(*parts)


def test_a_wrong_total_of_tensors_is_refused() -> None:
    numbered = [
        {"split.no": number, "split.count": 2, "split.tensors.count": 9} for number in (0, 1)
    ]

    assert "split.tensors.count 9" in refusal(*map(gguf_bytes, numbered))
