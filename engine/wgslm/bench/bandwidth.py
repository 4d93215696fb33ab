"""The adapter's own speed of copying: what decoding is measured against."""

import random
import time
from dataclasses import dataclass

from wgslm.gpu import ALIGNMENT, Buffer, Device, Job, View
from wgslm.kernels import Ref
from wgslm.kernels.copy import VECTOR_NBYTES, copy

MOST = 256 << 20  # bytes: more than any cache holds
ENOUGH_SECONDS = 0.1  # of copying, against which one wait for its end is short
PIECE = 8 << 20  # bytes that are written at once
TRIES = 3  # the best one counts: other programs only ever make it slower
X, Y = Ref("slot", "x"), Ref("slot", "y")


@dataclass(frozen=True)
class Copy:
    """How fast one buffer was copied to another by a compute shader."""

    nbytes: int  # of the buffer; every copy reads and writes as much
    bytes_per_second: float  # read and written


async def measure_copy(device: Device, most: int = MOST) -> Copy:
    """Copy a buffer as large as the adapter binds, up to `most` bytes, again and again."""
    limits = device.limits
    nbytes = min(most, limits.buffer_nbytes, limits.binding_nbytes) // ALIGNMENT * ALIGNMENT
    x, y = (device.create_buffer(nbytes, f"copy {name}") for name in "xy")
    try:
        await _fill(device, x)
        dispatch = copy(X, Y, nbytes // VECTOR_NBYTES)
        await device.compile([dispatch.program])
        params = dispatch.program.source().pack(dispatch.params)
        views = View(x, 0, nbytes), View(y, 0, nbytes)
        recording = device.record([Job(dispatch.program, params, views, dispatch.grid)])
        try:
            return Copy(nbytes, 2 * nbytes / await _seconds(device, recording))
        finally:
            device.release(recording)
    finally:
        for buffer in (x, y):
            device.destroy_buffer(buffer)


async def _fill(device: Device, buffer: Buffer) -> None:
    """Write random bytes everywhere: memory that nobody wrote may be no memory, or compressed."""
    piece = random.Random(0).randbytes(min(PIECE, buffer.nbytes))
    for start in range(0, buffer.nbytes, len(piece)):
        device.write(buffer, start, piece[: buffer.nbytes - start])
        await device.idle()  # or a tab would hold all of it once more


async def _seconds(device: Device, recording: object) -> float:
    """Return the seconds of one run, in a row long enough that starting it counts little."""
    await _timed(device, recording, 1)  # first use of the memory
    once = await _timed(device, recording, 1)
    count = max(1, round(ENOUGH_SECONDS / max(once, 1e-6)))
    return min([await _timed(device, recording, count) / count for _ in range(TRIES)])


async def _timed(device: Device, recording: object, count: int) -> float:
    begun = time.perf_counter()
    for _ in range(count):
        device.submit(recording)
    await device.idle()
    return time.perf_counter() - begun
