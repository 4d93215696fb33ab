"""A shelf in a folder of this machine: one folder a file, with its bytes and its journal."""

import asyncio
import errno
import hashlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from wgslm.sources.journal import SHA256, Record
from wgslm.sources.shelf import DamagedError, GoneError, Shelf, ShelfError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
POLL_S = 0.2
HASHED = 1 << 20  # bytes hashed at a time


class FolderShelf(Shelf):
    """Keeps files under a folder, which is made when the first is kept."""

    kind = "folder"

    def __init__(self, folder: Path) -> None:
        """Name the folder."""
        self.folder = folder
        self._locks: dict[str, IO[bytes]] = {}

    def path(self, key: str) -> Path:
        """Return where a file's bytes lie."""
        if not SHA256.fullmatch(key):
            raise ShelfError(f"{key[:80]!r} is no key; keys are 64 hex digits")
        return self.folder / key / "bytes"

    async def journals(self) -> list[tuple[str, str]]:
        """Read every journal."""
        found = self.folder.glob("*/journal")
        with _told():
            return [(path.parent.name, path.read_text("utf-8", "replace")) for path in found]

    async def journal(self, key: str) -> str | None:
        """Read it."""
        with _told():
            try:
                return self._journal(key).read_text("utf-8", "replace")
            except FileNotFoundError:
                return None

    async def lock(self, key: str) -> bool:
        """Lock a file beside the bytes: the system frees it when this process ends."""
        with _told():
            self.path(key).parent.mkdir(parents=True, exist_ok=True)
            file = open(self.path(key).with_name("lock"), "ab")
        if not _try_lock(file):
            file.close()
            return False
        self._locks[key] = file
        return True

    async def wait_lock(self, key: str) -> None:
        """Try again and again."""
        while not await self.lock(key):
            await asyncio.sleep(POLL_S)

    async def unlock(self, key: str) -> None:
        """Close the locked file."""
        if file := self._locks.pop(key, None):
            file.close()

    async def begin(self, key: str, size: int, line: str) -> None:
        """Extend the file to its size; most systems take no room for that yet."""
        with _told():
            with open(self.path(key), "ab") as file:
                file.truncate(size)
        if not self._journal(key).exists():
            await self.note(key, line)

    async def put(self, key: str, start: int, chunk: object) -> Record:
        """Write, then say so."""
        assert isinstance(chunk, bytes | bytearray | memoryview), "made by a native source"
        with _told():
            with open(self.path(key), "r+b") as file:
                file.seek(start)
                file.write(chunk)
        record = Record(start, start + len(chunk), hashlib.sha256(chunk).hexdigest())
        await self.note(key, record.line())
        return record

    async def note(self, key: str, line: str) -> None:
        """Append; the line before may be torn."""
        with _told(), open(self._journal(key), "a", encoding="utf-8") as file:
            file.write(f"\n{line}")

    async def get(self, key: str, record: Record) -> object:
        """Read and check."""
        with _told(), open(self.path(key), "rb") as file:
            file.seek(record.start)
            data = file.read(record.stop - record.start)
        if hashlib.sha256(data).hexdigest() != record.sha256:
            raise DamagedError(record)
        return memoryview(data)

    async def hash(self, key: str, records: Sequence[Record]) -> str:
        """Read the whole file, in a thread."""
        return await asyncio.to_thread(_hash, self.path(key))

    async def remove(self, key: str) -> None:
        """Delete the folder of a file."""
        is_ours = key in self._locks
        if not is_ours and not await self.lock(key):
            raise ShelfError("another program is downloading it; end that first")
        with _told():
            for name in ("journal", "bytes"):
                self.path(key).with_name(name).unlink(missing_ok=True)
        if not is_ours:
            await self.unlock(key)
            with _told():
                shutil.rmtree(self.path(key).parent)

    async def used(self) -> int:
        """Add up what the files take on the disk."""
        return sum(path.stat().st_blocks * 512 for path in self.folder.glob("*/bytes"))

    def new_chunk(self, nbytes: int) -> object:
        """Return a buffer that can be written."""
        return memoryview(bytearray(nbytes))

    def copy(self, into: object, at: int, chunk: object, start: int, stop: int) -> None:
        """Copy between buffers."""
        assert isinstance(into, memoryview), "made by new_chunk"
        into[at : at + stop - start] = memoryview(chunk)[start:stop]  # type: ignore[arg-type]

    def free(self, chunk: object) -> None:
        """Leave it to Python."""

    def to_bytes(self, chunk: object) -> bytes:
        """Copy it."""
        assert isinstance(chunk, memoryview), "made by new_chunk"
        return bytes(chunk)

    def _journal(self, key: str) -> Path:
        return self.path(key).with_name("journal")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise GoneError("the folder of kept models was deleted") from error
    except OSError as error:
        raise ShelfError(
            f"the folder of kept models refuses: {error.strerror}", is_full=error.errno in FULL
        ) from error


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with _told(), open(path, "rb") as file:
        while data := file.read(HASHED):
            digest.update(data)
    return digest.hexdigest()


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
