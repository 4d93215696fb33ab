"""Where kept files lie: what a storage must do so that the store can trust it.

A shelf has files by key, each with a journal beside it. It decides nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from wgslm.errors import SourceError
from wgslm.sources.journal import Record


class ShelfError(SourceError):
    """A storage refused to write or lost what it had; `is_full` when it lacks room."""

    def __init__(self, message: str, *, is_full: bool = False) -> None:
        """Keep why."""
        super().__init__(message)
        self.is_full = is_full


class GoneError(ShelfError):
    """What was kept is no longer there."""


class DamagedError(ShelfError):
    """A record holds other bytes than were written."""

    def __init__(self, record: Record) -> None:
        """Name the record."""
        super().__init__(f"the kept bytes {record.start} to {record.stop} were changed")
        self.record = record


class Shelf(ABC):
    """A storage. Writing a file needs its lock; reading does not."""

    kind: str  # "opfs", "indexeddb", "folder"; "none" keeps nothing
    is_shared: bool = False  # with programs that are not ours: what is read must be checked again

    @abstractmethod
    async def journals(self) -> list[tuple[str, str]]:
        """Return (key, journal) of every file."""

    @abstractmethod
    async def journal(self, key: str) -> str | None:
        """Return the journal of a file; None only if there surely is none."""

    @abstractmethod
    async def lock(self, key: str) -> bool:
        """Become the only writer of a file; False while another program is."""

    @abstractmethod
    async def wait_lock(self, key: str) -> None:
        """Become the only writer of a file, as soon as the others let go."""

    @abstractmethod
    async def unlock(self, key: str) -> None:
        """Let others write, and close what was open."""

    @abstractmethod
    async def begin(self, key: str, size: int, line: str) -> None:
        """Make room for a whole file, and begin its journal unless it has one."""

    @abstractmethod
    async def put(self, key: str, start: int, chunk: object) -> Record:
        """Write a chunk, check that it was written, then enter it in the journal; uses it up."""

    @abstractmethod
    async def note(self, key: str, line: str) -> None:
        """Append a line to a journal."""

    @abstractmethod
    async def get(self, key: str, record: Record) -> object:
        """Return a record's bytes as a chunk, or raise a `DamagedError`."""

    @abstractmethod
    async def hash(self, key: str, records: Sequence[Record]) -> str:
        """Return the SHA-256 of all records one after the other, as hex digits."""

    @abstractmethod
    async def remove(self, key: str) -> None:
        """Delete a file and its journal; a ShelfError says that somebody else writes it."""

    @abstractmethod
    async def used(self) -> int:
        """Return the bytes that everything here takes."""

    @abstractmethod
    def new_chunk(self, nbytes: int) -> object:
        """Return a zeroed chunk."""

    @abstractmethod
    def copy(self, into: object, at: int, chunk: object, start: int, stop: int) -> None:
        """Copy the bytes `start .. stop` of a chunk to `at` of another."""

    @abstractmethod
    def free(self, chunk: object) -> None:
        """Give a chunk's memory back."""

    @abstractmethod
    def to_bytes(self, chunk: object) -> bytes:
        """Bring a chunk into Python."""
