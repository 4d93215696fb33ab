"""A file that is kept while it is read: every byte is fetched once, in several ranges at a time.

Knows ranges, records and the order of things; `store` decides what may be kept at all.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Literal

from wgslm.errors import SourceError
from wgslm.sources import HEAD_NBYTES, ByteSource
from wgslm.sources.journal import Entry, Record, drop_line, origin_line, whole_line
from wgslm.sources.shelf import DamagedError, GoneError, Shelf, ShelfError

PART = 2 << 20  # bytes of a range: what a kill, a cut or a pause costs at most
IN_FLIGHT = 4  # ranges asked for at a time, by all downloads
WRITING = 4  # parts that may wait to be written: beyond that the storage sets the pace
SLACK = 64 << 10  # a smaller gap before a part is fetched with it (padding between tensors)

GiveUp = Callable[[Entry, ShelfError], Awaitable[None]]
Open = Callable[[], Awaitable[ByteSource]]
Whole = Callable[[], object]
State = Literal["reading", "completing", "checking", "done"]


class Transfers:
    """What all downloads share: how many ranges are in flight, and whether they pause."""

    def __init__(self) -> None:
        """Start running."""
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._runs = asyncio.Event()
        self._runs.set()

    @property
    def is_paused(self) -> bool:
        """Whether no further range is asked for."""
        return not self._runs.is_set()

    def pause(self) -> None:
        """Ask for no further range; those in flight still arrive, and are kept."""
        self._runs.clear()

    def resume(self) -> None:
        """Go on."""
        self._runs.set()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until one more range may be asked for."""
        async with self._slots:
            await self._runs.wait()
            yield


class KeptSource:
    """A `ByteSource` over another: what is kept is read from there, the rest is fetched and kept.

    `finish` fetches what nobody read, and checks the whole; without it, `close` leaves a part.
    """

    def __init__(
        self,
        shelf: Shelf,
        entry: Entry,
        inner: ByteSource | None,
        reach: Open,
        transfers: Transfers,
        *,
        writes: bool,
        give_up: GiveUp,
        tell: Callable[[str], None],
    ) -> None:
        """Read `entry`; `reach` opens the other end when that is needed and `inner` is None."""
        self.name = entry.origin.name if inner is None else inner.name
        self.size = entry.origin.size
        self.identity = entry.origin.version
        self.entry = entry
        self.state: State = "reading" if writes else "done"
        self._shelf = shelf
        self._inner = inner
        self._reach = reach
        self._transfers = transfers
        self._writes = writes
        self._give_up = give_up
        self._tell = tell
        self._room = asyncio.Semaphore(WRITING)
        self._puts: set[asyncio.Task[None]] = set()
        self._claimed: dict[int, int] = {}  # stop by start: being fetched or written
        self._reaching = asyncio.Lock()
        self._completing: asyncio.Task[None] | None = None
        self._is_lost = False
        self._mending = asyncio.Lock()
        self._once = entry.sha256  # what the whole hashed to when it was checked

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes `start .. stop`."""
        if self._inner is not None and stop <= HEAD_NBYTES:
            return await self._inner.read(start, stop)  # it has them since it was opened
        chunk = await self.chunk(start, stop)
        try:
            return self._shelf.to_bytes(chunk)
        finally:
            self._shelf.free(chunk)

    async def chunk(self, start: int, stop: int) -> object:
        """Return the bytes `start .. stop`, fetched in parts beside each other."""
        if not 0 <= start < stop <= self.size:
            raise SourceError(
                f"bytes {start} to {stop} of {self.name} were asked for; it has {self.size}"
            )
        # Made when the first part is there: two chunks are read at a time, and one mostly waits.
        whole = cache(lambda: self._shelf.new_chunk(stop - start))
        await _all(self._place(whole, start, *part) for part in self._parts(start, stop))
        return whole()

    def finish(self) -> None:
        """Complete what is kept and check it, beside whatever else goes on."""
        if self._writes and self._completing is None:
            self._completing = asyncio.ensure_future(self._complete())

    async def finished(self) -> None:
        """Wait for the end of `finish`; raise what ended it early."""
        if self._completing is not None:
            await asyncio.shield(self._completing)

    async def close(self) -> None:
        """Let go of both ends; what is not whole is continued another time."""
        if self._completing is not None:
            self._completing.cancel()
            await asyncio.wait({self._completing})
        await self._drain()
        self.state = "done"
        if self._writes:
            self._writes = False
            await self._shelf.unlock(self.entry.key)
        if self._inner is not None:
            await self._inner.close()

    def _parts(self, start: int, stop: int) -> Iterator[tuple[Record | None, int, int]]:
        """Yield (record, start, stop) of what covers a range; what is not kept in small parts."""
        for run in list(self.entry.runs(start, stop)):
            if isinstance(run, Record):
                yield run, max(start, run.start), min(stop, run.stop)
            else:
                for at in range(run[0], run[1], PART):
                    yield None, at, min(at + PART, run[1])

    async def _place(
        self, whole: Whole, base: int, record: Record | None, start: int, stop: int
    ) -> None:
        """Bring a part into a chunk that begins at `base`."""
        if record is not None:
            kept = await self._kept(record)
            if kept is not None:
                at = record.start
                self._shelf.copy(whole(), start - base, kept, start - at, stop - at)
                self._shelf.free(kept)
                return
        await self._fetch(start, stop, whole, base)

    async def _kept(self, record: Record) -> object | None:
        """Return a record's bytes; None if they are no longer what was written."""
        try:
            return await self._shelf.get(self.entry.key, record)
        except DamagedError:
            await self._mend(record)
        except GoneError as error:
            await self._lost(error)
        except ShelfError as error:
            await self._unreadable(error)
        return None

    async def _mend(self, record: Record) -> None:
        """Forget a damaged record, so that it is fetched again; and kept, if nobody else writes."""
        self._tell(f"a part of {self.name} was damaged in the storage and is fetched again")
        self.entry.drop(record.start)
        with contextlib.suppress(ShelfError):  # it is fetched again the next time too
            async with self._mending:
                if not self._writes and not self._is_lost:
                    self._writes = await self._can_write()
            if self._writes:
                await self._shelf.note(self.entry.key, drop_line(record.start))

    async def _can_write(self) -> bool:
        if not await self._shelf.lock(self.entry.key):
            return False
        try:
            line = origin_line(self.entry.origin)
            await self._shelf.begin(self.entry.key, self.size, line)
        except BaseException:
            await self._shelf.unlock(self.entry.key)
            raise
        self.state = "reading"
        return True

    async def _unreadable(self, error: ShelfError) -> None:
        """The storage fails: it may well have everything, so nothing there is touched."""
        if self._is_lost:
            return
        self._is_lost = True
        self.entry.records = []
        self._tell(f"{self.name} is read past the storage: {error}")
        if self._writes:
            self._writes = False
            await self._shelf.unlock(self.entry.key)

    async def _lost(self, error: ShelfError) -> None:
        """What was kept is gone: all is fetched again, and kept the next time."""
        if not self._is_lost:
            self._is_lost = True
            self.entry.records = []
            self._writes = False
            await self._give_up(self.entry, error)

    async def _fetch(
        self, start: int, stop: int, whole: Whole | None = None, base: int = 0
    ) -> None:
        """Fetch a part, place it if it belongs to a chunk, and keep it."""
        first = self._first(start)
        self._claimed[first] = stop
        try:
            async with self._transfers.slot():
                inner = await self._reached()
                chunk = await inner.chunk(first, stop)
            if whole is not None:
                self._shelf.copy(whole(), start - base, chunk, start - first, stop - first)
            await self._keep(first, stop, chunk)
        except BaseException:
            self._claimed.pop(first, None)
            raise

    def _first(self, start: int) -> int:
        """Return where to begin fetching, so that no small gap is left before `start`."""
        stops = [self.entry.end_before(start), *self._claimed.values()]
        before = max(stop for stop in stops if stop <= start)
        return before if self._writes and start - before <= SLACK else start

    async def _reached(self) -> ByteSource:
        async with self._reaching:
            if self._inner is None:
                inner = await self._reach()
                versions = {inner.identity, self.identity} - {None}
                if inner.size != self.size or len(versions) > 1:
                    await inner.close()
                    raise SourceError(
                        f"{self.name} was lost from the browser's storage and is another file now "
                        "where it came from; load it again"
                    )
                self._inner = inner
            return self._inner

    async def _keep(self, start: int, stop: int, chunk: object) -> None:
        """Write a part in the background; waits only while too much is to be written."""
        if not self._writes or self._has_any(start, stop):
            self._claimed.pop(start, None)
            self._shelf.free(chunk)
            return
        await self._room.acquire()
        task = asyncio.ensure_future(self._put(start, chunk))
        self._puts.add(task)
        task.add_done_callback(self._puts.discard)

    async def _put(self, start: int, chunk: object) -> None:
        try:
            record = await self._shelf.put(self.entry.key, start, chunk)
            if self._writes:
                self.entry.add(record)
        except ShelfError as error:
            if self._writes:
                self._writes = False
                self.entry.records = []
                await self._give_up(self.entry, error)
        finally:
            self._claimed.pop(start, None)
            self._room.release()

    async def _drain(self) -> None:
        while self._puts:
            await asyncio.wait(set(self._puts))

    def _has_any(self, start: int, stop: int) -> bool:
        return any(isinstance(run, Record) for run in self.entry.runs(start, stop))

    async def _complete(self) -> None:
        self.state = "completing"
        await self._drain()
        try:
            for record, start, stop in list(self._parts(0, self.size)):
                if self._writes and record is None:
                    await self._fetch(start, stop)
        except SourceError as error:
            kept, size = self.entry.nbytes, self.size
            self._tell(f"{kept:,} of the {size:,} bytes of {self.name} are kept so far: {error}")
        await self._drain()
        if self._writes and self.entry.is_whole:
            self.state = "checking"
            await self._check()
        if self._writes:
            self._writes = False
            await self._shelf.unlock(self.entry.key)
        self.state = "done"

    async def _check(self) -> None:
        """Compare the whole with what the hub said, and enter its SHA-256 in the journal."""
        expected = self.entry.origin.sha256 or self._once
        try:
            found = await self._shelf.hash(self.entry.key, self.entry.records)
            if expected is None or found == expected:
                await self._shelf.note(self.entry.key, whole_line(found))
                self.entry.sha256 = found
                return
            is_pinned = self.entry.origin.sha256 is not None
            error: ShelfError = WrongSha256Error(expected, found, is_pinned=is_pinned)
        except ShelfError as lost:
            error = lost
        self._writes = False
        self.entry.records = []
        await self._give_up(self.entry, error)


class WrongSha256Error(ShelfError):
    """The file that was downloaded is another than the hub or its URL said, or than it was."""

    def __init__(self, expected: str, found: str, *, is_pinned: bool) -> None:
        """Name both."""
        should = f"should be {expected}" if is_pinned else f"it was {expected} before"
        super().__init__(
            f"its SHA-256 is {found} and {should}: what is loaded now is another "
            "file than was asked for; load it again, or another one"
        )


async def _all(work: Iterator[Coroutine[object, object, None]]) -> None:
    """Wait for all; when one fails or this is cancelled, end the others first."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        raise
