"""The tab's shelf: a worker of its own that writes, reads and checks; chunks stay in JavaScript."""

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from pyodide.ffi import JsException, JsProxy, to_js

from wgslm.sources.journal import Record
from wgslm.sources.shelf import DamagedError, GoneError, Shelf, ShelfError

GONE = "the browser has deleted it, as it does to make room"


class BrowserShelf(Shelf):
    """OPFS, or IndexedDB where there is no OPFS; of kind "none" where the browser refuses both."""

    def __init__(self, keeper: JsProxy, kind: str, why: str, *, is_shared: bool = False) -> None:
        """Use the keeper; `why` says what a storage of kind "none" lacks."""
        self.kind = kind or "none"
        self.is_shared = is_shared
        self._keeper = keeper
        self._why = why
        self._tickets = count()

    async def journals(self) -> list[tuple[str, str]]:
        """Ask the keeper; what keeps nothing has nothing."""
        if self.kind == "none":
            return []
        found: Any = await self._call("journals")
        return [(str(key), str(text)) for key, text in found.to_py()]

    async def journal(self, key: str) -> str | None:
        """Ask the keeper."""
        if self.kind == "none":
            return None
        found = await self._call("journal", key)
        return found if isinstance(found, str) else None  # null has a type of its own

    async def lock(self, key: str) -> bool:
        """Ask for the Web Lock of a file; it is let go again when this is cancelled meanwhile."""
        return bool(await self._ask("lock", key))

    async def wait_lock(self, key: str) -> None:
        """Queue for the Web Lock, and leave the queue when this is cancelled."""
        await self._ask("waitLock", key)

    async def _ask(self, name: str, key: str) -> object:
        """Ask with a ticket: what another load of this tab holds is not let go with it."""
        ticket = next(self._tickets)
        try:
            return await self._call(name, key, ticket)
        except BaseException:
            with suppress(ShelfError):
                await self._call("leave", key, ticket)
            raise

    async def unlock(self, key: str) -> None:
        """Close the file and let its lock go; a keeper that is gone holds none."""
        if self.kind != "none":
            with suppress(ShelfError):
                await self._call("unlock", key)

    async def begin(self, key: str, size: int, line: str) -> None:
        """Open the file and take its room."""
        await self._call("begin", key, size, line)

    async def put(self, key: str, start: int, chunk: object) -> Record:
        """Give a chunk away to be written."""
        assert isinstance(chunk, JsProxy), "made by a source of the tab"
        stop = start + int(chunk.length)
        return Record(start, stop, str(await self._call("put", key, start, chunk)))

    async def note(self, key: str, line: str) -> None:
        """Append to the journal."""
        await self._call("note", key, line)

    async def get(self, key: str, record: Record) -> object:
        """Read, and let the keeper check it."""
        with self._errors(record):
            return await self._asked("get", key, record.start, record.stop, record.sha256)

    async def hash(self, key: str, records: Sequence[Record]) -> str:
        """Let the keeper read everything once more."""
        ranges = to_js([(record.start, record.stop) for record in records])
        return str(await self._call("hash", key, ranges))

    async def remove(self, key: str) -> None:
        """Delete."""
        if self.kind != "none":
            await self._call("remove", key)

    async def used(self) -> int:
        """Ask the browser, whose answer is an estimate."""
        return int(str(await self._call("used")))

    def new_chunk(self, nbytes: int) -> object:
        """Return a Uint8Array."""
        from wgslm_js import newChunk

        return newChunk(nbytes)

    def copy(self, into: object, at: int, chunk: object, start: int, stop: int) -> None:
        """Copy between Uint8Arrays."""
        from wgslm_js import copyChunk

        copyChunk(into, at, chunk, start, stop)

    def free(self, chunk: object) -> None:
        """Detach its buffer."""
        from wgslm_js import freeChunk

        freeChunk(chunk)

    def to_bytes(self, chunk: object) -> bytes:
        """Copy a chunk into Python."""
        assert isinstance(chunk, JsProxy), "made by new_chunk"
        return bytes(chunk.to_bytes())

    async def _call(self, name: str, *args: object) -> object:
        with self._errors():
            return await self._asked(name, *args)

    def _asked(self, name: str, *args: object) -> Awaitable[object]:
        if self.kind == "none":
            raise ShelfError(f"this browser keeps nothing for this page ({self._why})")
        asked: Awaitable[object] = self._keeper.call(name, *args)
        return asked

    @contextmanager
    def _errors(self, record: Record | None = None) -> Iterator[None]:
        try:
            yield
        except JsException as error:
            name, message = str(error.name), str(error.message)
            if name == "Damaged" and record is not None:
                raise DamagedError(record) from error
            if name == "NotFoundError":
                raise GoneError(GONE) from error
            text = message if name == "InUse" else f"the browser's storage failed ({message})"
            raise ShelfError(text, is_full=name == "QuotaExceededError") from error


async def open_shelf() -> BrowserShelf:
    """Start the keeper and find out what this browser allows it to keep."""
    from wgslm_js import Keeper

    try:
        keeper = Keeper.new()
        found = await keeper.call("open")
    except JsException as error:
        return BrowserShelf(None, "", str(error.message))
    return BrowserShelf(keeper, str(found.kind), str(found.why), is_shared=bool(found.isShared))
