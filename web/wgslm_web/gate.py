"""Decides who may come in: Host, Origin and key of a request, and whose turn the model has.

All of it runs on the server before a handler does; CORS headers alone stop no execution.
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wgslm_web.refusals import Refusal, error_response

OPEN_PATHS = frozenset({"/health"})  # a monitor without the key may ask whether we are up
TICKET = re.compile(r"/wgslm/blobs/(?P<id>[^/]+)/(?P<ticket>[0-9a-f]{64})/[^/]+")
HEADERS = "authorization, content-type"
PREFLIGHT_SECONDS = "600"


def ticket_for(key: str, id: str) -> str:
    """Return what lets anybody read one file of a server with this key, and do nothing else."""
    return hmac.new(key.encode(), f"blob {id}".encode(), hashlib.sha256).hexdigest()


class Gate:
    """Lets one generation at a time at the model; a bounded number may wait, first come first."""

    def __init__(self, waiting_limit: int = 8) -> None:
        """Start free. `waiting_limit` is how many may wait behind the one that runs."""
        self.waiting_limit = waiting_limit
        self.waiting = 0
        self._turn = asyncio.Lock()

    @property
    def is_busy(self) -> bool:
        """Say whether somebody has the model now."""
        return self._turn.locked()

    @asynccontextmanager
    async def turn(self, *, must_wait: bool = False) -> AsyncIterator[None]:
        """Hold the model; refuse with 503 when the queue is full, unless the caller must wait."""
        if self.is_busy and self.waiting >= self.waiting_limit and not must_wait:
            raise Refusal(
                503,
                f"{self.waiting} requests are waiting for the model already, which is the limit; "
                "try again when one has finished",
                code="queue_full",
                headers={"retry-after": "5"},
            )
        self.waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._turn.release()


@dataclass(frozen=True)
class Access:
    """Who may talk to the app: exact Host values, foreign origins, and an optional key."""

    hosts: frozenset[str] | None  # None: any Host, which is safe only behind a key
    origins: frozenset[str] = frozenset()  # allowed besides the app's own
    key: str | None = None

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Raise a Refusal unless this request may reach a handler."""
        host = headers.get("host", "").lower()
        if self.hosts is not None and host not in self.hosts:
            known = ", ".join(sorted(self.hosts))
            raise Refusal(403, f"Host {host!r} is not this server; known: {known}", code="host")
        origin = headers.get("origin")
        if origin is not None and not self.allows_origin(origin, host):
            raise Refusal(403, f"pages of origin {origin!r} may not use this server", code="origin")
        is_open = method == "OPTIONS" or (path in OPEN_PATHS and origin is None)
        is_open = is_open or self._has_ticket(path)
        if not is_open and not self._has_key(headers.get("authorization", "")):
            raise Refusal(
                401,
                "this server needs its API key as 'Authorization: Bearer <key>'",
                code="invalid_api_key",
                headers={"www-authenticate": "Bearer"},
            )

    def shares(self, headers: Mapping[str, str]) -> bool:
        """Say whether the page that asks may read the answer, be it a refusal."""
        origin, host = headers.get("origin"), headers.get("host", "").lower()
        is_ours = self.hosts is None or host in self.hosts
        return origin is not None and is_ours and self.allows_origin(origin, host)

    def allows_origin(self, origin: str, host: str) -> bool:
        """Say whether a page of `origin` may ask: our own, a listed one, `null` behind a key."""
        if origin == "null":  # every sandboxed frame and file:// page in the world
            return self.key is not None
        return origin in self.origins or origin in (f"http://{host}", f"https://{host}")

    def _has_ticket(self, path: str) -> bool:
        """Say whether the path of a file was made by somebody who has the key."""
        found = TICKET.fullmatch(path)
        return (
            self.key is not None
            and found is not None
            and hmac.compare_digest(found["ticket"], ticket_for(self.key, found["id"]))
        )

    def _has_key(self, authorization: str) -> bool:
        if self.key is None:
            return True
        scheme, _, key = authorization.partition(" ")
        same = hmac.compare_digest(key.strip().encode(), self.key.encode())
        return same and scheme.lower() == "bearer"


class Guard:
    """ASGI middleware that applies an `Access` to every request and answers CORS preflights."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        """Wrap `app`."""
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer refusals and preflights here; hand on what is left."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        if self.access.shares(headers):  # refusals too: the page must be able to read why
            send = _with_cors(send, headers["origin"])
        try:
            self.access.check(scope["method"], scope["path"], headers)
        except Refusal as refusal:
            await error_response(refusal)(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            wanted = headers.get("access-control-request-headers", HEADERS)
            await _preflight(wanted)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _preflight(wanted: str) -> Response:
    return Response(
        status_code=204,
        headers={
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": wanted,  # SDKs send a dozen x-stainless-* ones
            "access-control-max-age": PREFLIGHT_SECONDS,
        },
    )


def _with_cors(send: Send, origin: str) -> Send:
    extra = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", b"content-range, etag"),  # else a page cannot resume
        (b"vary", b"Origin"),
    ]

    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return send_with_cors
