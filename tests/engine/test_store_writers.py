"""Two programs and one kept file: one writes, the other waits, neither deletes it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_server import FaultServer
from kept_files import BODY, READ, ranges, read_all, run, wanted
from wgslm.sources.folder import FolderShelf
from wgslm.sources.shelf import ShelfError
from wgslm.sources.store import Store, key_of


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"model.gguf": BODY}) as server:
        yield server


def test_a_second_reader_waits_for_the_first_and_fetches_nothing(
    tmp_path: Path, server: FaultServer
) -> None:
    file = wanted(server.url("model.gguf"))
    first, second = Store(FolderShelf(tmp_path)), Store(FolderShelf(tmp_path))

    async def work() -> bytes:
        writer = await first.open(file)
        opening = asyncio.ensure_future(second.open(file))
        while second.waiting is None:
            await asyncio.sleep(0.01)
        await read_all(writer)
        assert not opening.done()
        writer.finish()
        await writer.finished()
        server.asked.clear()
        reader = await opening
        body = await read_all(reader)
        await reader.close()
        await writer.close()
        return body

    assert run(work) == BODY
    assert ranges(server) == []


def test_a_waiting_reader_takes_over_when_the_first_gives_up(
    tmp_path: Path, server: FaultServer
) -> None:
    file = wanted(server.url("model.gguf"))
    first, second = Store(FolderShelf(tmp_path)), Store(FolderShelf(tmp_path))

    async def work() -> bytes:
        writer = await first.open(file)
        await writer.chunk(0, READ)
        opening = asyncio.ensure_future(second.open(file))
        while second.waiting is None:
            await asyncio.sleep(0.01)
        await writer.close()
        server.asked.clear()
        reader = await opening
        body = await read_all(reader)
        await reader.close()
        return body

    assert run(work) == BODY
    assert min(start for start, _ in ranges(server)) == READ


def test_a_deleted_file_is_gone_and_one_that_is_written_stays(
    tmp_path: Path, server: FaultServer
) -> None:
    file = wanted(server.url("model.gguf"))
    first, second = Store(FolderShelf(tmp_path)), Store(FolderShelf(tmp_path))

    async def work() -> None:
        source = await first.open(file)
        with pytest.raises(ShelfError, match="another program is downloading"):
            await second.delete(key_of(file.location))
        await source.close()
        await second.delete(key_of(file.location))

    run(work)

    assert run(lambda: first.find(file.location)) is None
    assert list(tmp_path.iterdir()) == []
