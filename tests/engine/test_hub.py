"""Names of a hub's models, looked up at an imitation of its API."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from hub_server import COMMIT, HubServer, sha256
from wgslm.errors import SourceError
from wgslm.sources import ask, open_source
from wgslm.sources.folder import FolderShelf
from wgslm.sources.hub import Hub, HubFile, choose, is_hub_id
from wgslm.sources.kept import PART
from wgslm.sources.store import Store, Wanted

T = TypeVar("T")

BIG = random.Random(6).randbytes(4 * PART + 3)
REPO = {
    "README.md": b"# A model",
    "model-Q8_0.gguf": BIG,
    "model-Q4_K_M.gguf": BIG[: PART + 1],
    "mmproj-model-Q4_K_M.gguf": b"eyes",
    "folder/split-Q6_K-00001-of-00002.gguf": b"first",
    "folder/split-Q6_K-00002-of-00002.gguf": b"second",
    "folder/lost-Q5_K_M-00001-of-00002.gguf": b"first",
    "odd/../name.gguf": b"climbs",
}


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer({"owner/repo": dict(REPO), "owner/text": {"a.txt": b"text"}}) as server:
        yield server


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(20):
            return await work()

    return asyncio.run(bounded())


def find(server: HubServer, id: str) -> list[HubFile]:
    return run(lambda: Hub(ask, server.base).find(id))


def test_a_repository_lists_its_gguf_files_over_pages(server: HubServer) -> None:
    files = run(lambda: Hub(ask, server.base).files("owner/repo"))

    assert {file.path for file in files} == {
        path for path in REPO if path.endswith(".gguf") and ".." not in path
    }
    [largest] = [file for file in files if file.path == "model-Q8_0.gguf"]
    assert (largest.size, largest.sha256) == (len(BIG), sha256(BIG))
    assert largest.url == f"{server.base}/owner/repo/resolve/{COMMIT}/model-Q8_0.gguf"


@pytest.mark.parametrize(
    ("id", "paths"),
    [
        ("owner/repo", ["model-Q4_K_M.gguf"]),
        ("owner/repo:Q8_0", ["model-Q8_0.gguf"]),
        ("owner/repo:q8_0", ["model-Q8_0.gguf"]),
        ("owner/repo:model-Q8_0.gguf", ["model-Q8_0.gguf"]),
        (
            "owner/repo:Q6_K",
            ["folder/split-Q6_K-00001-of-00002.gguf", "folder/split-Q6_K-00002-of-00002.gguf"],
        ),
    ],
)
def test_a_name_means_a_file(server: HubServer, id: str, paths: list[str]) -> None:
    assert [file.path for file in find(server, id)] == paths


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("owner/repo:Q3_K", "has no 'Q3_K'; it has"),
        ("owner/repo:Q5_K_M", "the hub has no folder/lost-Q5_K_M-00002-of-00002.gguf"),
        ("owner/text", "has no GGUF file"),
        ("owner/none", "does not know owner/none, or keeps it for members"),
        ("owner", "is no model of the hub"),
        ("../repo", "is no model of the hub"),
        ("owner/repo:../../etc", "is no model of the hub"),
    ],
)
def test_a_name_that_means_nothing_is_explained(server: HubServer, id: str, words: str) -> None:
    with pytest.raises(SourceError, match=words.replace("(", r"\(")):
        find(server, id)


@pytest.mark.parametrize(
    "text",
    ["https://a/b.gguf", "models/a.gguf", "a/b/c", "./a", "/a/b", "a\\b", "a", "a/b?c", "a/.b"],
)
def test_what_is_no_name_of_the_hub(text: str) -> None:
    assert not is_hub_id(text)


def test_a_list_that_goes_on_elsewhere_is_not_followed(server: HubServer) -> None:
    server.next_page = "http://127.0.0.1:9/api/models/owner/repo/tree/x"

    with pytest.raises(SourceError, match="another server"):
        find(server, "owner/repo")


@pytest.mark.parametrize("body", [b"[" * 100_000, b"<html>", b'{"sha": 5}', b"[]"])
def test_answers_that_are_no_hub_s_are_refused(server: HubServer, body: bytes) -> None:
    async def answer(url: str) -> tuple[bytes, str]:
        return body, ""

    with pytest.raises(SourceError):
        run(lambda: Hub(answer, server.base).files("owner/repo"))


def download(server: HubServer, tmp_path: Path, id: str, stop: int | None = None) -> Store:
    """Read a hub's file through a store."""
    store = Store(FolderShelf(tmp_path))

    async def work() -> None:
        [file] = await Hub(ask, server.base).find(id)
        wanted = Wanted(file.id, lambda: open_source(file.url), file.sha256)
        source = await store.open(wanted)
        read = await source.read(0, stop or source.size)
        assert read == REPO[file.path][: stop or source.size]
        if stop is None:
            source.finish()
            await source.finished()
        await source.close()

    run(work)
    return store


def test_a_file_behind_expiring_links_is_checked_against_the_hub(
    server: HubServer, tmp_path: Path
) -> None:
    store = download(server, tmp_path, "owner/repo:Q8_0")

    [entry] = run(store.entries)
    assert entry.sha256 == entry.origin.sha256 == sha256(BIG)
    resolved = [path for _, path, _ in server.asked if "/resolve/" in path]
    assert len(resolved) > 1, "a link is good for two requests"


def test_a_download_goes_on_with_a_new_link(server: HubServer, tmp_path: Path) -> None:
    download(server, tmp_path, "owner/repo:Q8_0", stop=PART)
    server.uses = {path: 99 for path in server.uses}  # every link that was given out is over

    store = download(server, tmp_path, "owner/repo:Q8_0")

    [entry] = run(store.entries)
    assert entry.sha256 == sha256(BIG)


def test_a_file_that_is_another_than_the_hub_says_is_not_kept(
    server: HubServer, tmp_path: Path
) -> None:
    server.told["model-Q8_0.gguf"] = "0" * 64

    store = download(server, tmp_path, "owner/repo:Q8_0")

    assert run(store.entries) == []
    assert "should be 0000" in store.notices[-1]


def test_a_path_means_that_file_whatever_smaller_one_ends_like_it() -> None:
    paths = ["draft-Qwen-Q8_0.gguf", "Qwen-Q8_0.gguf"]  # the smaller one first, as they come
    files = [HubFile(f"o/r:{path}", path, 1, None, "") for path in paths]

    assert choose(files, "Qwen-Q8_0.gguf", "o/r").path == "Qwen-Q8_0.gguf"
    assert choose(files, "Q8_0", "o/r").path == "draft-Qwen-Q8_0.gguf"
