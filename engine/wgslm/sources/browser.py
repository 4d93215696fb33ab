"""URLs through fetch and Files picked in the page: bytes stay in JavaScript until Python asks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from pyodide.ffi import JsException, JsProxy

from wgslm.errors import SourceError
from wgslm.sources.plain_json import MOST_NBYTES
from wgslm.sources.ranges import RangedSource, Reply, check_answer, public_name, url_scheme
from wgslm.sources.retry import Patience, TransientError


async def open_location(location: object, patience: Patience) -> "FetchSource | PickedFile":
    """Open an http(s) URL or a picked File."""
    if not isinstance(location, str):
        return PickedFile(location)
    if url_scheme(location) not in ("http", "https"):
        raise SourceError(
            f"{location!r} is no http or https URL; a tab reads models from those and from picked "
            "files"
        )
    source = FetchSource(location, patience)
    await source.open()
    return source


async def ask(url: str, patience: Patience) -> tuple[bytes, str]:
    """Return the body of a small answer, and its Link header where CORS shows it."""
    from wgslm_js import fetchSmall

    name = public_name(url)
    try:
        reply = await fetchSmall(url, MOST_NBYTES, patience.stall_s * 1000)
    except JsException as error:
        raise SourceError(
            f"{name} cannot be asked ({error.message}); it is unreachable, or does not allow this "
            "page to read it"
        ) from error
    check_answer(name, int(reply.status))
    return bytes(reply.body.to_bytes()), str(reply.link)


class FetchSource(RangedSource):
    """A URL read by fetch; its chunks are Uint8Arrays that Python never copies."""

    @asynccontextmanager
    async def request(self, method: str, url: str, byte_range: str) -> AsyncIterator[Reply]:
        """Ask for a range; the browser follows redirects."""
        from wgslm_js import RangeRequest

        request = RangeRequest.new(method, url, byte_range, self._patience.stall_s * 1000)
        try:
            # A refused connection and a missing CORS header look the same from inside a page.
            with self._errors("; it is unreachable, or does not allow this page to read it"):
                head = (await request.head()).to_py()
            yield Reply(head["status"], head["url"], head["headers"], self._body_of(request))
        finally:
            request.abort()

    def to_bytes(self, chunk: JsProxy) -> bytes:
        """Copy a chunk into Python."""
        return bytes(chunk.to_bytes())

    async def close(self) -> None:
        """Do nothing: the browser keeps the connections."""

    def _body_of(self, request: JsProxy) -> Callable[[int], Awaitable[object]]:
        async def body(nbytes: int) -> object:
            with self._errors():
                return await request.body(nbytes)

        return body

    @contextmanager
    def _errors(self, hint: str = "") -> Iterator[None]:
        """Turn JavaScript's errors into ours; the hint is for a TypeError, which says little."""
        try:
            yield
        except JsException as error:
            if error.name == "TooLong":
                raise SourceError(
                    f"the server of {self.name} sent more than the range asked for"
                ) from error
            hint = hint if error.name == "TypeError" else ""
            raise TransientError(f"reading {self.name} failed: {error.message}{hint}") from error


class PickedFile:
    """A File or Blob of the page, read by slices."""

    identity: str | None = None

    def __init__(self, file: JsProxy) -> None:
        """Keep the File; nothing is read yet."""
        if not hasattr(file, "slice") or not hasattr(file, "size"):
            raise SourceError(f"{file!r} is no model; give an http(s) URL or pick a file")
        self.name = str(getattr(file, "name", "picked file"))
        self.size = int(file.size)
        self._file = file

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes `start .. stop`."""
        return bytes((await self.chunk(start, stop)).to_bytes())

    async def chunk(self, start: int, stop: int) -> JsProxy:
        """Return the bytes `start .. stop` as a Uint8Array."""
        from wgslm_js import sliceFile

        if not 0 <= start <= stop <= self.size:
            raise SourceError(
                f"bytes {start} to {stop} of {self.name} were asked for; it has {self.size}"
            )
        try:
            chunk = await sliceFile(self._file, start, stop)
        except JsException as error:
            raise SourceError(
                f"{self.name} cannot be read any more ({error.message}); it was changed or moved "
                "since it was picked: pick it again"
            ) from error
        if chunk.length != stop - start:
            raise SourceError(f"{self.name} has become shorter since it was picked; pick it again")
        return chunk

    async def close(self) -> None:
        """Forget the File."""
        self._file = None
