"""What is copied is memory that somebody wrote."""

import asyncio

import pytest

from wgslm.bench import bandwidth
from wgslm.bench.bandwidth import measure_copy
from wgslm.gpu import Buffer, Device, View

NBYTES = (1 << 20) + 256  # a piece and a part of one
PIECE = 1 << 20

pytestmark = pytest.mark.gpu


def test_every_part_of_the_copied_memory_was_written(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffers: list[Buffer] = []
    monkeypatch.setattr(bandwidth, "PIECE", PIECE)

    async def run() -> tuple[bytes, bytes]:
        with monkeypatch.context() as patched:
            patched.setattr(device, "destroy_buffer", buffers.append)
            copied = await measure_copy(device, NBYTES)
        assert copied.nbytes == NBYTES and copied.bytes_per_second > 0
        try:
            x, y = [await device.read(View(buffer, 0, NBYTES)) for buffer in buffers]
            return x, y
        finally:
            for buffer in buffers:
                device.destroy_buffer(buffer)

    x, y = asyncio.run(run())

    assert x == y
    assert len(set(x[:PIECE])) == 256
    assert x[PIECE:] == x[:256]
