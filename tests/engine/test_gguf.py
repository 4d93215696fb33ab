"""GGUF headers: what is sound is read as gguf-py reads it, all else is refused at once."""

import asyncio
import os
import struct
import time
from array import array
from pathlib import Path

import gguf
import numpy as np
import pytest

import tiny_gguf
from memory_source import MemorySource, read, read_path
from tiny_gguf import SAMPLE, Tensor, Typed, gguf_bytes, string_bytes
from wgslm.errors import GgufError, UnsupportedError
from wgslm.gguf import Value, read_directory
from wgslm.quants import BY_TYPE
from wgslm.sources import HEAD_NBYTES

DATA = os.environ.get("WGSLM_REFERENCE_DATA")
REFERENCE = sorted(Path(DATA).glob("**/*.gguf")) if DATA else []
MALFORMED = [path for path in REFERENCE if path.parent.name == "gguf-malformed"]
VOCABULARIES = [path for path in REFERENCE if path.parent.name == "vocabs"]
MODELS = [path for path in REFERENCE if path not in MALFORMED and path not in VOCABULARIES]
ACCEPTED = ("header_only_ok",)  # nothing in it, but nothing wrong either

needs_reference = pytest.mark.skipif(not DATA, reason="WGSLM_REFERENCE_DATA is not set")


def refusal(*files: bytes) -> str:
    with pytest.raises(GgufError) as caught:
        read(*files)
    return str(caught.value)


def plain(value: Value) -> object:
    return value.tolist() if isinstance(value, array) else value


# --- Files of others -------------------------------------------------------------------------


@needs_reference
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_sound_files_are_read_as_gguf_py_reads_them(path: Path) -> None:
    reader = gguf.GGUFReader(path)
    if any(tensor.tensor_type not in BY_TYPE for tensor in reader.tensors):
        with pytest.raises(UnsupportedError, match="not supported yet"):
            read_path(path)
        return

    directory = read_path(path)

    ours = {
        name: (info.shape, info.quant.ggml_type, info.start, info.nbytes)
        for name, info in directory.tensors.items()
    }
    assert ours == {
        tensor.name: (
            tuple(tensor.shape.tolist()),
            tensor.tensor_type.value,
            tensor.data_offset,
            tensor.n_bytes,
        )
        for tensor in reader.tensors
    }
    assert {key: plain(value) for key, value in directory.metadata.items()} == {
        key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")
    }


# gguf-py takes 10 s for a vocabulary.
@needs_reference
@pytest.mark.parametrize("path", VOCABULARIES, ids=lambda path: path.stem)
def test_vocabularies_are_read_to_the_byte(path: Path) -> None:
    arrays = [value for value in read_path(path).metadata.values() if isinstance(value, list)]

    data = path.read_bytes()
    assert arrays
    for texts in arrays:
        packed = struct.pack("<Q", len(texts)) + b"".join(string_bytes(str(text)) for text in texts)
        assert packed in data


@needs_reference
@pytest.mark.parametrize("path", MALFORMED, ids=lambda path: path.stem)
def test_malformed_files_are_refused_at_once(path: Path) -> None:
    started = time.perf_counter()
    if path.stem in ACCEPTED:
        assert read_path(path).tensors == {}
    else:
        with pytest.raises((GgufError, UnsupportedError)):
            read_path(path)

    assert time.perf_counter() - started < 1


# --- What is read ----------------------------------------------------------------------------


def expected(value: object) -> object:
    return value.value if isinstance(value, Typed) else value


def test_every_type_of_value_is_read() -> None:
    metadata = read(gguf_bytes(SAMPLE)).metadata

    assert {key: plain(value) for key, value in metadata.items()} == {
        key: expected(value) for key, value in SAMPLE.items()
    }
    assert isinstance(metadata["bool"], bool)


@pytest.mark.parametrize("alignment", [1, 8, 32, 4096])
def test_tensors_lie_where_the_alignment_puts_them(alignment: int) -> None:
    weight = np.arange(15, dtype=np.float32).reshape(3, 5)
    data = gguf_bytes({"general.alignment": alignment}, {"a": weight, "b": weight}, alignment)

    directory = read(data)

    info = directory.tensors["b"]
    assert data[info.start : info.start + info.nbytes] == weight.tobytes()
    assert (info.shape, info.row, info.rows) == ((5, 3), 5, 3)


def test_a_block_format_counts_its_blocks() -> None:
    directory = read(gguf_bytes({}, {"a": Tensor((64, 3), bytes(3 * 2 * 34), 8)}))

    assert directory.tensors["a"].nbytes == 3 * 2 * 34
    assert directory.tensors["a"].quant.label == "Q8_0"


def test_version_2_is_read() -> None:
    data = gguf_bytes({"a": 1})

    assert read(data[:4] + struct.pack("<I", 2) + data[8:]).version == 2


def test_little_beyond_the_header_is_read() -> None:
    data = gguf_bytes({"strings": ["abc"] * 300_000})
    source = MemorySource(data, size=1 << 40)

    asyncio.run(read_directory([source]))

    assert source.read_nbytes < len(data) + (4 << 20)


@pytest.mark.parametrize("length", [HEAD_NBYTES - 60, HEAD_NBYTES, 5 << 20])
def test_a_string_may_cross_what_was_fetched(length: int) -> None:
    text = "ü" * (length // 2)

    assert read(gguf_bytes({"a": text, "b": [text, "end"]})).metadata["b"] == [text, "end"]


def test_150_000_tokens_and_merges_are_read_quickly(tmp_path: Path) -> None:
    tokens = [f"Ġtoken{number}" for number in range(150_000)]
    path = tiny_gguf.write_gguf(
        tmp_path / "vocabulary.gguf",
        {
            "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.merges": [f"{token} x" for token in tokens],
            "tokenizer.ggml.scores": [0.5] * len(tokens),
            "tokenizer.ggml.token_type": [1] * len(tokens),
        },
    )
    started = time.perf_counter()

    directory = read_path(path)

    assert time.perf_counter() - started < 1  # 0.1 s alone on a machine, 0.4 s in a tab
    assert directory.strings("tokenizer.ggml.tokens") == tokens


# --- What is refused -------------------------------------------------------------------------


def header(tensors: int = 0, keys: int = 0, version: int = 3, magic: bytes = b"GGUF") -> bytes:
    return magic + struct.pack("<IQQ", version, tensors, keys)


def key(name: str, kind: int, value: bytes) -> bytes:
    return string_bytes(name) + struct.pack("<I", kind) + value


def array_of(kind: int, count: int, data: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + data


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return string_bytes(name) + dimensions + struct.pack("<IQ", kind, offset)


PAD = bytes(4096)
REFUSED = {
    "has 5 bytes": b"GGUF\3",
    "is no GGUF file: it does not begin with GGUF": b"root:x:0:0:root:/root" + PAD,
    "looks like a web page": b"\n<!doctype html><html>" + PAD,
    "pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1" + PAD,
    "version 1 of 2023": header(version=1) + PAD,
    "version 7": header(version=7) + PAD,
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0) + PAD,
    "claims 1,099,511,627,776 metadata keys": header(keys=1 << 40) + PAD,
    "claims 1,099,511,627,776 tensors": header(tensors=1 << 40) + PAD,
    "70,000 tensors; at most": header(tensors=70_000) + bytes(40 * 70_000),
    "70,000 metadata keys; at most": header(keys=70_000) + bytes(40 * 70_000),
    "empty name as metadata key": header(keys=1) + key("", 4, bytes(4)) + PAD,
    "key 'a' twice": header(keys=2) + 2 * key("a", 4, bytes(4)) + PAD,
    "unknown type 13": header(keys=1) + key("a", 13, bytes(8)) + PAD,
    "of the unknown type 77": header(keys=1) + key("a", 9, array_of(77, 1)) + PAD,
    "nested": header(keys=1) + key("a", 9, array_of(9, 1)) + PAD,
    "value 2 for the bool": header(keys=1) + key("a", 7, b"\2") + PAD,
    "value 3 for the bool": header(keys=1) + key("a", 9, array_of(7, 2, b"\1\3")) + PAD,
    "at most 65,535": header(keys=1) + key("k" * 65_536, 4, bytes(4)) + PAD,
    "at most 16,777,216": header(keys=1) + key("a", 8, struct.pack("<Q", 1 << 50)) + PAD,
    "strings in 'a'": header(keys=1) + key("a", 9, array_of(8, 1 << 50)) + PAD,
    "ends inside the array": header(keys=1) + key("a", 9, array_of(10, 1 << 50)) + PAD,
    "ends inside the value of 'a'": header(keys=1) + key("a", 8, struct.pack("<Q", 5000)) + PAD,
    "no UTF-8": header(keys=1) + key("a", 8, struct.pack("<Q", 2) + b"\xff\xfe") + PAD,
    "string 1 is no UTF-8": header(keys=1)
    + key("a", 9, array_of(8, 2, string_bytes("é") + struct.pack("<Q", 1) + b"\xff"))
    + PAD,
    "general.alignment of type 10": gguf_bytes({"general.alignment": Typed("u64", 32)}),
    "alignment 0": gguf_bytes({"general.alignment": 0}),
    "alignment 48": gguf_bytes({"general.alignment": 48}),
    "alignment 131,072": gguf_bytes({"general.alignment": 1 << 17}),
    "empty name for tensor 0": header(1) + tensor("", (4,)) + PAD,
    "name of tensor 0 of 64 bytes": header(1) + tensor("t" * 64, (4,)) + PAD,
    "tensor 't' twice": header(2) + tensor("t", (4,)) + tensor("t", (4,), 0, 32) + PAD,
    "0 dimensions": header(1) + tensor("t", ()) + PAD,
    "5 dimensions": header(1) + tensor("t", (1, 1, 1, 1, 1)) + PAD,
    "shape (4, 0)": header(1) + tensor("t", (4, 0)) + PAD,
    "shape (18446744073709551615": header(1) + tensor("t", ((1 << 64) - 1,)) + PAD,
    "retired": header(1) + tensor("t", (32,), 4) + PAD,
    "unknown type id 1000": header(1) + tensor("t", (32,), 1000) + PAD,
    "multiple of 32": header(1) + tensor("t", (33,), 8) + PAD,
    "must be a multiple of 32": header(1) + tensor("t", (4,), 0, 33) + PAD,
    "overlapping": header(2) + tensor("a", (32,)) + tensor("b", (32,), 0, 96) + PAD,
    "truncated": header(1) + tensor("t", (4096, 1024)) + PAD,
    "lies at bytes 96 to 73,786,976,294,838,206,560": header(1)
    + tensor("t", (1 << 32, 1 << 32))
    + PAD,
}


@pytest.mark.parametrize("reason", REFUSED)
def test_damage_is_refused_by_name(reason: str) -> None:
    assert reason in refusal(REFUSED[reason])


def test_a_foreign_file_is_refused_without_a_byte_of_it() -> None:
    assert refusal(b"root:x:0:0:root:/root" + PAD).endswith("it does not begin with GGUF")


def test_a_known_but_unsupported_type_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="is I32, which is not supported yet"):
        read(header(1) + tensor("t", (256,), 26) + PAD)


def test_every_truncation_is_refused() -> None:
    weight = np.zeros((4, 32), np.float32)
    whole = gguf_bytes({"general.architecture": "llama", "s": ["a", "b"]}, {"a": weight})

    for length in range(len(whole)):
        refusal(whole[:length])


@pytest.mark.parametrize(
    "tail",
    [array_of(8, 16 << 20), array_of(7, 128 << 20), array_of(0, 200 << 20)],
    ids=["strings", "bools", "bytes"],
)
def test_a_huge_but_empty_array_costs_little(tail: bytes) -> None:
    source = MemorySource(header(keys=1) + key("a", 9, tail), size=1 << 40)
    started = time.perf_counter()

    with pytest.raises(GgufError):
        asyncio.run(read_directory([source]))

    assert time.perf_counter() - started < 1
    assert source.read_nbytes <= HEAD_NBYTES
