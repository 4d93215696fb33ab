"""A loopback server of byte ranges that fails on request: `url(name, fault="cut", times=1)`.

Faults: a number (that status), no-range, wrong-range, wrong-total, wrong-length, long, cut, stall,
reset, gzip, changed (ETag and date), hide (no Content-Range, as CORS does), redirect, signed
(redirects to links that are good for two requests), downgrade (redirects to another scheme).
"""

import gzip
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

LINK_USES = 2
EXPOSED = "Content-Range, ETag"


class FaultServer(ThreadingHTTPServer):
    """Serves `files` on 127.0.0.1; `asked` logs (method, path with query, Range header)."""

    daemon_threads = True
    request_queue_size = 64  # a full queue makes a client wait for a second

    def __init__(self, files: dict[str, bytes], port: int = 0) -> None:
        """Bind; entering the context starts serving."""
        super().__init__(("127.0.0.1", port), Handler)
        self.files = files
        self.asked: list[tuple[str, str, str | None]] = []
        self.sent = 0  # bytes of bodies
        self.closing = threading.Event()
        self.uses: dict[str, int] = {}  # requests per path with query
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        """Start serving."""
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving; stalled replies end."""
        self.closing.set()
        self.shutdown()
        self.server_close()

    def url(
        self, name: str, fault: str = "", after: int = 0, times: int = 1 << 30, hide: bool = False
    ) -> str:
        """Return a URL whose requests fail `times` times, after `after` sound ones.

        With `hide`, scripts of other sites see neither Content-Range nor ETag.
        """
        query = {"fault": fault, "after": after, "times": times, "hide": int(hide)}
        return f"http://127.0.0.1:{self.server_port}/{name}?{urlencode(query)}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients are meant to hang up."""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # 40 ms less for each reply
    server: FaultServer

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent; the server keeps its own log."""

    def do_OPTIONS(self) -> None:
        """Log a preflight and refuse it: a range request must not need one."""
        self._log()
        self._reply(403, {})

    def do_HEAD(self) -> None:
        """Tell a file's size."""
        self._log()
        file = self._file()
        self._reply(404 if file is None else 200, {"Content-Length": str(len(file or b""))})

    def do_GET(self) -> None:
        """Answer a range request, soundly or with the fault that its URL asks for."""
        use = self._log()
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        after = int(query.get("after", 0))
        active = after <= use < after + int(query.get("times", 0))
        fault = query.get("fault", "") if active else ""
        if "ticket" in query and use >= LINK_USES:
            fault = "403"
        file = self._file()
        if fault.isdigit() or file is None:
            self._reply(int(fault or 404), {})
        elif fault in ("redirect", "signed", "downgrade"):
            self._reply(302, {"Location": self._elsewhere(fault)})
        elif fault == "reset":
            self.close_connection = True
        else:
            self._range(fault, file)

    def _range(self, fault: str, file: bytes) -> None:
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if match is None or fault == "no-range":
            self._reply(200, {}, file)
            return
        start, stop = int(match[1]), min(int(match[2]) + 1, len(file))
        if start >= stop:
            self._reply(416, {"Content-Range": f"bytes */{len(file)}"})
            return
        body = file[start:stop]
        shift, more = int(fault == "wrong-range"), int(fault == "wrong-total")
        headers = {
            "Content-Range": f"bytes {start + shift}-{stop - 1 + shift}/{len(file) + more}",
            "ETag": '"v2"' if fault == "changed" else '"v1"',
            "Last-Modified": f"Thu, 01 Jan 2026 00:00:0{int(fault == 'changed')} GMT",
            "Content-Length": str(len(body)),
        }
        if fault == "hide":
            del headers["Content-Range"], headers["ETag"]
        if fault == "gzip":
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body)
            headers["Content-Length"] = str(len(body))
        if fault == "wrong-length":
            body += b"x"
            headers["Content-Length"] = str(len(body))
        if fault == "long":  # ends with the connection, not with a length
            del headers["Content-Length"]
            headers["Connection"] = "close"
            body += b"x"
        self._reply(206, headers, body, ends_early=fault if fault in ("cut", "stall") else "")

    def _reply(
        self, status: int, headers: dict[str, str], body: bytes = b"", ends_early: str = ""
    ) -> None:
        self.send_response(status)
        if "Content-Length" not in headers and headers.get("Connection") != "close":
            headers = {**headers, "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Access-Control-Allow-Origin", "*")
        if "hide=1" not in self.path:
            self.send_header("Access-Control-Expose-Headers", EXPOSED)
        self.end_headers()
        self._send(body[: len(body) // 2] if ends_early else body)
        if ends_early == "stall":
            self.server.closing.wait(10)
        if ends_early:
            self.close_connection = True

    def _send(self, body: bytes) -> None:
        """Send in small pieces, so that `sent` tells how much a client took before hanging up."""
        for at in range(0, len(body), 1 << 16):
            self.wfile.write(body[at : at + (1 << 16)])
            self.server.sent += len(body[at : at + (1 << 16)])

    def _elsewhere(self, fault: str) -> str:
        if fault == "downgrade":
            return "ftp://127.0.0.1/model.gguf"
        ticket = f"ticket={len(self.server.asked)}" if fault == "signed" else "moved=1"
        return f"http://127.0.0.1:{self.server.server_port}{urlsplit(self.path).path}?{ticket}"

    def _file(self) -> bytes | None:
        return self.server.files.get(urlsplit(self.path).path[1:])

    def _log(self) -> int:
        """Log the request and return how often its URL was asked for before."""
        with self.server.lock:
            self.server.asked.append((self.command, self.path, self.headers.get("Range")))
            use = self.server.uses.get(self.path, 0)
            if self.command == "GET":
                self.server.uses[self.path] = use + 1
        return use
