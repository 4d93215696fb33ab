"""stories260K in Q8_0, made from the F32 file of the reference data."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from apart import run_apart
from random_model import BLOCK, Q8_0
from tiny_gguf import Tensor, write_gguf
from wgslm.gguf import Directory, read_directory
from wgslm.sources import open_source


def write_stories_q8_0(source: Path, target: Path) -> Path:
    """Write the model with every matrix whose rows are whole blocks in Q8_0, the rest as it is."""
    directory = run_apart(lambda: _read(source))
    data = source.read_bytes()
    tensors: dict[str, Tensor | npt.NDArray[np.float32]] = {}
    for name, info in directory.tensors.items():
        values = np.frombuffer(data, "<f4", info.nbytes // 4, info.start)
        is_fit = len(info.shape) == 2 and info.row % 32 == 0
        tensors[name] = (
            quantized(values, info.shape) if is_fit else values.reshape(info.shape[::-1])
        )
    return write_gguf(target, directory.metadata, tensors)


def quantized(values: npt.NDArray[np.float32], shape: tuple[int, ...]) -> Tensor:
    """Return a matrix in Q8_0: the largest weight of each 32 becomes 127."""
    groups = values.reshape(-1, 32)
    blocks = np.empty(len(groups), BLOCK)
    blocks["d"] = np.abs(groups).max(axis=1) / 127
    scales = np.maximum(blocks["d"].astype(np.float32), 1e-12)
    blocks["q"] = np.clip(np.round(groups / scales[:, None]), -127, 127)
    return Tensor(shape, blocks.tobytes(), Q8_0)


async def _read(path: Path) -> Directory:
    source = await open_source(str(path))
    try:
        return await read_directory([source])
    finally:
        await source.close()
