"""What tests of the store share: a file, how a load reads it, what a server was asked."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fault_server import FaultServer
from wgslm.sources import HEAD_NBYTES, Patience, open_source
from wgslm.sources.journal import Entry
from wgslm.sources.kept import PART, KeptSource
from wgslm.sources.store import Store, Wanted

T = TypeVar("T")

BODY = random.Random(2).randbytes(5 * PART + 1234)
SHA256 = hashlib.sha256(BODY).hexdigest()
PATIENCE = Patience(stall_s=0.5, pauses_s=(0.01, 0.01))
READ = 3_000_000


def wanted(url: str, sha256: str | None = None) -> Wanted:
    """Return the file at a URL, which is the same file whatever faults the URL asks for."""
    return Wanted(url.split("?")[0], lambda: open_source(url, PATIENCE), sha256)


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Await work for 20 s at most."""

    async def bounded() -> T:
        async with asyncio.timeout(20):
            return await work()

    return asyncio.run(bounded())


async def read_all(source: KeptSource, stop: int | None = None) -> bytes:
    """Return the bytes from the start, read as a load does."""
    pieces = []
    for start in range(0, stop or source.size, READ):
        pieces.append(await source.read(start, min(start + READ, stop or source.size)))
    return b"".join(pieces)


def fetch(store: Store, file: Wanted, stop: int | None = None) -> bytes:
    """Read a file as a load does, and let it be completed unless it is read in part only."""

    async def work() -> bytes:
        source = await store.open(file)
        try:
            body = await read_all(source, stop)
            if stop is None:
                source.finish()
                await source.finished()
        finally:
            await source.close()
        return body

    return run(work)


def ranges(server: FaultServer) -> list[tuple[int, int]]:
    """Return the ranges that were asked for, but those of opening."""
    asked = [text.removeprefix("bytes=").split("-") for _, _, text in server.asked if text]
    found = [(int(start), int(stop) + 1) for start, stop in asked]
    return [one for one in found if one != (0, HEAD_NBYTES)]


def entry_of(store: Store, file: Wanted) -> Entry:
    """Return what is kept of a file."""
    found = run(lambda: store.find(file.location))
    assert found is not None
    return found
