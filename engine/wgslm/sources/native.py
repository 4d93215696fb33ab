"""Files through mmap."""

import mmap
import os
import stat

from wgslm.errors import SourceError
from wgslm.sources.retry import Patience


async def open_location(location: object, patience: Patience) -> "LocalFile":
    """Open a path or an http(s) URL."""
    if not isinstance(location, str | os.PathLike):
        raise SourceError(f"{location!r} is no model; give a path or an http(s) URL")
    return LocalFile(os.fspath(location))


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


def _open_regular(path: str, flags: int) -> int:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("not a file" if not os.path.isdir(path) else "it is a folder")
    return os.open(path, flags)
