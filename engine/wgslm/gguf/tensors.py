"""The tensor table of a GGUF file: every shape, type and offset checked against the file."""

import math
import struct

from wgslm.gguf.cursor import Cursor
from wgslm.gguf.directory import TensorInfo
from wgslm.quants import by_type

MOST_NAME_NBYTES = 63
MOST_DIMENSIONS = 4

DIMENSIONS = {n: struct.Struct(f"<{n}Q") for n in range(1, MOST_DIMENSIONS + 1)}
TYPE_OFFSET = struct.Struct("<IQ")


async def read_tensors(
    cursor: Cursor, count: int, alignment: int, part: int
) -> dict[str, TensorInfo]:
    """Read `count` tensor records; their data begins after the header, aligned."""
    relative: dict[str, TensorInfo] = {}
    for index in range(count):
        info = await _read_tensor(cursor, index, alignment, part)
        if info.name in relative:
            raise cursor.error(f"has tensor {info.name!r} twice")
        relative[info.name] = info
    data = -(-cursor.position // alignment) * alignment
    tensors = {name: _placed(info, data) for name, info in relative.items()}
    _check_places(cursor, tensors)
    return tensors


async def _read_tensor(cursor: Cursor, index: int, alignment: int, part: int) -> TensorInfo:
    """Read one record; `start` is still relative to the data section."""
    name = await cursor.text(f"the name of tensor {index}", MOST_NAME_NBYTES)
    if not name:
        raise cursor.error(f"has an empty name for tensor {index}")
    what = f"the record of tensor {name!r}"
    n_dims = await cursor.u32(what)
    if n_dims not in DIMENSIONS:
        raise cursor.error(
            f"has tensor {name!r} of {n_dims:,} dimensions; it must be 1 to {MOST_DIMENSIONS}"
        )
    shape = await cursor.unpack(DIMENSIONS[n_dims], what)
    ggml_type, offset = await cursor.unpack(TYPE_OFFSET, what)
    quant = by_type(ggml_type, name)
    if 0 in shape or max(shape) >= 1 << 63:
        raise cursor.error(f"has tensor {name!r} of shape {shape}; a dimension is 1 to 2^63 - 1")
    if shape[0] % quant.block:
        raise cursor.error(
            f"has tensor {name!r} with rows of {shape[0]}; {quant.label} needs a multiple of "
            f"{quant.block}"
        )
    if offset % alignment:
        raise cursor.error(
            f"has tensor {name!r} at offset {offset:,}; it must be a multiple of {alignment}"
        )
    nbytes = math.prod(shape) // quant.block * quant.nbytes
    return TensorInfo(name, shape, quant, part, offset, nbytes)


def _placed(info: TensorInfo, data: int) -> TensorInfo:
    return TensorInfo(info.name, info.shape, info.quant, info.part, data + info.start, info.nbytes)


def _check_places(cursor: Cursor, tensors: dict[str, TensorInfo]) -> None:
    """Refuse tensors beyond the file's end, and tensors that share bytes."""
    size = cursor.source.size
    previous: TensorInfo | None = None
    for info in sorted(tensors.values(), key=lambda info: info.start):
        if info.start + info.nbytes > size:
            raise cursor.error(
                f"is truncated or damaged: tensor {info.name!r} lies at bytes {info.start:,} to "
                f"{info.start + info.nbytes:,}, the file has {size:,}"
            )
        if previous is not None and info.start < previous.start + previous.nbytes:
            raise cursor.error(f"has tensors {previous.name!r} and {info.name!r} overlapping")
        previous = info
