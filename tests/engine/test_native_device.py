"""What a native device does when it is gone."""

import asyncio

import pytest

from wgslm.errors import DeviceLostError
from wgslm.gpu import View, open_device

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("device")]


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
