"""Downloaded models are kept in the browser: resumed, checked, shared by tabs, deleted."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from browser_tab import Tab
from fault_server import FaultServer
from random_model import TINY, write_random_llama

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]

MEDIUM = {**TINY, "dim": 256, "hidden": 1024, "layers": 12, "vocab": 8192}
OPENING = "bytes=0-262143"


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model of a few parts."""
    path = write_random_llama(tmp_path_factory.mktemp("models") / "medium.gguf", MEDIUM)
    return path.read_bytes()


@pytest.fixture
def elsewhere(medium: bytes) -> Iterator[FaultServer]:
    with FaultServer({"medium.gguf": medium}) as server:
        yield server


def ask(tab: Tab, path: str, body: object = None) -> Any:
    """Ask the app in the tab."""
    return tab.page.evaluate(
        """async ([path, body]) => {
          const response = body ? await wgslm.api.post(path, body) : await wgslm.api.fetch(path);
          return response.json();
        }""",
        [path, body],
    )


def kept(tab: Tab) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(tab, "/wgslm/models")["models"]
    return found


def wait_kept(tab: Tab, sha256: str) -> None:
    """Wait until a whole file has been checked."""
    tab.wait(lambda: sha256 in [m["sha256"] for m in kept(tab)], "the file to be kept and checked")


def ranges(server: FaultServer) -> list[str]:
    return [text for method, _, text in server.asked if method == "GET" and text != OPENING]  # type: ignore[misc]


def test_a_second_visit_reads_the_model_from_the_storage(
    tab: Tab, site: str, elsewhere: FaultServer, medium: bytes
) -> None:
    url = elsewhere.url("medium.gguf")
    tab.open(f"{site}?model={url.replace('&', '%26')}")
    tab.wait_ready("medium")
    tab.set(temperature=0, max_tokens=8)
    first = tab.ask("Hello")
    wait_kept(tab, hashlib.sha256(medium).hexdigest())
    elsewhere.asked.clear()

    tab.page.reload()
    tab.wait_ready("medium")
    tab.page.get_by_role("button", name="New chat").click()

    assert tab.ask("Hello")["ids"] == first["ids"]
    assert ranges(elsewhere) == []
    [model] = kept(tab)
    assert model["kept"] == model["size"] == len(medium)
    assert (model["architecture"], model["quant"]) == ("llama", "Q8_0")
