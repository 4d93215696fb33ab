"""A byte source in memory, which counts what is read of it, and GGUF files read whole."""

import asyncio
from pathlib import Path

from wgslm.gguf import Directory, read_directory
from wgslm.sources import open_parts


class MemorySource:
    """Serves `data`, followed by zeros up to `size`."""

    name = "memory.gguf"
    identity: str | None = None

    def __init__(self, data: bytes, size: int | None = None) -> None:
        """Keep the bytes; a `size` beyond them costs no memory."""
        self.data = data
        self.size = len(data) if size is None else size
        self.read_nbytes = 0

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes `start .. stop`."""
        assert 0 <= start <= stop <= self.size, f"{start} .. {stop} of {self.size}"
        self.read_nbytes += stop - start
        return self.data[start:stop].ljust(stop - start, b"\0")

    async def chunk(self, start: int, stop: int) -> memoryview:
        """Return the bytes `start .. stop` as a view."""
        return memoryview(await self.read(start, stop))

    async def close(self) -> None:
        """Do nothing."""


def read(*files: bytes) -> Directory:
    """Return the directory of the files' bytes."""
    return asyncio.run(read_directory([MemorySource(data) for data in files]))


def read_path(path: Path) -> Directory:
    """Return the directory of a model on disk; the path may be of any part."""

    async def read_parts() -> Directory:
        sources = await open_parts(path)
        try:
            return await read_directory(sources)
        finally:
            for source in sources:
                await source.close()

    return asyncio.run(read_parts())
