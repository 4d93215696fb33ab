"""A writer of small GGUF files for tests: byte for byte what is asked, also when that is wrong."""

import struct
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

KINDS = {
    "u8": (0, "B"),
    "i8": (1, "b"),
    "u16": (2, "H"),
    "i16": (3, "h"),
    "u32": (4, "I"),
    "i32": (5, "i"),
    "f32": (6, "f"),
    "u64": (10, "Q"),
    "i64": (11, "q"),
    "f64": (12, "d"),
}
BOOL, STRING, ARRAY = 7, 8, 9
FLOAT_TYPES = {"float32": 0, "float16": 1}


@dataclass(frozen=True)
class Typed:
    """A metadata number of a chosen kind ("u64"), or an array of it when the value is a list."""

    kind: str
    value: float | list[int] | list[float]


@dataclass(frozen=True)
class Tensor:
    """A tensor as the file stores it; `shape` in GGUF's order, the length of a row first."""

    shape: tuple[int, ...]
    data: bytes
    ggml_type: int = 0


Metadata = Mapping[str, Any]
Tensors = Mapping[str, Tensor | npt.NDArray[Any]]


def write_gguf(
    path: str | Path, metadata: Metadata, tensors: Tensors | None = None, alignment: int = 32
) -> Path:
    """Write a GGUF file; arrays of float32 or float16 may stand for tensors."""
    Path(path).write_bytes(gguf_bytes(metadata, tensors, alignment))
    return Path(path)


def write_split(folder: Path, stem: str, metadata: Metadata, tensors: Tensors, count: int) -> Path:
    """Write a model in `count` parts and return the first one's path."""
    names = list(tensors)
    paths = [folder / f"{stem}-{part + 1:05}-of-{count:05}.gguf" for part in range(count)]
    for part, path in enumerate(paths):
        split = {
            "split.no": Typed("u16", part),
            "split.count": Typed("u16", count),
            "split.tensors.count": Typed("i32", len(names)),
        }
        own = {name: tensors[name] for name in names[part::count]}
        write_gguf(path, {**metadata, **split} if part == 0 else split, own)
    return paths[0]


def gguf_bytes(metadata: Metadata, tensors: Tensors | None = None, alignment: int = 32) -> bytes:
    """Return a GGUF file; metadata values choose their type as `value_bytes` says."""
    stored = {name: as_tensor(tensor) for name, tensor in (tensors or {}).items()}
    header = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(stored), len(metadata)))
    for key, value in metadata.items():
        header += string_bytes(key) + value_bytes(value)
    data = bytearray()
    for name, tensor in stored.items():
        header += string_bytes(name) + struct.pack("<I", len(tensor.shape))
        header += struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape)
        header += struct.pack("<IQ", tensor.ggml_type, len(data))
        data += tensor.data + bytes(-len(tensor.data) % alignment)
    return bytes(header + bytes(-len(header) % alignment) + data)


def as_tensor(tensor: Tensor | npt.NDArray[Any]) -> Tensor:
    """Return an array as the tensor it becomes: dimensions reversed."""
    if isinstance(tensor, Tensor):
        return tensor
    return Tensor(
        tuple(reversed(tensor.shape)),
        np.ascontiguousarray(tensor).tobytes(),
        FLOAT_TYPES[tensor.dtype.name],
    )


def string_bytes(text: str) -> bytes:
    """Return a GGUF string."""
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value_bytes(value: Any) -> bytes:
    """Return type and value: int as u32 (i32 if negative), float as f32; lists by first element."""
    if isinstance(value, Typed):
        number, code = KINDS[value.kind]
        if isinstance(value.value, list):
            return _array_bytes(number, len(value.value), array(code, value.value).tobytes())
        return struct.pack("<I" + code, number, value.value)
    if isinstance(value, bool):
        return struct.pack("<IB", BOOL, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + string_bytes(value)
    if isinstance(value, int):
        return value_bytes(Typed("u32" if value >= 0 else "i32", value))
    if isinstance(value, float):
        return value_bytes(Typed("f32", value))
    return _list_bytes(list(value))


def _list_bytes(values: list[Any]) -> bytes:
    if all(isinstance(value, str) for value in values):
        return _array_bytes(STRING, len(values), b"".join(map(string_bytes, values)))
    if isinstance(values[0], bool):
        return _array_bytes(BOOL, len(values), bytes(values))
    return value_bytes(Typed("f32" if isinstance(values[0], float) else "i32", values))


def _array_bytes(kind: int, count: int, data: bytes) -> bytes:
    return struct.pack("<IIQ", ARRAY, kind, count) + data


# Metadata with a value of every type.
SAMPLE: dict[str, Any] = {
    "general.architecture": "llama",
    "string": "zwölf 🐈",
    "empty": "",
    "bool": True,
    "float": 0.5,
    "double": Typed("f64", 0.1),
    "negative": -7,
    **{kind: Typed(kind, 100) for kind in ("u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64")},
    "strings": ["a", "", "é", "x" * 70_000],
    "bools": [True, False, True],
    "none": [],
    "bytes": Typed("u8", [1, 2, 255]),
    "longs": Typed("i64", [-(1 << 63), 5]),
    "floats": [1.5, -2.0],
}
