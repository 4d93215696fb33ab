"""Sends server-sent events, and notices a client that went away while the model works."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from wgslm.errors import WgslmError
from wgslm_web.refusals import error_body

SEND_SECONDS = 60.0  # a client that reads nothing for this long must not keep the model
CLIENT_GONE = 499  # nginx's number; nobody reads it

T = TypeVar("T")
Payload = Mapping[str, object]


class EventStream(Response):
    """Streams payloads as SSE, closing their generator when the client leaves.

    An error before the first payload is raised, so it gets a status of its own; a later one
    becomes an error event that ends the stream.
    """

    media_type = "text/event-stream"

    def __init__(self, payloads: AsyncGenerator[Payload], end: str | None = None) -> None:
        """Stream `payloads`, then the plain text `end` if there is one."""
        self.payloads = payloads
        self.end = end
        self.status_code = 200
        self.background = None
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, or stop in the middle when the client is gone."""
        async with aclosing(self.payloads):
            await until_disconnect(receive, self._send_all(send))

    async def _send_all(self, send: Send) -> None:
        first = await anext(self.payloads, None)
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        try:
            async with patient(send, SEND_SECONDS) as patient_send:
                await self._send_rest(first, patient_send)
        except ClientDisconnect:
            pass  # what the client has stays cut; the host closes the connection

    async def _send_rest(self, first: Payload | None, send: Send) -> None:
        try:
            if first is not None:
                await _send_event(send, _json(first))
            async for payload in self.payloads:
                await _send_event(send, _json(payload))
            if self.end is not None:
                await _send_event(send, self.end)
        except ClientDisconnect:
            raise
        except Exception as error:
            await _send_event(send, _json(error_body(error)))
            if not isinstance(error, WgslmError):
                raise
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def patient(send: Send, seconds: float) -> AsyncIterator[Send]:
    """Give a `send` for many messages; raise ClientDisconnect where one takes longer than this.

    It has one timer, whatever is sent. Pyodide keeps one that was cancelled until it fires, so a
    timer for each message would leave those of a minute, half a kilobyte each.
    """
    loop = asyncio.get_running_loop()
    since: float | None = None  # when the message that is being sent was given
    timer: asyncio.TimerHandle

    async def timed(message: Message) -> None:
        nonlocal since
        since = loop.time()
        await send(message)
        since = None

    def look() -> None:
        nonlocal timer
        now = loop.time()
        begun = now if since is None else since
        if now - begun >= seconds:
            limit.reschedule(now)
        else:
            timer = loop.call_at(begun + seconds, look)

    timer = loop.call_later(seconds, look)
    try:
        async with asyncio.timeout(None) as limit:
            yield timed
    except TimeoutError:
        if limit.expired():
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()


async def until_disconnect(receive: Receive, work: Coroutine[object, object, T]) -> T | None:
    """Run `work` and return its result; cancel it and return None if the client leaves first."""
    worker = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({worker, watcher}, return_when=asyncio.FIRST_COMPLETED)
        return worker.result() if worker.done() else None
    finally:
        worker.cancel()
        watcher.cancel()
        await asyncio.gather(worker, watcher, return_exceptions=True)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_event(send: Send, data: str) -> None:
    body = f"data: {data}\n\n".encode()
    await send({"type": "http.response.body", "body": body, "more_body": True})


def _json(payload: Payload) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
