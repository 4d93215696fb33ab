"""Downloaded models are kept in the browser's storage: resumed, checked, shared, deleted."""

import hashlib
import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from browser_tab import Tab
from fault_server import FaultServer
from served import Served
from tab_store import TabStore

pytestmark = pytest.mark.e2e

PART = 2 << 20
BODY = random.Random(3).randbytes(6 * PART + 77)
SHA256 = hashlib.sha256(BODY).hexdigest()
OPENING = "bytes=0-262143"
EVICT = """async () => {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry("wgslm-models", { recursive: true });
}"""
DAMAGE = """async (key) => {
  const root = await navigator.storage.getDirectory();
  const models = await root.getDirectoryHandle("wgslm-models");
  const bytes = await (await models.getDirectoryHandle(key)).getFileHandle("bytes");
  const file = await bytes.createWritable({ keepExistingData: true });
  await file.write({ type: "write", position: 1000, data: new Uint8Array(9) });
  await file.close();
}"""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"model.gguf": BODY, "small.gguf": BODY[: PART + 5]}) as server:
        yield server


@pytest.fixture(scope="module")
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """One visitor for all: starting Python takes longer than any of these tests."""
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture(scope="module")
def first(context: BrowserContext, open_site: Served) -> TabStore:
    return TabStore(Tab(context), open_site.url)


@pytest.fixture(scope="module")
def second(context: BrowserContext, open_site: Served) -> TabStore:
    return TabStore(Tab(context), open_site.url)


@pytest.fixture
def store(first: TabStore) -> Iterator[TabStore]:
    yield first
    first.limit(None)
    first.clean()


def starts(server: FaultServer) -> list[int]:
    """Return where the ranges began that were asked for, but those of opening."""
    asked = [text for _, _, text in server.asked if text and text != OPENING]
    return sorted(int(text.removeprefix("bytes=").split("-")[0]) for text in asked)


def test_the_second_time_nothing_is_fetched(store: TabStore, server: FaultServer) -> None:
    url = server.url("model.gguf")

    first = store.read(url)
    server.asked.clear()
    second = store.read(url)

    assert first == second == SHA256
    assert starts(server) == []
    [kept] = store.kept
    assert (kept["kept"], kept["sha256"]) == (len(BODY), SHA256)
    assert store.ask("/wgslm/models")["storage"]["kind"] == "opfs"


def test_a_reload_goes_on_where_the_download_was(
    store: TabStore, server: FaultServer, open_site: Served
) -> None:
    url = server.url("model.gguf")
    store.read(url, stop=2 * PART, finish=False)
    store.wait_kept(2 * PART)

    server.asked.clear()
    store.open(open_site.url)

    assert store.read(url) == SHA256
    assert starts(server)[0] == 2 * PART


@pytest.mark.parametrize("fault", ["cut", "503", "wrong-range", "403", "changed"])
def test_a_fault_in_the_middle_costs_nothing_that_was_kept(
    store: TabStore, server: FaultServer, fault: str
) -> None:
    failed = store.failure(server.url("model.gguf", fault, after=3))
    before = store.kept[0]["kept"]
    server.asked.clear()

    assert "model.gguf" in failed
    assert 0 < before < len(BODY)
    assert store.read(server.url("model.gguf")) == SHA256
    assert starts(server)[0] >= before


def test_a_signed_link_that_expires_is_asked_for_again(
    store: TabStore, server: FaultServer
) -> None:
    assert store.read(server.url("model.gguf", "signed")) == SHA256
    assert sum("ticket" not in path for _, path, _ in server.asked) > 1


def test_a_full_quota_is_explained_and_the_bytes_still_come(
    store: TabStore, server: FaultServer
) -> None:
    store.read(server.url("small.gguf"))
    store.limit(8_000_000)

    assert store.read(server.url("model.gguf")) == SHA256

    [notice] = store.notices
    assert "no room for its 13 MB" in notice
    assert "delete small.gguf (2 MB) to make room" in notice
    assert [model["name"] for model in store.kept] == ["small.gguf"]


def test_a_quota_that_shrinks_while_bytes_are_written_is_noticed(
    store: TabStore, server: FaultServer
) -> None:
    store.read(server.url("model.gguf"), stop=PART, finish=False)
    store.wait_kept(PART)
    store.python("await sources[-1].close()")
    store.limit(1_000_000)

    assert store.read(server.url("model.gguf")) == SHA256

    assert "is not kept for the next visit" in store.notices[-1]
    assert store.kept == []


def test_a_second_tab_waits_for_the_first_and_then_reads(
    store: TabStore, second: TabStore, server: FaultServer
) -> None:
    url = server.url("model.gguf")
    store.read(url, stop=PART, finish=False)
    second.start(url)
    second.tab.wait(second.is_waiting, "the second to wait")
    refusal = second.refusal("/wgslm/delete-model", {"id": store.kept[0]["id"]})

    store.python("sources[-1].finish(); await sources[-1].finished(); await sources[-1].close()")
    server.asked.clear()

    assert second.python("await task") == SHA256
    assert "another tab is downloading it" in refusal
    assert starts(server) == []


def test_a_second_tab_takes_over_from_one_that_dies(
    store: TabStore, second: TabStore, server: FaultServer, open_site: Served
) -> None:
    url = server.url("model.gguf")
    store.read(url, stop=2 * PART, finish=False)
    store.wait_kept(2 * PART)
    second.start(url)
    second.tab.wait(second.is_waiting, "the second to wait")
    server.asked.clear()

    store.tab.page.evaluate("wgslm.host.worker.terminate()")

    assert second.python("await task") == SHA256
    assert starts(server)[0] == 2 * PART
    store.open(open_site.url)


def test_a_tab_that_waits_can_stop_waiting(
    store: TabStore, second: TabStore, server: FaultServer
) -> None:
    url = server.url("small.gguf")
    store.read(url, stop=1000, finish=False)
    second.start(url)
    second.tab.wait(second.is_waiting, "the second to wait")

    second.python("task.cancel(); await asyncio.wait({task})")
    store.python("await sources[-1].close()")

    assert store.read(url) == hashlib.sha256(BODY[: PART + 5]).hexdigest()  # the lock is free


def test_a_deleted_model_is_gone(store: TabStore, server: FaultServer) -> None:
    store.read(server.url("small.gguf"))
    [model] = store.kept

    store.ask("/wgslm/delete-model", {"id": model["id"]})

    assert store.kept == []
    assert "no model" in store.refusal("/wgslm/delete-model", {"id": model["id"]})


def test_what_the_browser_evicted_is_fetched_again(store: TabStore, server: FaultServer) -> None:
    url = server.url("small.gguf")
    first = store.read(url)
    store.tab.page.evaluate(EVICT)

    assert store.read(url) == first
    assert [model["name"] for model in store.kept] == ["small.gguf"]


def test_bytes_that_were_changed_in_the_storage_are_not_used(
    store: TabStore, server: FaultServer
) -> None:
    url = server.url("small.gguf")
    first = store.read(url)
    store.tab.page.evaluate(DAMAGE, store.kept[0]["id"])

    assert store.read(url) == first
    assert "damaged" in store.notices[-1]


def test_a_wrong_sha256_is_said_and_the_file_not_kept(store: TabStore, server: FaultServer) -> None:
    store.read(server.url("small.gguf"), sha256="0" * 64)

    assert "should be 0000" in store.notices[-1]
    assert store.kept == []


def test_a_pause_asks_for_nothing_until_it_ends(store: TabStore, server: FaultServer) -> None:
    store.ask("/wgslm/pause-load", {"paused": True})
    store.start(server.url("model.gguf"))
    store.tab.page.wait_for_timeout(300)
    during = starts(server)

    store.ask("/wgslm/pause-load", {"paused": False})

    assert store.python("await task") == SHA256
    assert during == []
