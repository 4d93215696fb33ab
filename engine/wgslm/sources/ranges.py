"""Byte ranges over HTTP: which reply is believed, which is asked for again, which is refused.

Knows no HTTP client: a platform's subclass makes the requests. Bytes of a reply are given out only
if its status, range, length and ETag are those of the file that was opened.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from wgslm.errors import SourceError
from wgslm.sources.retry import Patience, TransientError, retrying

HEAD_NBYTES = 256 << 10  # kept from opening, so that a small header takes no second request

CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
BUSY = {408, 425, 429}  # and all of 5xx
EXPIRED = {401, 403}  # what signed URLs answer when their time is over
REASONS = {
    401: "it asks for a login",
    403: "it refuses access",
    404: "there is no such file",
    410: "the file is gone",
}


@dataclass(frozen=True)
class Reply:
    """The head of an HTTP reply. `body(n)` reads n bytes, and fails when there are more or less."""

    status: int
    url: str  # the one asked, or the one that redirects led to
    headers: Mapping[str, str]  # by lower-case name; in the tab without what CORS hides
    body: Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Version:
    """What tells one content of a URL from another; None where the server does not say."""

    etag: str | None
    modified: str | None

    def differs(self, other: "Version") -> bool:
        """Return whether both know it and disagree."""
        if self.etag and other.etag:
            return self.etag.removeprefix("W/") != other.etag.removeprefix("W/")
        return bool(self.modified and other.modified and self.modified != other.modified)


class RangedSource(ABC):
    """A file at an http(s) URL; call `open` before the first read."""

    name: str
    size: int
    identity: str | None

    def __init__(self, url: str, patience: Patience) -> None:
        """Keep the URL; nothing is asked yet."""
        self.name = public_name(url)
        self._url = url
        self._target = url  # where redirects led: signed URLs are good for many ranges
        self._patience = patience
        self._head = b""
        self._version = Version(None, None)

    @abstractmethod
    def request(self, method: str, url: str, byte_range: str) -> AbstractAsyncContextManager[Reply]:
        """Ask for a range; leaving the context drops whatever was not read."""

    @abstractmethod
    def to_bytes(self, chunk: object) -> bytes:
        """Bring what `Reply.body` gave into Python."""

    async def open(self) -> None:
        """Learn the file's size and version, and keep its first bytes."""
        self._head = await retrying(self._read_head, self._patience)

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes `start .. stop`."""
        if 0 <= start <= stop <= len(self._head):
            return self._head[start:stop]
        return self.to_bytes(await self.chunk(start, stop))

    async def chunk(self, start: int, stop: int) -> object:
        """Return the bytes `start .. stop` as the platform's own buffer."""
        if not 0 <= start < stop <= self.size:
            raise SourceError(
                f"bytes {start} to {stop} of {self.name} were asked for; it has {self.size}"
            )
        return await retrying(lambda: self._read_range(start, stop), self._patience)

    @abstractmethod
    async def close(self) -> None:
        """Let go of the connections."""

    async def _read_range(self, start: int, stop: int) -> object:
        async with self._get(start, stop) as reply:
            total = self._check_range(reply, start, stop)
            if total not in (None, self.size) or self._version.differs(_version_of(reply)):
                raise SourceError(
                    f"{self.name} changed on the server while it was being read; load it again"
                )
            return await reply.body(stop - start)

    async def _read_head(self) -> bytes:
        async with self._get(0, HEAD_NBYTES) as reply:
            self.size = self._content_range(reply)[2] or await self._ask_size()
            self._version = _version_of(reply)
            self.identity = self._version.etag or self._version.modified
            stop = min(HEAD_NBYTES, self.size)
            self._check_range(reply, 0, stop)
            return self.to_bytes(await reply.body(stop))

    async def _ask_size(self) -> int:
        """Learn the size where the reply to a range does not show it (CORS hides Content-Range)."""
        # With a Range header the browser asks for no compression, whose length would be another.
        async with self.request("HEAD", self._target, "bytes=0-") as reply:
            size = reply.headers.get("content-length", "")
            if reply.status not in (200, 206) or not size.isdigit() or size == "0":
                raise SourceError(
                    f"the server of {self.name} does not tell the file's size; it must send "
                    "Content-Range (to other sites with Access-Control-Expose-Headers: "
                    "Content-Range), or you download the file and pick it"
                )
        # The last byte is there and none after it, or the length is wrong.
        async with self._get(int(size) - 1, int(size) + 1) as reply:
            self._check_range(reply, int(size) - 1, int(size))
            await reply.body(1)
        return int(size)

    @asynccontextmanager
    async def _get(self, start: int, stop: int) -> AsyncIterator[Reply]:
        """Ask for a range and check the status."""
        try:
            byte_range = f"bytes={start}-{stop - 1}"
            async with self.request("GET", self._target, byte_range) as reply:
                self._check_status(reply)
                yield reply
        except TransientError:
            # Signed URLs expire and mirrors go down: the original URL gives a new one.
            self._target = self._url
            raise

    def _check_status(self, reply: Reply) -> None:
        """Let a 206 through; raise what the status means."""
        if urlsplit(self._url).scheme == "https" != urlsplit(reply.url).scheme:
            raise SourceError(
                f"{self.name} redirects to an unencrypted address, which is not followed"
            )
        status = reply.status
        if status == 206:
            self._target = reply.url
            return
        if status == 200:
            raise SourceError(
                f"the server of {self.name} does not support range requests (it sent the whole "
                "file); use another server, or download the file and pick it"
            )
        if status in BUSY or status >= 500:
            raise TransientError(f"the server of {self.name} is failing or busy (HTTP {status})")
        if status in EXPIRED and reply.url != self._url:
            raise TransientError(f"{self.name} redirects to a link that is refused (HTTP {status})")
        if status == 416:
            raise SourceError(f"{self.name} is empty or shorter than it said (HTTP 416)")
        reason = REASONS.get(status, "a range request is answered with 206")
        raise SourceError(f"{self.name} cannot be read: HTTP {status}, {reason}; check the URL")

    def _check_range(self, reply: Reply, start: int, stop: int) -> int | None:
        """Check what the head says of the body; return the file's size if it says that."""
        encoding = reply.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise SourceError(
                f"the server of {self.name} compresses ranges ({encoding}), which leaves their "
                "place in the file unknown; it must send them as they are"
            )
        first, last, total = self._content_range(reply)
        if first is not None and (first, last) != (start, stop - 1):
            raise SourceError(
                f"the server of {self.name} sent bytes {first}-{last} when asked for "
                f"{start}-{stop - 1}"
            )
        length = reply.headers.get("content-length", str(stop - start))
        if length != str(stop - start):
            raise SourceError(
                f"the server of {self.name} announced {length} bytes when asked for {stop - start}"
            )
        return total

    def _content_range(self, reply: Reply) -> tuple[int | None, int | None, int | None]:
        """Return first and last offset and the file's size, each None where it is not said."""
        text = reply.headers.get("content-range")
        if text is None:
            return None, None, None
        match = CONTENT_RANGE.fullmatch(text)
        if match is None:
            raise SourceError(f"the server of {self.name} sent the Content-Range {text[:80]!r}")
        first, last, total = match.groups()
        return int(first), int(last), None if total == "*" else int(total)


def check_answer(name: str, status: int) -> None:
    """Raise what the status of a small answer means, unless it is 200."""
    if status != 200:
        reason = REASONS.get(status, "it should be 200")
        raise SourceError(f"{name} answers HTTP {status}, {reason}")


def url_scheme(location: str) -> str:
    """Return a location's scheme in lower case: "http", "file"; "" for a path."""
    match = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]+):", location)  # one letter is a Windows drive
    return match[1].lower() if match and location[match.end() :].startswith("//") else ""


def public_name(url: str) -> str:
    """Return a URL without what may be secret in it: login, query and fragment."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - checks its range
    except ValueError as error:
        raise SourceError(f"{url[:80]!r} is no address that can be asked: {error}") from error
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _version_of(reply: Reply) -> Version:
    return Version(reply.headers.get("etag"), reply.headers.get("last-modified"))
