"""Files through mmap, and URLs through httpx."""

import mmap
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx

from wgslm.errors import SourceError
from wgslm.sources.plain_json import MOST_NBYTES
from wgslm.sources.ranges import RangedSource, Reply, check_answer, public_name, url_scheme
from wgslm.sources.retry import Patience, TransientError


async def open_location(location: object, patience: Patience) -> "LocalFile | HttpSource":
    """Open a path or an http(s) URL."""
    if not isinstance(location, str | os.PathLike):
        raise SourceError(f"{location!r} is no model; give a path or an http(s) URL")
    text = os.fspath(location)
    scheme = url_scheme(text)
    if not scheme:
        return LocalFile(text)
    if scheme not in ("http", "https"):
        raise SourceError(
            f"{text!r} is a {scheme} URL; models are read from http and https URLs and from paths"
        )
    source = HttpSource(text, patience)
    try:
        await source.open()
    except BaseException:
        await source.close()
        raise
    return source


async def ask(url: str, patience: Patience) -> tuple[bytes, str]:
    """Return the body of a small answer, and its Link header."""
    name = public_name(url)
    try:
        async with httpx.AsyncClient(timeout=patience.stall_s, follow_redirects=True) as client:
            async with client.stream("GET", url) as response:
                check_answer(name, response.status_code)
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MOST_NBYTES:
                        raise SourceError(f"{name} answers more than {MOST_NBYTES:,} bytes")
                return bytes(body), response.headers.get("link", "")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError(f"{name} cannot be asked: {error or type(error).__name__}") from error


class LocalFile:
    """A file mapped into memory; its chunks are views, never copies."""

    identity: str | None = None

    def __init__(self, path: str) -> None:
        """Map the file; refuse what is not a regular file, which could block or never end."""
        self.name = path
        try:
            self._file = open(path, "rb", opener=_open_regular)
        except (OSError, ValueError) as error:
            raise SourceError(f"cannot open {path!r}: {error}") from error
        self._facts = self._look()
        self.size = self._facts[0]
        # An empty file cannot be mapped.
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self.size else b""

    async def read(self, start: int, stop: int) -> bytes:
        """Return a copy of the bytes `start .. stop`."""
        self._check(start, stop)
        return self._map[start:stop]

    async def chunk(self, start: int, stop: int) -> memoryview:
        """Return a read-only view of the bytes `start .. stop`."""
        self._check(start, stop)
        return memoryview(self._map)[start:stop]

    async def close(self) -> None:
        """Close the file; the mapping lives on while a chunk still points into it."""
        self._file.close()
        self._map = b""

    def _look(self) -> tuple[int, int]:
        facts = os.fstat(self._file.fileno())
        return facts.st_size, facts.st_mtime_ns

    def _check(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.size:
            raise SourceError(
                f"bytes {start} to {stop} of {self.name!r} were asked for; it has {self.size}"
            )
        # A read beyond the end of a mapped file that shrank kills the process.
        if self._look() != self._facts:
            raise SourceError(f"{self.name!r} changed while it was being read; load it again")


class HttpSource(RangedSource):
    """A URL read through httpx; its chunks are views of buffers of their own."""

    def __init__(self, url: str, patience: Patience) -> None:
        """Set up the connection pool; nothing is asked yet."""
        super().__init__(url, patience)
        timeout = httpx.Timeout(patience.stall_s, pool=None)
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=True)

    @asynccontextmanager
    async def request(self, method: str, url: str, byte_range: str) -> AsyncIterator[Reply]:
        """Ask for a range, uncompressed; redirects are followed."""
        headers = {"Range": byte_range, "Accept-Encoding": "identity"}
        with self._errors():
            async with self._client.stream(method, url, headers=headers) as response:
                reached = str(response.url) if response.history else url

                async def body(nbytes: int) -> memoryview:
                    return await self._read_body(response, nbytes)

                yield Reply(response.status_code, reached, response.headers, body)

    def to_bytes(self, chunk: object) -> bytes:
        """Copy a chunk."""
        assert isinstance(chunk, memoryview), "chunks are made by _read_body"
        return bytes(chunk)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _read_body(self, response: httpx.Response, nbytes: int) -> memoryview:
        data, at = bytearray(nbytes), 0
        async for piece in response.aiter_raw():
            if at + len(piece) > nbytes:
                raise SourceError(f"the server of {self.name} sent more than the range asked for")
            data[at : at + len(piece)] = piece
            at += len(piece)
        if at < nbytes:
            raise TransientError(
                f"the server of {self.name} ended after {at} of the {nbytes} bytes asked for"
            )
        return memoryview(data)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn httpx's errors into ours; they must not show a signed URL."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise TransientError(
                f"{self.name} sent nothing for {self._patience.stall_s:g} s"
            ) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise SourceError(f"{self.name} cannot be read: {error}") from error
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise TransientError(f"the connection to {self.name} failed: {reason}") from error


def _open_regular(path: str, flags: int) -> int:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("not a file" if not os.path.isdir(path) else "it is a folder")
    return os.open(path, flags)
