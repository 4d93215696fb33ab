"""What the journal of a kept file says: which bytes of it are there, and how to check them.

A journal is lines of JSON that are only ever appended, so whatever ends a program in the middle
costs at most its last line. Every line is checked: other pages may share the storage (file://).
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeGuard

from wgslm.sources.plain_json import DEPTH_LIMIT, depth_of

SHA256 = re.compile(r"[0-9a-f]{64}")
LONGEST_LINE = 4096
MOST_NBYTES = 1 << 42


@dataclass(frozen=True)
class Record:
    """Bytes that were written at once, and what they must hash to when they are read."""

    start: int
    stop: int
    sha256: str

    def line(self) -> str:
        """Return the line that says so."""
        return _line(self.__dict__)


@dataclass(frozen=True)
class Origin:
    """Where a file comes from, and what pins its content."""

    location: str  # what a person typed or chose: a URL, or a hub id
    name: str  # shown to people
    size: int
    version: str | None = None  # what the server said tells one content from another
    sha256: str | None = None  # of the whole, where the hub told it


@dataclass
class Entry:
    """One kept file, whole or in part."""

    key: str
    origin: Origin
    records: list[Record] = field(default_factory=list)  # in order, none overlaps another
    sha256: str | None = None  # of the whole, found here
    used: float = 0.0  # seconds since 1970
    facts: dict[str, object] = field(default_factory=dict)  # architecture, quant ...

    @property
    def nbytes(self) -> int:
        """Bytes that are here."""
        return sum(record.stop - record.start for record in self.records)

    @property
    def is_whole(self) -> bool:
        """Whether every byte is here."""
        return self.nbytes == self.origin.size

    def add(self, record: Record) -> None:
        """Take a record in; one that overlaps another, or the end, is refused."""
        at = bisect_left(self.records, record.start, key=lambda known: known.start)
        before = self.records[at - 1].stop if at else 0
        after = self.records[at].start if at < len(self.records) else self.origin.size
        if not before <= record.start < record.stop <= after:
            raise ValueError(f"{record.start} to {record.stop} overlaps what is there")
        self.records.insert(at, record)

    def drop(self, start: int) -> None:
        """Forget the record that begins here."""
        self.records = [record for record in self.records if record.start != start]
        self.sha256 = None

    def end_before(self, start: int) -> int:
        """Return where the last record that ends at `start` or before does; 0 without one."""
        at = bisect_left(self.records, start, key=lambda known: known.stop)
        if at < len(self.records) and self.records[at].stop == start:
            return start
        return self.records[at - 1].stop if at else 0

    def runs(self, start: int, stop: int) -> Iterator[Record | tuple[int, int]]:
        """Yield what covers `start .. stop`, in order: records, whole, and gaps between them."""
        at = bisect_left(self.records, start, key=lambda known: known.start)
        if at and self.records[at - 1].stop > start:
            at -= 1
        for record in self.records[at:]:
            if record.start >= stop:
                break
            if record.start > start:
                yield start, record.start
            yield record
            start = record.stop
        if start < stop:
            yield start, stop


def origin_line(origin: Origin) -> str:
    """Return the line that begins a journal."""
    return _line({"file": origin.__dict__})


def used_line(seconds: float) -> str:
    """Return a line that says when the file was last loaded."""
    return _line({"used": round(seconds)})


def facts_line(facts: dict[str, object]) -> str:
    """Return a line that says what the file holds."""
    return _line({"facts": facts})


def whole_line(sha256: str) -> str:
    """Return a line that says what the whole file hashes to."""
    return _line({"whole": sha256})


def drop_line(start: int) -> str:
    """Return a line that says that a record is good no more."""
    return _line({"drop": start})


def read_journal(key: str, text: str) -> Entry | None:
    """Return what a journal says; None when not even its first line can be believed."""
    entry: Entry | None = None
    for line in filter(None, text.split("\n")):
        fields = _fields(line)
        if entry is None:
            origin = _origin(fields.get("file"))
            if origin is None:
                return None
            entry = Entry(key, origin)
        else:
            _apply(entry, fields)
    return entry


def _apply(entry: Entry, fields: dict[str, object]) -> None:
    start, stop, sha256 = fields.get("start"), fields.get("stop"), fields.get("sha256")
    if isinstance(start, int) and isinstance(stop, int) and _is_sha256(sha256):
        record = Record(start, stop, sha256)
        try:
            entry.add(record)
        except ValueError:
            return  # what does not fit is as good as not there
    elif isinstance(dropped := fields.get("drop"), int):
        entry.drop(dropped)
    elif _is_sha256(whole := fields.get("whole")):
        entry.sha256 = whole
    elif isinstance(used := fields.get("used"), int | float):
        entry.used = float(used)
    elif isinstance(facts := fields.get("facts"), dict):
        kinds = (str, int, float)
        entry.facts = {key: value for key, value in facts.items() if isinstance(value, kinds)}


def _origin(fields: object) -> Origin | None:
    if not isinstance(fields, dict):
        return None
    location, name, size = fields.get("location"), fields.get("name"), fields.get("size")
    version, sha256 = fields.get("version"), fields.get("sha256")
    if not isinstance(location, str) or not isinstance(name, str) or not isinstance(size, int):
        return None
    if not 0 < size <= MOST_NBYTES or not (version is None or isinstance(version, str)):
        return None
    if not (sha256 is None or _is_sha256(sha256)):
        return None
    return Origin(location, name, size, version, sha256)


def _is_sha256(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


def _fields(line: str) -> dict[str, object]:
    """Parse a line; {} for a torn or absurd one."""
    if len(line) > LONGEST_LINE or depth_of(line.encode()) > DEPTH_LIMIT:
        return {}
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _line(fields: dict[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
