"""Reading GGUF headers, versions 2 and 3 of the format that ggml's docs/gguf.md describes."""

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from wgslm.errors import GgufError
from wgslm.gguf.cursor import Cursor
from wgslm.gguf.directory import Directory, TensorInfo, Value
from wgslm.gguf.tensors import read_tensors
from wgslm.sources import ByteSource

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
MOST_ALIGNMENT = 1 << 16

# More than any model has: what keeps the time bounded.
MOST_KEYS = 1 << 16
MOST_TENSORS = 1 << 16
MOST_ITEMS = 1 << 21  # of all arrays of strings or bools

MOST_KEY_NBYTES = 65_535
SMALLEST_KEY = 8 + 1 + 4 + 1  # length, one letter, type, one byte
SMALLEST_TENSOR = 8 + 1 + 4 + 8 + 4 + 8  # length, one letter, n_dims, one dimension, type, offset

# Value types of numbers → array typecodes of the same layout.
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 10: "Q", 11: "q", 12: "d"}
U32, BOOL, STRING, ARRAY = 4, 7, 8, 9


@dataclass
class Header:
    """What one file says before its tensor data."""

    version: int
    alignment: int
    metadata: dict[str, Value]
    tensors: dict[str, TensorInfo]


async def read_directory(parts: Sequence[ByteSource]) -> Directory:
    """Read and check the headers of all files of a model; metadata comes from the first."""
    headers = [await _read_header(source, part) for part, source in enumerate(parts)]
    _check_split(parts, headers)
    tensors: dict[str, TensorInfo] = {}
    for source, header in zip(parts, headers, strict=True):
        for name, info in header.tensors.items():
            if name in tensors:
                raise GgufError(f"{source.name} repeats tensor {name!r} of another part")
            tensors[name] = info
    first = headers[0]
    return Directory(first.metadata, tensors, first.version, first.alignment)


async def _read_header(source: ByteSource, part: int) -> Header:
    cursor = Cursor(source)
    version = await _read_version(cursor)
    tensor_count = await cursor.u64("the tensor count")
    key_count = await cursor.u64("the metadata count")
    _check_count(cursor, key_count, "metadata keys", SMALLEST_KEY, MOST_KEYS)
    _check_count(cursor, tensor_count, "tensors", SMALLEST_TENSOR, MOST_TENSORS)
    metadata = await _read_metadata(cursor, key_count)
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    assert isinstance(alignment, int), "checked when the key was read"
    tensors = await read_tensors(cursor, tensor_count, alignment, part)
    return Header(version, alignment, metadata, tensors)


async def _read_version(cursor: Cursor) -> int:
    if cursor.source.size < 24:
        raise cursor.error(f"has {cursor.source.size} bytes; a GGUF file has at least 24")
    magic = await cursor.take(4, "the magic")
    if magic != MAGIC:
        # Which file it is, is the caller's; what is in it may not be: no byte of it is shown.
        hint = _hint(magic + await cursor.take(20, "the magic"))
        raise cursor.error(f"is no GGUF file: it does not begin with GGUF{hint}")
    version = await cursor.u32("the version")
    if version in VERSIONS:
        return version
    if version == 1:
        raise cursor.error("is GGUF version 1 of 2023, which is not read; convert the model again")
    if version & 0xFFFF == 0 and version:
        raise cursor.error("is a big-endian GGUF; only little-endian ones are read")
    raise cursor.error(f"is GGUF version {version}; versions 2 and 3 are read")


def _hint(head: bytes) -> str:
    if head.lstrip().startswith(b"<"):
        return "; it looks like a web page: give the address of the file itself"
    if head.startswith(b"version https://git-"):
        return "; it is a pointer of Git LFS: fetch the file itself with `git lfs pull`"
    return ""


def _check_count(cursor: Cursor, count: int, what: str, smallest: int, most: int) -> None:
    if count * smallest > cursor.remaining:
        raise cursor.error(
            f"claims {count:,} {what}, but has only {cursor.remaining:,} bytes left for them"
        )
    if count > most:
        raise cursor.error(f"has {count:,} {what}; at most {most:,} are read")


async def _read_metadata(cursor: Cursor, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    items_left = MOST_ITEMS
    for index in range(count):
        key = await cursor.text(f"metadata key {index}", MOST_KEY_NBYTES)
        if not key:
            raise cursor.error(f"has an empty name as metadata key {index}")
        if key in metadata:
            raise cursor.error(f"has metadata key {key!r} twice")
        kind = await cursor.u32(f"the type of {key!r}")
        value = await _read_value(cursor, key, kind, items_left)
        if key == "general.alignment":
            _check_alignment(cursor, kind, value)
        if isinstance(value, list):
            items_left -= len(value)
        metadata[key] = value
    return metadata


async def _read_value(cursor: Cursor, key: str, kind: int, items_left: int) -> Value:
    what = f"the value of {key!r}"
    if kind == STRING:
        return await cursor.text(what)
    if kind == ARRAY:
        return await _read_array(cursor, key, items_left)
    if kind == BOOL:
        return (await _read_bools(cursor, key, 1))[0]
    if kind not in NUMBERS:
        raise cursor.error(f"has metadata key {key!r} of the unknown type {kind}")
    return (await _read_numbers(cursor, kind, 1, what))[0]


async def _read_array(cursor: Cursor, key: str, items_left: int) -> Value:
    what = f"the array {key!r}"
    kind = await cursor.u32(f"the element type of {key!r}")
    count = await cursor.u64(f"the length of {key!r}")
    if kind == ARRAY:
        raise cursor.error(f"has arrays inside the array {key!r}; nested arrays are not read")
    if kind == STRING:
        _check_count(cursor, count, f"strings in {key!r}", 8, items_left)
        return await cursor.texts(count, what)
    if kind == BOOL:
        _check_count(cursor, count, f"bools in {key!r}", 1, items_left)
        return await _read_bools(cursor, key, count)
    if kind not in NUMBERS:
        raise cursor.error(f"has the array {key!r} of the unknown type {kind}")
    return await _read_numbers(cursor, kind, count, what)


async def _read_numbers(
    cursor: Cursor, kind: int, count: int, what: str
) -> "array[int] | array[float]":
    numbers = array(NUMBERS[kind])
    numbers.frombytes(await cursor.take(count * numbers.itemsize, what))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


async def _read_bools(cursor: Cursor, key: str, count: int) -> list[bool]:
    data = await cursor.take(count, f"the value of {key!r}")
    wrong = data.translate(None, b"\0\1")
    if wrong:
        raise cursor.error(f"has the value {wrong[0]} for the bool {key!r}; it must be 0 or 1")
    return [byte == 1 for byte in data]


def _check_alignment(cursor: Cursor, kind: int, value: Value) -> None:
    if kind != U32 or not isinstance(value, int):
        raise cursor.error(f"has general.alignment of type {kind}; it must be a u32 (type {U32})")
    if value.bit_count() != 1 or value > MOST_ALIGNMENT:
        raise cursor.error(
            f"has general.alignment {value:,}; it must be a power of two up to {MOST_ALIGNMENT:,}"
        )


def _check_split(parts: Sequence[ByteSource], headers: Sequence[Header]) -> None:
    """Check that the files are all parts of one model, in order."""
    facts = [
        tuple(header.metadata.get(f"split.{key}") for key in ("no", "count", "tensors.count"))
        for header in headers
    ]
    if len(parts) == 1 and facts[0][1] in (None, 0, 1):
        return
    for number, (source, (no, count, _)) in enumerate(zip(parts, facts, strict=True)):
        if count != len(parts):
            raise GgufError(
                f"{source.name} has split.count {count}, but the number of files opened is "
                f"{len(parts)}; open all parts of the model together"
            )
        if no != number:
            raise GgufError(
                f"{source.name} has split.no {no}; as file {number + 1} of {len(parts)} it must "
                f"have {number}"
            )
    total = sum(len(header.tensors) for header in headers)
    for source, (_, _, tensors) in zip(parts, facts, strict=True):
        if tensors != total:
            raise GgufError(
                f"{source.name} has split.tensors.count {tensors}; the parts hold {total} tensors"
            )
