"""Where a browser has no file system, IndexedDB keeps models; without either, nothing does."""

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from browser_tab import Tab
from fault_server import FaultServer
from served import Served
from tab_store import TabStore

pytestmark = pytest.mark.e2e

Refuse = Callable[[str, str, str], None]
PART = 2 << 20
BODY = random.Random(5).randbytes(4 * PART + 9)
SHA256 = hashlib.sha256(BODY).hexdigest()
# What a module exports on a page that may not use the storage.
REFUSED = """
export class {name} {{
  static async open() {{
    throw new DOMException("{why}", "SecurityError");
  }}
}}
"""


# What a person does who clears the site's data, or the browser when it needs room.
DELETE = """(name) => new Promise((resolve) => {
  const deleting = indexedDB.deleteDatabase(name);
  deleting.onsuccess = () => resolve("deleted");
  deleting.onblocked = () => resolve("blocked by a page that holds it open");
})"""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"model.gguf": BODY, "small.gguf": BODY[:1000]}) as server:
        yield server


@pytest.fixture
def refuse(open_site: Served, tmp_path: Path) -> Iterator[Refuse]:
    """Serve storages that the browser refuses."""
    changed: list[str] = []

    def refuse(module: str, name: str, why: str) -> None:
        path = tmp_path / module
        path.write_text(REFUSED.format(name=name, why=why))
        open_site.files[f"/engine/{module}"] = path
        changed.append(f"/engine/{module}")

    yield refuse
    for path in changed:
        del open_site.files[path]


def test_indexed_db_keeps_what_opfs_may_not(
    visitor: BrowserContext, open_site: Served, server: FaultServer, refuse: Refuse
) -> None:
    refuse("sources-opfs.js", "OpfsShelf", "no files here")
    store = TabStore(Tab(visitor), open_site.url)
    store.limit(12_000_000)  # Chromium asks for it once, and then believes it for a while
    url = server.url("model.gguf")
    store.read(url, stop=2 * PART, finish=False)
    store.wait_kept(2 * PART)

    store.open(open_site.url)
    server.asked.clear()
    resumed = store.read(url)
    resumed_at = min(int(t[6:].split("-")[0]) for _, _, t in server.asked if t and t[6:8] != "0-")
    server.asked.clear()
    again = store.read(url)

    assert store.ask("/wgslm/models")["storage"]["kind"] == "indexeddb"
    assert resumed == again == SHA256
    assert resumed_at == 2 * PART
    assert len(server.asked) == 1  # of opening
    assert [(m["kept"], m["sha256"]) for m in store.kept] == [(len(BODY), SHA256)]
    server.files["other.gguf"] = BODY
    assert store.read(server.url("other.gguf")) == SHA256
    assert "delete model.gguf (8 MB)" in store.notices[-1]
    store.limit(None)
    store.ask("/wgslm/delete-model", {"id": store.kept[0]["id"]})
    assert store.kept == []
    assert store.tab.page.evaluate(DELETE, "wgslm-models") == "deleted"
    assert store.read(url) == SHA256  # in a new one
    assert [model["kept"] for model in store.kept] == [len(BODY)]


def test_without_any_storage_models_load_and_are_not_kept(
    visitor: BrowserContext, open_site: Served, server: FaultServer, refuse: Refuse
) -> None:
    refuse("sources-opfs.js", "OpfsShelf", "no files here")
    refuse("sources-indexed.js", "IndexedShelf", "a private window")
    store = TabStore(Tab(visitor), open_site.url)

    assert store.read(server.url("model.gguf")) == SHA256

    said = store.ask("/wgslm/models")
    notices = store.notices
    assert said["storage"]["kind"] == "none"
    assert said["models"] == []
    assert "this browser keeps nothing for this page (a private window)" in notices[-1]
