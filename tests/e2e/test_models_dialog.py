"""The dialog of models: a hub's files, whether they fit, what is kept, another computer's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser_tab import Tab
from hub_server import HubServer

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
    dialog.get_by_text("Nothing is kept yet").wait_for()
