"""A static web server for `dist/` on this machine only, with byte ranges.

Nothing is compressed: over loopback a boot takes as long with gzip as without (a web host does
compress; `python build` shows what that makes of the sizes).
"""

import mimetypes
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")  # a foreign name that leads here is a page that wants to read models
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gguf": "application/octet-stream",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".zip": "application/zip",
}
POLL_SECONDS = 0.05  # how long shutting down may take
RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")


class Site(ThreadingHTTPServer):
    """Serves a folder, and single files under paths of their own; a context manager."""

    daemon_threads = True

    def __init__(
        self, folder: Path, files: Mapping[str, Path] | None = None, port: int = 0
    ) -> None:
        """Listen at once; port 0 is any free one. `files` maps "/models/x.gguf" to its place."""
        super().__init__((HOST, port), Handler)
        self.folder = folder.resolve()
        self.files = dict(files or {})
        self.url = f"http://{HOST}:{self.server_port}/"
        self.hosts = {f"{name}:{self.server_port}" for name in NAMES}
        if self.server_port == 80:  # browsers leave it out
            self.hosts.update(NAMES)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(POLL_SECONDS,), daemon=True
        )

    def __enter__(self) -> "Site":
        """Start answering, in a thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and free the port."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Be quiet about clients that left in the middle; a browser does that all the time."""

    def find(self, target: str) -> Path | None:
        """Return the file that a request's target means, or None."""
        path = unquote(urlsplit(target).path)
        if path in self.files:
            return self.files[path]
        place = (self.folder / path.lstrip("/")).resolve()
        if place.is_dir():
            place /= "index.html"
        return place if place.is_relative_to(self.folder) and place.is_file() else None


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        """Send a file, the range of it that was asked for, or why not."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Send what GET would, without the body."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal for what people read."""

    def _answer(self, with_body: bool) -> None:
        if (self.headers["Host"] or "").lower() not in self.server.hosts:
            self.send_error(403, explain=f"This server is {self.server.url}")
            return
        try:
            path = self.server.find(self.path)
            file = path.open("rb") if path else None
        except (OSError, ValueError):  # ValueError: a NUL in the path
            path = file = None
        if not path or not file:
            self.send_error(404)
            return
        with file:
            self._send(path, file, with_body)

    def _send(self, path: Path, file: BinaryIO, with_body: bool) -> None:
        status = path.stat()
        size, tag = status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        start, stop = 0, size
        if self.headers["If-None-Match"] == tag:
            self._start(304, path, tag)
            self.end_headers()
            return
        wanted = None
        if self.headers["If-Range"] in (None, tag):
            wanted = _range(self.headers["Range"], size)
        if wanted == (0, 0):
            self._start(416, path, tag)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if wanted:
            start, stop = wanted
            self._start(206, path, tag)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        else:
            self._start(200, path, tag)
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        if with_body and stop > start:
            self.connection.sendfile(file, start, stop - start)

    def _start(self, code: int, path: Path, tag: str) -> None:
        self.send_response(code)
        guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self.send_header("Content-Type", TYPES.get(path.suffix, guessed))
        self.send_header("ETag", tag)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "no-cache")  # kept, but asked about with its ETag
        self.send_header("X-Content-Type-Options", "nosniff")


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return (start, stop) of a single range, (0, 0) if it lies outside, None to send it all."""
    match = RANGE.fullmatch(header or "")
    if not match:
        return None
    first, last, tail = match.groups()
    if tail is not None:
        start, stop = max(0, size - int(tail)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None  # no valid range: as if there were none
    return (start, stop) if start < stop else (0, 0)
