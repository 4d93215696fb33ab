"""Keeps the models that were downloaded: reads go through to the network once, then never again.

Knows which bytes of a file are kept, who may write, and what to do when a storage is full, gone or
lies. How bytes are stored is a `Shelf`'s matter, and how they are fetched another source's.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from weakref import WeakSet

from wgslm.errors import SourceError
from wgslm.sources import ByteSource
from wgslm.sources.journal import (
    LONGEST_LINE,
    Entry,
    Origin,
    facts_line,
    origin_line,
    read_journal,
    used_line,
)
from wgslm.sources.kept import KeptSource, Transfers, WrongSha256Error
from wgslm.sources.shelf import Shelf, ShelfError

Open = Callable[[], Awaitable[ByteSource]]
REVALIDATE_S = 3.0  # how long a server may take to say that a kept file is still what it has


@dataclass(frozen=True)
class Wanted:
    """A file to be opened: what it is called, how it is reached, and its SHA-256 if that is known.

    What is pinned by a SHA-256 is never asked for again once it is kept.
    """

    location: str
    open: Open
    sha256: str | None = None


class Store:
    """The kept files of one storage."""

    def __init__(self, shelf: Shelf) -> None:
        """Look at nothing yet."""
        self.shelf = shelf
        self.transfers = Transfers()
        self.notices: list[str] = []  # what a person should know of, the newest last
        self.wrong: list[str] = []  # files that were read and are not what was asked for
        self.refuted: Callable[[str, str], object] | None = None  # told the key of such a file, why
        self.waiting: str | None = None  # the file that another tab is writing
        self.opened: WeakSet[KeptSource] = WeakSet()  # what is read, and maybe completed

    async def entries(self) -> list[Entry]:
        """Return every kept file, the last used first."""
        found = [read_journal(key, text) for key, text in await self.shelf.journals()]
        entries = [entry for entry in found if entry is not None]
        return sorted(entries, key=lambda entry: -entry.used)

    async def find(self, location: str) -> Entry | None:
        """Return what is kept of a file; a ShelfError says that nobody can tell."""
        key = key_of(location)
        text = await self.shelf.journal(key)
        return None if text is None else read_journal(key, text)

    async def open(self, wanted: Wanted, *, keeps: bool = True) -> KeptSource:
        """Open a file: from the storage if it is whole there, else through it.

        Without `keeps` nothing is written: for those who only look at its header.
        """
        try:
            entry = await self.find(wanted.location)
        except ShelfError as error:
            return await self._open_unkept(wanted, error)
        inner = await self._reach(wanted, entry)
        if entry and inner and not _is_same(entry, inner, wanted):
            self.notices.append(f"{inner.name} has changed since it was kept; it is loaded anew")
            entry = None
        if entry and entry.is_whole:
            return await self._open_whole(wanted, entry, inner, keeps=keeps)
        assert inner is not None, "without it the entry is whole"
        if not keeps:
            return self._kept(wanted, entry or _new_entry(wanted, inner), inner)
        return await self._open_partial(wanted, inner)

    async def delete(self, key: str) -> None:
        """Delete a kept file."""
        await self.shelf.remove(key)

    async def note_facts(self, key: str, facts: dict[str, object]) -> None:
        """Keep what a file holds, for the list of models."""
        with contextlib.suppress(ShelfError):  # the list says less then, and no more is lost
            await self.shelf.note(key, facts_line(facts))

    async def _reach(self, wanted: Wanted, entry: Entry | None) -> ByteSource | None:
        """Open the file where it comes from; None if it cannot be and need not be reached."""
        if entry is None or not entry.is_whole or _is_pinned_to_another(entry, wanted):
            return await wanted.open()
        if wanted.sha256 or self._told_sha256(entry):
            return None
        try:
            async with asyncio.timeout(REVALIDATE_S):
                return await wanted.open()
        except (SourceError, TimeoutError):
            return None  # offline, or gone there: what is kept still is what was asked for

    async def _open_unkept(self, wanted: Wanted, error: ShelfError) -> KeptSource:
        """Read past a storage that does not say what it has: that may well be the whole file."""
        inner = await wanted.open()
        self.notices.append(f"{inner.name} is read past the storage, which cannot be read: {error}")
        return self._kept(wanted, _new_entry(wanted, inner), inner)

    async def _open_whole(
        self, wanted: Wanted, entry: Entry, inner: ByteSource | None, *, keeps: bool
    ) -> KeptSource:
        """Open a file that needs no more bytes; `finish` checks it if nobody did."""
        if not keeps:
            return self._kept(wanted, entry, inner)
        is_checked = entry.sha256 is not None and not self.shelf.is_shared
        checks = False
        with contextlib.suppress(ShelfError):  # another tab has it open
            await self.shelf.note(entry.key, used_line(time.time()))
            checks = not is_checked and await self.shelf.lock(entry.key)
        return self._kept(wanted, entry, inner, writes=checks)

    async def _open_partial(self, wanted: Wanted, inner: ByteSource) -> KeptSource:
        """Become the writer of a file, however much of it is there already."""
        key = key_of(wanted.location)
        try:
            if not await self.shelf.lock(key):
                await self._wait(key, inner.name)
        except ShelfError as error:
            fresh = _new_entry(wanted, inner)
            await self._give_up(fresh, error)
            return self._kept(wanted, fresh, inner)
        except BaseException:
            await inner.close()
            raise
        try:
            # Only now is known what another tab left of it.
            try:
                entry = await self.find(wanted.location)
            except ShelfError as error:
                await self.shelf.unlock(key)
                await inner.close()
                return await self._open_unkept(wanted, error)
            if entry and not _is_same(entry, inner, wanted):
                entry = None
            if entry and entry.is_whole:
                await self.shelf.unlock(key)
                return await self._open_whole(wanted, entry, inner, keeps=True)
            return await self._begin(wanted, inner, entry)
        except BaseException:  # cancelled, above all: the next load would wait for this one
            await self.shelf.unlock(key)
            await inner.close()
            raise

    async def _begin(self, wanted: Wanted, inner: ByteSource, entry: Entry | None) -> KeptSource:
        """Make room, and go on where the kept part ends if it surely is one of this file."""
        fresh = _new_entry(wanted, inner)
        line = origin_line(fresh.origin)
        is_pinned = entry is not None and (
            wanted.sha256 or (inner.identity and entry.origin.version)
        )
        try:
            if len(line) > LONGEST_LINE:
                raise ShelfError("its address is too long to be kept")
            if not is_pinned:
                await self.shelf.remove(fresh.key)
                entry = fresh
            await self.shelf.begin(fresh.key, inner.size, line)
            await self.shelf.note(fresh.key, used_line(time.time()))
        except ShelfError as error:
            await self._give_up(fresh, error)
            return self._kept(wanted, fresh, inner)
        assert entry is not None, "made above, or resumed"
        return self._kept(wanted, entry, inner, writes=True)

    def _kept(
        self, wanted: Wanted, entry: Entry, inner: ByteSource | None, *, writes: bool = False
    ) -> KeptSource:
        entry.origin = replace(entry.origin, sha256=wanted.sha256 or self._told_sha256(entry))
        source = KeptSource(
            self.shelf,
            entry,
            inner,
            wanted.open,
            self.transfers,
            writes=writes,
            give_up=self._give_up,
            tell=self.notices.append,
        )
        self.opened.add(source)
        return source

    def _told_sha256(self, entry: Entry) -> str | None:
        """Return what the hub said of a kept file; others may have written that where they can."""
        return None if self.shelf.is_shared else entry.origin.sha256

    async def _give_up(self, entry: Entry, error: ShelfError) -> None:
        """Keep nothing of a file: the load goes on without."""
        self.notices.append(await self._why_not(entry, error))
        if isinstance(error, WrongSha256Error):
            why = f"{entry.origin.name} is not what was asked for: {error}"
            self.wrong.append(why)
            if self.refuted is not None:
                self.refuted(entry.key, why)
        await self._abandon(entry.key)

    async def _abandon(self, key: str) -> None:
        with contextlib.suppress(ShelfError):
            await self.shelf.remove(key)
        await self.shelf.unlock(key)

    async def _wait(self, key: str, name: str) -> None:
        self.waiting = name
        try:
            await self.shelf.wait_lock(key)
        finally:
            self.waiting = None

    async def _why_not(self, entry: Entry, error: ShelfError) -> str:
        """Say why a file is not kept, and what could be deleted so that it would be."""
        name, size = entry.origin.name, entry.origin.size
        if not error.is_full:
            return f"{name} is not kept for the next visit: {error}"
        others = [e for e in await self.entries() if e.key != entry.key and e.nbytes]
        largest = sorted(others, key=lambda entry: -entry.nbytes)[:3]
        names = ", ".join(f"{e.origin.name} ({megabytes(e.nbytes)})" for e in largest)
        advice = f"delete {names} to make room" if names else "nothing here could make room"
        return (
            f"{name} is not kept for the next visit: the storage has no room for its "
            f"{megabytes(size)}; {advice}"
        )


def key_of(location: str) -> str:
    """Return the key of a file by where it comes from."""
    return hashlib.sha256(location.encode()).hexdigest()


def megabytes(nbytes: int) -> str:
    """Write a size for people."""
    return f"{nbytes / 1e9:.1f} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:,.0f} MB"


def _new_entry(wanted: Wanted, inner: ByteSource) -> Entry:
    name = inner.name.rsplit("/", 1)[-1]
    origin = Origin(wanted.location, name, inner.size, inner.identity, wanted.sha256)
    return Entry(key_of(wanted.location), origin)


def _is_same(entry: Entry, inner: ByteSource, wanted: Wanted) -> bool:
    """Say whether what is kept is what the other end has now."""
    origin = entry.origin
    if origin.size != inner.size or _is_pinned_to_another(entry, wanted):
        return False
    if origin.sha256 and wanted.sha256:
        return True
    return origin.version is None or inner.identity in (None, origin.version)


def _is_pinned_to_another(entry: Entry, wanted: Wanted) -> bool:
    """Say whether another SHA-256 is asked for than what is kept has, or was said to have."""
    kept = {entry.sha256, entry.origin.sha256} - {None}
    return bool(wanted.sha256 and kept and wanted.sha256 not in kept)
