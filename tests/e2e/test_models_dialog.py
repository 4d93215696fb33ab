"""The models of the page: a hub's, kept ones, another computer's; pausing, and a full storage."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, expect

from browser_tab import Tab
from fault_server import FaultServer
from hub_server import HubServer
from ollama_store import add_model
from scripted_engine import ScriptedEngine
from scripted_host import serving
from stored import QUIET
from tab_store import limit_storage
from wgslm_web.shared import SharedLibrary

KEY = "a key"
CLASS_OF = "facts => import('./suggestions.js').then(({ classOf }) => classOf(facts))"
HEADER = {
    "architecture": "llama", "parameters": 7.2e9, "quant": "Q4_K_M", "context_length": 8192,
    "context": 4096, "memory": 6e9, "binding": 2e9, "fits": False, "why": "",
}  # fmt: skip
# What the engine says of a header, on a device that no test has; test_preflight.py asks it itself.
JUDGED = "judged => { wgslm.api.post = async () => Response.json(judged); }"
PAUSE = "paused => wgslm.api.post('/wgslm/pause-load', { paused }).then(() => null)"
PROGRESS = "detail => wgslm.model.dispatchEvent(new CustomEvent('progress', { detail }))"

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
    tab.wait_ready("tiny-Q8_0")
    tab.open(f"{site}?model=models/nowhere.gguf")
    tab.wait(lambda: "there is no such file" in tab.error, "what another address names")
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
def computer(site: str, models: dict[str, Path], tmp_path: Path) -> Iterator[str]:
    """A `wgslm serve` with a key that lets the page in, on a machine that has Ollama."""
    add_model(tmp_path, "registry.ollama.ai/library/little/1b", models["tiny"].read_bytes())
    library = SharedLibrary(ollama=tmp_path, key=KEY)
    with serving(ScriptedEngine(), KEY, [site.rstrip("/")], library) as address:
        yield address


def test_an_ollama_model_of_another_computer_is_loaded(tab: Tab, site: str, computer: str) -> None:
    tab.open(f"{site}?model=models/none.gguf")
    tab.wait(lambda: "there is no such file" in tab.error, "the engine")
    open_dialog(tab)
    dialog = tab.page.get_by_role("dialog", name="Models")
    dialog.get_by_text("A computer that runs").click()

    dialog.get_by_label("Address of the server").fill("http://127.0.0.1:9")
    dialog.get_by_role("button", name="Show its models").click()
    dialog.get_by_text("does not answer this page").wait_for()
    dialog.get_by_label("Address of the server").fill(computer)
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


def test_a_second_tab_says_that_it_waits_for_the_first(
    visitor: BrowserContext, site: str, elsewhere: FaultServer
) -> None:
    first, second = Tab(visitor), Tab(visitor)
    url = elsewhere.url("sound.gguf")
    first.open(f"{site}?model=models/none.gguf")
    first.wait(lambda: "there is no such file" in first.error, "the engine")
    first.page.evaluate(PAUSE, True)
    first.load(url)
    first.wait(lambda: any(p["stage"] == "weights" for p in first.progress), "the weights to begin")

    second.open(f"{site}?model={quote(url, safe='')}")

    expect(second.page.locator("#load-text")).to_have_text(
        "Another tab is downloading sound.gguf; waiting for it", timeout=60_000
    )
    first.page.evaluate(PAUSE, False)
    for tab in (first, second):
        tab.wait_ready("sound")


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


def test_the_page_s_own_model_and_what_suits_the_device_are_offered(
    tab: Tab, site: str, models: dict[str, Path]
) -> None:
    repo = "bartowski/SmolLM2-135M-Instruct-GGUF"
    files = {"SmolLM2-135M-Q8_0.gguf": models["tiny"].read_bytes(), "mmproj-Q8_0.gguf": b"eyes"}
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    open_dialog(tab)
    dialog = tab.page.get_by_role("dialog", name="Models")
    rows = dialog.get_by_role("list", name="Suggestions").get_by_role("listitem")

    expect(rows.first).to_contain_text("comes with this page")
    expect(rows.filter(has_text=repo)).to_contain_text("Q8_0 · 135 M parameters")  # in software
    with HubServer({repo: files}) as hub:
        dialog.get_by_text("Another hub").click()
        dialog.get_by_label("Address that names are looked up at").fill(hub.base)
        dialog.get_by_role("button", name=f"Look up {repo}:Q8_0").click()
        dialog.get_by_text("Yes, it fits.").wait_for()
        dialog.get_by_label("Name at the hub, or address").fill(repo)
        dialog.get_by_role("button", name="Look up", exact=True).click()
        found = dialog.get_by_role("list", name="Files that were found")
        expect(found.get_by_role("listitem")).to_have_count(1)  # a projector is no model
    rows.first.get_by_role("button", name="Load").click()

    tab.wait_ready("wgslm-demo.q8_0")


def test_every_device_has_models_that_it_can_hold(tab: Tab, site: str) -> None:
    tab.page.goto(site)
    known = {"isSoftware": False, "isPhone": False, "bufferNbytes": 4 << 30, "memory": 8}
    classes: dict[str, dict[str, object]] = {
        "software": {"isSoftware": True},
        "small": {"isPhone": True},
        "medium": {"bufferNbytes": 1 << 30},
        "large": {},
    }

    for name, facts in classes.items():
        found = tab.page.evaluate(CLASS_OF, {**known, **facts})
        assert found["id"] == name
        assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", model["repo"]) for model in found["models"])
        assert all(model["format"] in ("Q8_0", "Q4_K_M") for model in found["models"])


@pytest.mark.parametrize(
    ("judged", "answer", "button"),
    [
        (
            {"fitting": 2048},
            "It fits with 2,048\xa0tokens of context.",
            "Load with 2,048\xa0tokens",
        ),
        ({"fitting": 0, "why": "it is too large"}, "No: it is too large.", None),
    ],
)
def test_a_model_that_does_not_fit_is_said_to(
    tab: Tab, site: str, judged: dict[str, object], answer: str, button: str | None
) -> None:
    tab.page.add_init_script(QUIET)
    tab.open(site)
    tab.page.evaluate(JUDGED, {**HEADER, **judged})
    open_dialog(tab)
    dialog = tab.page.get_by_role("dialog", name="Models")
    dialog.get_by_label("Name at the hub, or address").fill("https://models.example/large.gguf")
    dialog.get_by_role("button", name="Look up", exact=True).click()

    verdict = dialog.get_by_role("region", name="Whether it fits")
    expect(verdict).to_contain_text(answer)
    expect(verdict).to_contain_text("llama, 7.2\xa0B parameters, Q4_K_M, made for 8,192\xa0tokens")
    buttons = [made.inner_text() for made in verdict.get_by_role("button").all()]
    assert buttons == ([button] if button else [])


def test_a_load_says_its_pace_and_what_is_left(tab: Tab, site: str) -> None:
    tab.page.add_init_script(QUIET)
    tab.open(site)
    weights = {"stage": "weights", "total": 900_000_000}

    for done, seconds in ((100_000_000, 2), (200_000_000, 4)):
        tab.page.evaluate(PROGRESS, {**weights, "done": done, "seconds": seconds})

    expect(tab.page.locator("#load-text")).to_have_text(
        "Loading the weights: 200\xa0MB of 900\xa0MB at 50.0\xa0MB/s, 4.0\xa0s, 14\xa0s left"
    )
    expect(tab.page.get_by_role("progressbar", name="Loading the weights")).to_be_visible()
