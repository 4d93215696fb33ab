"""Kept files: every byte is fetched once, whatever ends a download in the middle."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from fault_server import FaultServer
from kept_files import BODY, READ, SHA256, entry_of, fetch, ranges, read_all, run, wanted
from wgslm.errors import SourceError
from wgslm.sources.folder import FolderShelf
from wgslm.sources.journal import Record, origin_line, whole_line
from wgslm.sources.kept import PART
from wgslm.sources.shelf import ShelfError
from wgslm.sources.store import Store, key_of


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"model.gguf": BODY}) as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(FolderShelf(tmp_path / "kept"))


def test_the_second_time_nothing_is_fetched(store: Store, server: FaultServer) -> None:
    file = wanted(server.url("model.gguf"))

    first = fetch(store, file)
    server.asked.clear()
    second = fetch(store, file)

    assert first == second == BODY
    assert ranges(server) == []
    assert entry_of(store, file).sha256 == SHA256


def test_what_is_pinned_needs_no_network_the_second_time(store: Store, server: FaultServer) -> None:
    file = wanted(server.url("model.gguf"), SHA256)

    fetch(store, file)
    server.asked.clear()
    again = fetch(store, file)

    assert again == BODY
    assert server.asked == []


def test_a_whole_file_is_read_while_its_server_is_away(store: Store) -> None:
    with FaultServer({"model.gguf": BODY}) as server:
        file = wanted(server.url("model.gguf"))
        fetch(store, file)

    assert fetch(store, file) == BODY


def test_no_byte_is_fetched_twice_but_the_first_ones(store: Store, server: FaultServer) -> None:
    fetch(store, wanted(server.url("model.gguf")))

    asked = sorted(ranges(server))

    assert asked[0][0] == 0 and asked[-1][1] == len(BODY)
    assert all(stop == start for (_, stop), (start, _) in pairwise(asked))


def test_a_download_goes_on_at_the_byte_where_it_was_left(
    store: Store, server: FaultServer
) -> None:
    file = wanted(server.url("model.gguf"))
    fetch(store, file, stop=READ)
    server.asked.clear()

    assert fetch(store, file) == BODY
    assert min(start for start, _ in ranges(server)) == READ


@pytest.mark.parametrize("sha256", [None, SHA256])
def test_gaps_that_nobody_read_are_fetched_in_the_end(
    store: Store, server: FaultServer, sha256: str | None
) -> None:
    file = wanted(server.url("model.gguf"), sha256)

    async def work() -> None:
        source = await store.open(file)
        await source.chunk(PART, PART + 1000)
        source.finish()
        await source.finished()
        await source.close()

    run(work)

    entry = entry_of(store, file)
    assert entry.is_whole
    assert entry.sha256 == SHA256


@pytest.mark.parametrize("fault", ["cut", "stall", "reset", "503"])
def test_a_fault_costs_nothing_that_was_kept(store: Store, server: FaultServer, fault: str) -> None:
    file = wanted(server.url("model.gguf", fault, after=3))
    sound = replace(wanted(server.url("model.gguf")), location=file.location)
    with pytest.raises(SourceError):
        fetch(store, file)
    kept = entry_of(store, file).nbytes
    server.asked.clear()

    assert fetch(store, sound) == BODY
    assert 0 < kept < len(BODY)
    assert min(start for start, _ in ranges(server)) >= kept


def test_a_file_that_changed_is_loaded_anew(store: Store, server: FaultServer) -> None:
    file = wanted(server.url("model.gguf"))
    changed = replace(wanted(server.url("model.gguf", "changed")), location=file.location)
    fetch(store, file)
    server.files["model.gguf"] = other = bytes(reversed(BODY))

    assert fetch(store, changed) == other
    assert "changed since it was kept" in store.notices[-1]
    assert entry_of(store, file).sha256 == hashlib.sha256(other).hexdigest()


def test_a_part_of_a_file_that_changed_is_not_mixed_with_the_new_one(
    store: Store, server: FaultServer
) -> None:
    file = wanted(server.url("model.gguf"))
    changed = replace(wanted(server.url("model.gguf", "changed")), location=file.location)
    fetch(store, file, stop=READ)
    server.files["model.gguf"] = other = bytes(reversed(BODY))

    assert fetch(store, changed) == other


def test_a_file_that_is_not_what_the_hub_said_is_not_kept(
    store: Store, server: FaultServer
) -> None:
    file = wanted(server.url("model.gguf"), "0" * 64)

    fetch(store, file)

    assert run(lambda: store.find(file.location)) is None
    assert f"its SHA-256 is {SHA256} and should be 000" in store.notices[-1]
    assert "is not what was asked for" in store.wrong[0]


def test_damaged_bytes_are_never_given_out(store: Store, server: FaultServer) -> None:
    file = wanted(server.url("model.gguf"))
    fetch(store, file)
    shelf = store.shelf
    assert isinstance(shelf, FolderShelf)
    path = shelf.path(key_of(file.location))
    content = bytearray(path.read_bytes())
    content[PART + 5] ^= 1
    path.write_bytes(content)

    server.asked.clear()

    assert fetch(store, file) == BODY
    assert "damaged" in store.notices[-1]
    assert sum(stop - start for start, stop in ranges(server)) <= PART  # the rest was sound
    assert entry_of(store, file).sha256 == SHA256
    assert fetch(store, file) == BODY
    assert entry_of(store, file).is_whole


def test_a_damaged_part_that_is_another_now_costs_the_whole(
    store: Store, server: FaultServer
) -> None:
    file = wanted(server.url("model.gguf"))
    fetch(store, file)
    shelf = store.shelf
    assert isinstance(shelf, FolderShelf)
    for path, at in ((shelf.path(key_of(file.location)), 5), (None, 9)):
        content = bytearray(path.read_bytes() if path else BODY)
        content[at] ^= 1
        if path:
            path.write_bytes(content)
        else:
            server.files["model.gguf"] = bytes(content)  # with the same ETag

    fetch(store, file)

    assert run(lambda: store.find(file.location)) is None
    assert "it was" in store.notices[-1]


def test_a_storage_that_does_not_say_what_it_has_loses_nothing(
    store: Store, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = wanted(server.url("model.gguf"))
    fetch(store, file)

    async def refuse(_shelf: FolderShelf, _key: str) -> str | None:
        raise ShelfError("it is busy")

    with monkeypatch.context() as during:
        during.setattr(FolderShelf, "journal", refuse)
        past = fetch(store, file)
    server.asked.clear()

    assert past == BODY
    assert "read past the storage, which cannot be read: it is busy" in store.notices[-1]
    assert fetch(store, file) == BODY
    assert ranges(server) == []


def test_a_damaged_part_is_fetched_again_when_the_download_goes_on(
    store: Store, server: FaultServer
) -> None:
    file = wanted(server.url("model.gguf"))
    fetch(store, file, stop=READ)
    shelf = store.shelf
    assert isinstance(shelf, FolderShelf)
    path = shelf.path(key_of(file.location))
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)

    fetch(store, file)

    assert entry_of(store, file).sha256 == SHA256


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_what_other_programs_wrote_is_hashed_again(
    store: Store, server: FaultServer, sha256: str | None
) -> None:
    file = wanted(server.url("model.gguf"), SHA256)
    fetch(store, file)
    shelf = store.shelf
    assert isinstance(shelf, FolderShelf)
    shelf.is_shared = True
    entry, path = entry_of(store, file), shelf.path(key_of(file.location))
    other = bytes(len(BODY))
    path.write_bytes(other)  # and a journal that believes in it
    pieces = [other[record.start : record.stop] for record in entry.records]
    hashes = [hashlib.sha256(piece).hexdigest() for piece in pieces]
    records = [replace(r, sha256=found) for r, found in zip(entry.records, hashes, strict=True)]
    whole = sha256 or hashlib.sha256(other).hexdigest()  # whatever is believed soonest
    origin = replace(entry.origin, sha256=whole, version=None)
    lines = [origin_line(origin), *(record.line() for record in records), whole_line(whole)]
    path.with_name("journal").write_text("\n".join(lines))
    server.asked.clear()

    fetch(store, replace(file, sha256=sha256))

    if sha256:
        assert "is not what was asked for" in store.wrong[0]
        assert run(lambda: store.find(file.location)) is None
    else:
        assert server.asked, "what the journal calls pinned was believed to be"


def test_what_was_evicted_is_fetched_again(store: Store, server: FaultServer) -> None:
    file = wanted(server.url("model.gguf"))
    fetch(store, file)

    async def work() -> bytes:
        source = await store.open(file)
        await store.delete(key_of(file.location))
        try:
            return await read_all(source)
        finally:
            await source.close()

    assert run(work) == BODY


def test_a_torn_journal_costs_its_last_line(store: Store, server: FaultServer) -> None:
    file = wanted(server.url("model.gguf"))
    fetch(store, file)
    shelf = store.shelf
    assert isinstance(shelf, FolderShelf)
    journal = shelf.path(key_of(file.location)).with_name("journal")
    text = journal.read_text()
    at = text.index('"stop"')
    journal.write_text(text[: at + 4])

    assert fetch(store, file) == BODY
    entry = entry_of(store, file)  # what was written after the torn line counts
    assert entry.is_whole
    assert entry.sha256 == SHA256


class FullShelf(FolderShelf):
    """A folder on a disk that has room for one part."""

    async def put(self, key: str, start: int, chunk: object) -> Record:
        """Write the first part only."""
        if start:
            raise ShelfError("no space left", is_full=True)
        return await super().put(key, start, chunk)


def test_a_full_storage_stops_the_keeping_and_not_the_load(
    tmp_path: Path, server: FaultServer
) -> None:
    small = Store(FolderShelf(tmp_path / "kept"))
    server.files["small.gguf"] = BODY[: PART + 5]
    fetch(small, wanted(server.url("small.gguf")))
    store = Store(FullShelf(tmp_path / "kept"))
    file = wanted(server.url("model.gguf"))

    assert fetch(store, file) == BODY

    assert run(lambda: store.find(file.location)) is None
    assert "delete small.gguf (2 MB) to make room" in store.notices[-1]


def test_a_pause_asks_for_nothing_until_it_ends(store: Store, server: FaultServer) -> None:
    file = wanted(server.url("model.gguf"))

    async def work() -> tuple[int, bytes]:
        source = await store.open(file)
        store.transfers.pause()
        server.asked.clear()
        reading = asyncio.ensure_future(read_all(source))
        await asyncio.sleep(0.2)
        during = len(ranges(server))
        store.transfers.resume()
        body = await reading
        await source.close()
        return during, body

    assert run(work) == (0, BODY)


def test_looking_at_a_header_keeps_nothing(store: Store, server: FaultServer) -> None:
    file = wanted(server.url("model.gguf"))

    async def work() -> None:
        source = await store.open(file, keeps=False)
        await source.read(0, READ)
        await source.close()

    run(work)

    assert run(lambda: store.find(file.location)) is None


def test_cancelling_keeps_what_had_arrived(store: Store, server: FaultServer) -> None:
    file = wanted(server.url("model.gguf", "stall", after=3))

    async def work() -> None:
        source = await store.open(file)
        reading = asyncio.ensure_future(source.chunk(0, len(BODY)))
        while source.entry.nbytes < PART:
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await source.close()

    run(work)

    assert entry_of(store, file).nbytes >= PART


class Slow(FolderShelf):
    """Takes for ever to make room."""

    begun = False

    async def begin(self, key: str, size: int, line: str) -> None:
        """Hang."""
        self.begun = True
        await asyncio.Event().wait()


def test_a_load_that_is_cancelled_while_it_begins_lets_go_of_the_file(
    tmp_path: Path, server: FaultServer
) -> None:
    async def cancelled() -> bool:
        shelf, file = Slow(tmp_path / "kept"), wanted(server.url("model.gguf"))
        task = asyncio.ensure_future(Store(shelf).open(file))
        while not shelf.begun:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        other = FolderShelf(tmp_path / "kept")
        is_free = await other.lock(key_of(file.location))
        await other.unlock(key_of(file.location))
        return is_free

    assert asyncio.run(asyncio.wait_for(cancelled(), 20))
