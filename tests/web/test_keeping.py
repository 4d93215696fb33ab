"""Which files a tab's loader opens for what it is asked for, and how it knows them again."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_server import FaultServer
from kept_files import BODY, SHA256, read_all
from wgslm.errors import SourceError
from wgslm.sources.folder import FolderShelf
from wgslm_web.keeping import KeepingLoader


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"model.gguf": BODY}) as server:
        yield server


def load(folder: Path, location: str) -> tuple[bytes, list[str]]:
    """Read what a location means as a load does; return it, and what turned out to be wrong."""

    async def shelf() -> FolderShelf:
        return FolderShelf(folder)

    async def work() -> tuple[bytes, list[str]]:
        loader = KeepingLoader(shelf)
        [source] = await loader._sources(location, keeps=True)
        body = await read_all(source)
        source.finish()
        await source.finished()
        await source.close()
        return body, (await loader.store()).wrong

    return asyncio.run(work())


def test_a_url_with_its_sha256_is_asked_for_once(server: FaultServer, tmp_path: Path) -> None:
    url = f"{server.url('model.gguf')}#sha256={SHA256}"

    first = load(tmp_path, url)
    server.asked.clear()
    second = load(tmp_path, url)

    assert first == second == (BODY, [])
    assert server.asked == []


def test_a_file_that_is_another_than_its_url_says_is_told(
    server: FaultServer, tmp_path: Path
) -> None:
    server.files["model.gguf"] = bytes(reversed(BODY))

    _, wrong = load(tmp_path, f"{server.url('model.gguf')}#sha256={SHA256}")

    assert "is not what was asked for" in wrong[0]


@pytest.mark.parametrize("first", [f"#sha256={SHA256}", ""])
def test_a_kept_file_with_another_pin_than_before_is_loaded_anew(
    server: FaultServer, tmp_path: Path, first: str
) -> None:
    url = server.url("model.gguf")
    load(tmp_path, url + first)
    server.files["model.gguf"] = other = bytes(reversed(BODY))

    again = load(tmp_path, f"{url}#sha256={hashlib.sha256(other).hexdigest()}")

    assert again == (other, [])


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("model.gguf#sha256=12", "64 digits"),
        (f"m-00001-of-00002.gguf#sha256={SHA256}", "one of 2 parts"),
    ],
)
def test_what_is_no_pin_is_refused(tmp_path: Path, end: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        load(tmp_path, f"http://127.0.0.1:9/{end}")
