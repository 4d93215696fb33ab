"""What a native device does when it is gone, and how it measures itself."""

import asyncio
import time

import pytest

from wgslm.errors import DeviceLostError
from wgslm.gpu import Device, Job, View, native, open_device
from wgslm.kernels import Ref
from wgslm.kernels.copy import copy

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("device")]
X, Y = Ref("slot", "x"), Ref("slot", "y")


def test_a_lost_device_is_named_and_does_not_hang() -> None:
    async def run() -> None:
        device = await open_device()
        buffer = device.create_buffer(256, "some memory")
        await device.close()
        with pytest.raises(DeviceLostError, match="the GPU is gone"):
            await device.read(View(buffer, 0, 256))
        with pytest.raises(DeviceLostError, match="the GPU is gone"):
            device.write(buffer, 0, bytes(256))

    asyncio.run(asyncio.wait_for(run(), 30))


@pytest.mark.parametrize("has_timestamps", [True, False])
def test_a_profile_has_a_time_for_each_dispatch(
    device: Device, monkeypatch: pytest.MonkeyPatch, has_timestamps: bool
) -> None:
    if has_timestamps and not device.has_timestamps:
        pytest.skip("this adapter has no timestamps")
    monkeypatch.setattr(device, "has_timestamps", has_timestamps)
    monkeypatch.setattr(native, "MOST_TIMED", 2)  # so that three are more than one query set's
    large, small = 1 << 20, 1 << 4

    async def run() -> list[float]:
        x, y = (device.create_buffer(16 * large, name) for name in "xy")
        dispatches = [copy(X, Y, vectors) for vectors in (large, small, large)]
        await device.compile([dispatch.program for dispatch in dispatches])
        views = View(x, 0, x.nbytes), View(y, 0, y.nbytes)
        recording = device.record(
            [Job(d.program, d.program.source().pack(d.params), views, d.grid) for d in dispatches]
        )
        device.submit(recording)
        seconds = await device.profile(recording)
        device.release(recording)
        for buffer in (x, y):
            device.destroy_buffer(buffer)
        return seconds

    begun = time.perf_counter()
    first, little, last = asyncio.run(run())

    assert 0 <= little < min(first, last)
    assert first + little + last < time.perf_counter() - begun
