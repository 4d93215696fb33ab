"""GGUF headers as bytes, for models that are made here instead of read from a file."""

import struct
from array import array
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from wgslm.quants import Quant

VERSION = 3
ALIGNMENT = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9

Item: TypeAlias = "bool | int | float | str | Sequence[str] | array[int]"
Shape: TypeAlias = tuple[int, ...]  # GGUF's order: the length of a row first


def header_bytes(
    metadata: Mapping[str, Item], tensors: Sequence[tuple[str, Shape, Quant, int]]
) -> bytes:
    """Return everything before the tensors' data, which begins where this ends.

    A tensor is (name, shape, format, offset in the data). An int becomes u32, a float f32, an
    array i32.
    """
    out = bytearray(b"GGUF" + struct.pack("<IQQ", VERSION, len(tensors), len(metadata)))
    for key, value in metadata.items():
        out += _string(key) + _value(value)
    for name, shape, quant, offset in tensors:
        out += _string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        out += struct.pack("<IQ", quant.ggml_type, offset)
    return bytes(out + bytes(-len(out) % ALIGNMENT))


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Item) -> bytes:
    match value:
        case bool():
            return struct.pack("<IB", BOOL, value)
        case int():
            return struct.pack("<II", U32, value)
        case float():
            return struct.pack("<If", F32, value)
        case str():
            return struct.pack("<I", STRING) + _string(value)
        case array():
            numbers = struct.pack(f"<{len(value)}i", *value)
            return struct.pack("<IIQ", ARRAY, I32, len(value)) + numbers
        case _:
            texts = b"".join(map(_string, value))
            return struct.pack("<IIQ", ARRAY, STRING, len(value)) + texts
