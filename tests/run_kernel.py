"""Run dispatches on a device over named NumPy arrays, and read back what they wrote."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wgslm.gpu import Buffer, Device, Job, View
from wgslm.kernels import STEP_IDS, Dispatch, Ref

Memory = Mapping[Ref, NDArray[Any]]


def slot(name: str) -> Ref:
    """Return the reference of an activation."""
    return Ref("slot", name)


def step_words(
    count: int = 1, position: int = 0, candidates: int = 1, ids: Sequence[int] = ()
) -> NDArray[np.uint32]:
    """Return a step buffer."""
    words = np.zeros(STEP_IDS + max(count, len(ids)), np.uint32)
    words[:3] = count, position, candidates
    words[STEP_IDS : STEP_IDS + len(ids)] = ids
    return words


def run(
    device: Device, dispatches: Dispatch | Iterable[Dispatch], memory: Memory
) -> dict[Ref, NDArray[Any]]:
    """Run in order; return the written arrays, each as the type and shape it came in."""
    jobs = [dispatches] if isinstance(dispatches, Dispatch) else list(dispatches)
    return asyncio.run(_run(device, jobs, memory))


async def _run(
    device: Device, dispatches: Sequence[Dispatch], memory: Memory
) -> dict[Ref, NDArray[Any]]:
    buffers: dict[Ref, Buffer] = {}
    recording: object | None = None
    try:
        for ref, array in memory.items():
            buffers[ref] = device.create_buffer(array.nbytes, str(ref))
            device.write(buffers[ref], 0, array.tobytes())
        await device.compile([dispatch.program for dispatch in dispatches])
        recording = device.record([_job(dispatch, buffers) for dispatch in dispatches])
        device.submit(recording)
        written = {ref for dispatch in dispatches for ref in _written(dispatch)}
        return {ref: await _read(device, buffers[ref], memory[ref]) for ref in written}
    finally:
        if recording is not None:
            device.release(recording)
        for buffer in buffers.values():
            device.destroy_buffer(buffer)


def _job(dispatch: Dispatch, buffers: Mapping[Ref, Buffer]) -> Job:
    shader = dispatch.program.source()
    used = [buffers[dispatch.bindings[b.name]] for b in shader.bindings if b.access != "uniform"]
    views = tuple(View(buffer, 0, buffer.nbytes) for buffer in used)
    return Job(dispatch.program, shader.pack(dispatch.params), views, dispatch.grid)


def _written(dispatch: Dispatch) -> list[Ref]:
    bindings = dispatch.program.source().bindings
    return [dispatch.bindings[binding.name] for binding in bindings if binding.is_written]


async def _read(device: Device, buffer: Buffer, like: NDArray[Any]) -> NDArray[Any]:
    data = await device.read(View(buffer, 0, like.nbytes))
    return np.frombuffer(data, like.dtype).reshape(like.shape)
