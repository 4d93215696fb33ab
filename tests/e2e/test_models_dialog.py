"""The models of the page: a hub's, kept ones, another computer's; pausing, and a full storage."""

import asyncio
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from browser_tab import Tab
from fault_server import FaultServer
from hub_server import HubServer
from ollama_store import add_model
from scripted_engine import ScriptedLoader
from tab_store import limit_storage
from wgslm_web.native import NativeHost
from wgslm_web.shared import SharedLibrary
from wgslm_web.state import State

KEY = "a key"

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


@pytest.fixture
def hub(models: dict[str, Path]) -> Iterator[HubServer]:
    tiny = models["tiny"].read_bytes()
    files = {"tiny-Q8_0.gguf": tiny, "tiny-Q4_K_M.gguf": tiny[:5000], "README.md": b"#"}
    with HubServer({"owner/tiny": files}) as server:
        yield server


def shot(tab: Tab, name: str) -> None:
    """Leave a picture to be looked at, where somebody asks for them."""
    if folder := os.environ.get("WGSLM_SHOTS"):
        tab.page.screenshot(path=Path(folder) / f"{name}.png")


def open_dialog(tab: Tab) -> None:
    tab.show_panel()
    tab.page.get_by_role("button", name="All models…").click()


def test_a_model_of_a_hub_is_found_judged_loaded_kept_and_deleted(
    tab: Tab, site: str, hub: HubServer
) -> None:
    page = tab.page
    tab.open(f"{site}?model=models/none.gguf")
    tab.wait(lambda: "there is no such file" in tab.error, "the engine")
    open_dialog(tab)
    dialog = page.get_by_role("dialog", name="Models")
    dialog.get_by_text("Another hub").click()
    dialog.get_by_label("Address that names are looked up at").fill(hub.base)

    dialog.get_by_label("Name at the hub, or address").fill("owner/tiny")
    dialog.get_by_role("button", name="Look up", exact=True).click()
    found = dialog.get_by_role("list", name="Files that were found")
    found.get_by_text("tiny-Q8_0.gguf").wait_for()
    assert found.get_by_role("listitem").count() == 2
    found.get_by_role("button", name="Check tiny-Q8_0.gguf").click()
    verdict = dialog.get_by_role("region", name="Whether it fits")
    verdict.get_by_text("Yes, it fits.").wait_for(timeout=60_000)
    verdict.get_by_text("llama, 107\xa0k parameters, Q8_0, made for 512\xa0tokens").wait_for()
    verdict.get_by_role("button", name="Load").click()

    tab.wait_ready("tiny-Q8_0")
    open_dialog(tab)
    kept = dialog.get_by_role("list", name="On this device")
    tab.wait(lambda: "checked" in kept.inner_text(), "the file to be checked")
    shot(tab, "models")
    hub.asked.clear()
    page.reload()  # the address still names the model that is not there
    tab.wait(lambda: "there is no such file" in tab.error, "the engine")
    open_dialog(tab)
    kept.get_by_role("button", name="Load tiny-Q8_0.gguf").click()
    tab.wait_ready("tiny-Q8_0")
    assert hub.asked == [], "what is kept and pinned needs no network"

    open_dialog(tab)
    kept.get_by_role("button", name="Delete tiny-Q8_0.gguf").click()
    kept.get_by_role("button", name=re.compile(r"^Delete [\d.,]+ .B\? tiny-Q8_0.gguf")).click()
    dialog.get_by_text("Nothing is kept yet").wait_for()
    focused = page.evaluate("document.activeElement.tagName")
    assert focused == "BUTTON", "the focus fell to the page"


@pytest.fixture
def computer(site: str, models: dict[str, Path], tmp_path: Path) -> Iterator[NativeHost]:
    """A `wgslm serve` with a key that lets the page in, on a machine that has Ollama."""
    add_model(tmp_path, "registry.ollama.ai/library/little/1b", models["tiny"].read_bytes())
    started: list[NativeHost] = []
    is_up = threading.Event()

    async def run() -> None:
        state = State(ScriptedLoader(), library=SharedLibrary(ollama=tmp_path, key=KEY))
        origins = [site.rstrip("/")]
        started.append(NativeHost(state, port=0, api_key=KEY, origins=origins))
        is_up.set()
        await started[0].run()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert is_up.wait(10)
    yield started[0]
    started[0].stop()
    thread.join(10)


def test_an_ollama_model_of_another_computer_is_loaded(
    tab: Tab, site: str, computer: NativeHost
) -> None:
    tab.open(f"{site}?model=models/none.gguf")
    tab.wait(lambda: "there is no such file" in tab.error, "the engine")
    open_dialog(tab)
    dialog = tab.page.get_by_role("dialog", name="Models")
    dialog.get_by_text("A computer that runs").click()

    dialog.get_by_label("Address of the server").fill("http://127.0.0.1:9")
    dialog.get_by_role("button", name="Show its models").click()
    dialog.get_by_text("does not answer this page").wait_for()
    dialog.get_by_label("Address of the server").fill(computer.url)
    dialog.get_by_role("button", name="Show its models").click()
    dialog.get_by_text("needs its API key").wait_for()
    dialog.get_by_label("Its API key").fill(KEY)
    dialog.get_by_role("button", name="Show its models").click()
    dialog.get_by_role("button", name="Load little:1b").click()

    tab.wait_ready("little-1b")


@pytest.fixture
def elsewhere(models: dict[str, Path]) -> Iterator[FaultServer]:
    with FaultServer({"sound.gguf": models["tiny"].read_bytes()}) as server:
        yield server


def transfers(tab: Tab) -> dict[str, object]:
    found: dict[str, object] = tab.page.evaluate(
        "wgslm.api.fetch('/wgslm/transfers').then((answer) => answer.json())"
    )
    return found


def test_a_download_pauses_goes_on_and_is_cancelled(
    tab: Tab, site: str, elsewhere: FaultServer
) -> None:
    slow = quote(elsewhere.url("sound.gguf", "stall", after=1), safe="")
    tab.open(f"{site}?model={slow}")
    tab.wait(lambda: any(p["stage"] == "weights" for p in tab.progress), "the weights to begin")

    tab.page.get_by_role("button", name="Pause").click()
    tab.wait(lambda: transfers(tab)["paused"] is True, "the pause")
    tab.page.get_by_role("button", name="Go on").click()
    tab.wait(lambda: transfers(tab)["paused"] is False, "the end of the pause")
    tab.page.get_by_role("button", name="Pause").click()
    tab.page.get_by_role("button", name="Cancel").click()

    tab.wait(lambda: tab.state == "idle", "the load to end")
    tab.wait(lambda: transfers(tab)["paused"] is False, "the next load to run")
    tab.load("models/tiny.gguf")
    tab.wait_ready("tiny")


def test_a_storage_without_room_is_said_and_the_model_answers(
    tab: Tab, site: str, elsewhere: FaultServer
) -> None:
    tab.open(f"{site}?model=models/none.gguf")
    tab.wait(lambda: "there is no such file" in tab.error, "the engine")
    limit_storage(tab.page, 50_000)

    tab.load(elsewhere.url("sound.gguf"))

    tab.wait_ready("sound")
    note = tab.page.get_by_role("region", name="About the storage")
    note.get_by_text("is not kept for the next visit: the storage has no room").wait_for()
    tab.set(max_tokens=4)
    assert tab.ask("Hello")["state"] == "done"
    note.get_by_role("button", name="Show models").click()
    assert tab.page.get_by_role("dialog", name="Models").is_visible()
