"""Serves the app on this machine with uvicorn, on loopback unless there is a key."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from wgslm.errors import RequestError
from wgslm_web.app import create_app
from wgslm_web.gate import Access
from wgslm_web.state import State

HEADER_SECONDS = 10.0
IDLE_SECONDS = 30
SHUTDOWN_SECONDS = 2
CONNECTION_LIMIT = 128
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class DeadlineProtocol(H11Protocol):
    """HTTP/1.1 whose request heads must arrive in time, which uvicorn does not ask for."""

    header_seconds = HEADER_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request."""
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Run the clock from the first byte of a head to its last."""
        if self._is_between_requests():
            self._start_clock()
        super().data_received(data)
        if not self._is_between_requests():
            self._stop_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock for good."""
        self._stop_clock()
        super().connection_lost(exc)

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _start_clock(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.header_seconds, self._give_up)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._is_between_requests() and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n")
            self.transport.close()


class NativeHost:
    """One listening socket and the app behind it; the port is known before it runs."""

    def __init__(
        self,
        state: State,
        host: str = "127.0.0.1",
        port: int = 8080,
        *,
        api_key: str | None = None,
        origins: Iterable[str] = (),
    ) -> None:
        """Bind at once. Beyond loopback a key is needed, and then any Host is accepted."""
        is_local = _is_loopback(host)
        if not is_local and not api_key:
            raise RequestError(
                f"host {host!r} can be reached by others; that needs an API key", "api_key"
            )
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        hosts = frozenset(_host_values(host, self.port)) if is_local else None
        app = create_app(state, Access(hosts, frozenset(origins), api_key))
        self.url = f"http://{_bracketed(host)}:{self.port}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=DeadlineProtocol,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,  # the CLI decides; prompts are never logged
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=CONNECTION_LIMIT,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )

    async def run(self) -> None:
        """Serve until stopped or interrupted."""
        await self._server.serve(sockets=[self._socket])

    def close(self) -> None:
        """Give the port back, also when nothing was served."""
        self._socket.close()

    def stop(self) -> None:
        """Make `run` return; may be called from another thread."""
        self._server.should_exit = True


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(CONNECTION_LIMIT)  # from here on clients wait instead of being refused
    except OSError as error:
        listener.close()
        raise RequestError(f"cannot listen on {host}:{port}: {error.strerror}", "port") from error
    return listener


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_values(host: str, port: int) -> list[str]:
    names = [*LOOPBACK_NAMES, _bracketed(host)]
    bare = names if port == 80 else []  # clients leave out the default port
    return [*(f"{name}:{port}" for name in names), *bare]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
