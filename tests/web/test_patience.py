"""A stream waits only so long for its client, and needs one timer for that."""

import asyncio
import time

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from wgslm_web.stream import patient

MESSAGE: Message = {"type": "http.response.body"}


async def at_once(message: Message) -> None:
    pass


def test_however_much_is_sent_there_is_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stream() -> int:
        loop, timers = asyncio.get_running_loop(), 0
        call_at = loop.call_at

        def counted(*args: object, **kwargs: object) -> asyncio.TimerHandle:
            nonlocal timers
            timers += 1
            return call_at(*args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "call_at", counted)
        async with patient(at_once, 60) as send:
            for _ in range(100):
                await send(MESSAGE)
        return timers

    assert asyncio.run(stream()) == 1


def test_a_message_that_takes_too_long_ends_the_stream_in_time() -> None:
    sent = 0

    async def stuck(message: Message) -> None:
        nonlocal sent
        sent += 1
        if sent > 3:
            await asyncio.sleep(60)

    async def stream() -> None:
        async with patient(stuck, 0.3) as send:
            for _ in range(4):
                await asyncio.sleep(0.1)
                await send(MESSAGE)

    begun = time.monotonic()
    with pytest.raises(ClientDisconnect):
        asyncio.run(stream())

    assert 0.65 < time.monotonic() - begun < 5


def test_a_stream_may_take_as_long_as_it_likes() -> None:
    async def stream() -> None:
        async with patient(at_once, 0.1) as send:
            await asyncio.sleep(0.35)
            await send(MESSAGE)

    asyncio.run(stream())


def test_another_timeout_stays_what_it_is() -> None:
    async def stream() -> None:
        async with patient(at_once, 60):
            raise TimeoutError("of the engine")

    with pytest.raises(TimeoutError, match="of the engine"):
        asyncio.run(stream())
