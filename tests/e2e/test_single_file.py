"""dist/wgslm.html, the site in one file, opened from disk."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from fault_server import FaultServer
from idle import slowdown
from native_answers import native_answers
from ollama_store import add_model
from opened_file import FileTab, alone
from scripted_engine import ScriptedEngine
from scripted_host import serving
from setup_modules import ROOT, load
from stored import QUIET
from wgslm_web.shared import SharedLibrary

MODEL = ROOT / "demo/model/wgslm-demo.q8_0.gguf"
KEY = "a key"
QUESTION = "What is wgslm?"
MAX_TOKENS = 24
MOST_NBYTES = 20_000_000
READY_SECONDS = 6.0
LONGEST_MS = 300  # that the page may not answer while it is unpacked

pytestmark = [pytest.mark.e2e, pytest.mark.gpu, pytest.mark.long]


@pytest.fixture
def one_file(dist: Path, tmp_path: Path) -> Path:
    return alone(dist, tmp_path)


@pytest.fixture
def tab(visitor: BrowserContext) -> Iterator[FileTab]:
    """A tab of somebody new; whatever a test does, there must be no errors."""
    opened = FileTab(visitor)
    yield opened
    assert opened.errors == []


def test_it_answers_takes_a_picked_model_and_keeps_what_was_said(
    tab: FileTab, one_file: Path, models: dict[str, Path]
) -> None:
    native = native_answers(MODEL, [[{"role": "user", "content": QUESTION}]], MAX_TOKENS)[0]
    tab.open_file(one_file)
    tab.wait_ready(MODEL.stem)
    tab.set(temperature=0, max_tokens=MAX_TOKENS)

    answer = tab.ask(QUESTION)
    tab.page.get_by_label("Choose a .gguf file").set_input_files(models["tiny"])
    tab.wait_ready("tiny")
    picked = tab.ask("Hello")
    said = tab.messages
    tab.page.reload(wait_until="commit")
    tab.wait_booted()
    tab.wait(lambda: len(tab.messages) == 4, "the conversation to be there again")

    assert answer["state"] == "done"
    assert native.sure > 5
    assert answer["ids"][: native.sure] == list(native.ids[: native.sure])
    assert picked["ids"]
    assert [(one["role"], one["content"]) for one in tab.messages] == [
        (one["role"], one["content"]) for one in said
    ]
    expect(tab.page.locator("#log")).to_contain_text(answer["content"].split()[0])
    assert tab.asked_afar == []


def test_downloads_are_kept_in_indexeddb(
    tab: FileTab, one_file: Path, models: dict[str, Path]
) -> None:
    with FaultServer({"afar.gguf": models["tiny"].read_bytes()}) as server:
        tab.page.goto(f"{one_file.as_uri()}?model={server.url('afar.gguf')}", wait_until="commit")
        tab.wait_booted()
        tab.wait_ready("afar")
        kept = "wgslm.api.fetch('/wgslm/models').then((answer) => answer.json())"
        tab.wait(lambda: is_whole(tab.page.evaluate(kept)["models"]), "all of it")

        told = tab.page.evaluate(kept)

        assert told["storage"]["kind"] == "indexeddb"
        assert told["storage"]["is_shared"] is True
        assert {url.split("?")[0] for url in tab.asked_afar} == {
            server.url("afar.gguf").split("?")[0]
        }


def test_a_model_comes_from_a_server_that_has_a_key(
    tab: FileTab, one_file: Path, models: dict[str, Path], tmp_path: Path
) -> None:
    store = tmp_path / "ollama"
    add_model(store, "registry.ollama.ai/library/little/1b", models["tiny"].read_bytes())
    tab.open_file(one_file)
    tab.wait_ready(MODEL.stem)
    tab.show_panel()
    tab.page.get_by_role("button", name="All models…").click()
    dialog = tab.page.get_by_role("dialog", name="Models")
    dialog.get_by_text("A computer that runs").click()

    with serving(ScriptedEngine(), KEY, library=SharedLibrary(ollama=store, key=KEY)) as address:
        dialog.get_by_label("Address of the server").fill(address)
        dialog.get_by_label("Its API key").fill(KEY)
        dialog.get_by_role("button", name="Show its models").click()
        dialog.get_by_role("button", name="Load little:1b").click()

        tab.wait_ready("little-1b")


def test_it_says_what_it_cannot_and_passes_the_licences_on(tab: FileTab, one_file: Path) -> None:
    tab.page.add_init_script(QUIET)
    tab.open_file(one_file)

    tab.page.get_by_role("button", name="Licences").click()

    text = tab.page.locator("#licences").inner_text()
    note = " ".join(tab.page.locator("#chats footer").inner_text().split())
    assert "Mozilla Public License" in text and "Ivan Sagalaev" in text
    assert (
        "cannot be installed" in note
        and "IndexedDB" in note
        and "wgslm serve does if it has a key" in note
    )
    assert tab.page.locator("a[href^='./']").count() == 0


def test_only_its_own_scripts_run(visitor: BrowserContext, one_file: Path) -> None:
    tab = FileTab(visitor)
    tab.page.add_init_script(QUIET)
    tab.open_file(one_file)
    inline = "(() => { const s = document.createElement('script'); s.textContent = 'ran = 1'; })()"
    markup = "document.body.innerHTML = '<img src=x onerror=ran=1>'"
    tries = ["eval('1')", "new Function('1')()", inline, markup, "new Worker('data:,1')"]

    # In a task of the page itself: what the debugger evaluates directly is above the policy.
    attempt = """new Promise((resolve) => setTimeout(() => {
      try { %s; resolve(null); } catch (error) { resolve(error.name); }
    }))"""
    refused = [tab.page.evaluate(attempt % code) for code in tries]
    blob = "import(URL.createObjectURL(new Blob(['self.ran = 1'], { type: 'text/javascript' })))"
    imported = tab.page.evaluate(f"{blob}.then(() => 'ran', () => 'refused')")

    assert refused == ["EvalError", "EvalError", "TypeError", "TypeError", "TypeError"]
    assert imported == "refused"
    assert tab.page.evaluate("self.ran") is None


def test_it_is_ready_soon_and_answers_while_it_is_unpacked(tab: FileTab, one_file: Path) -> None:
    before = slowdown()
    tab.open_file(one_file)
    tab.wait_ready(MODEL.stem)
    seconds = tab.page.evaluate("performance.now()") / 1000
    tasks = tab.page.evaluate("longTasks")
    factor = (before + slowdown()) / 2
    longest = max((duration for _, duration in tasks), default=0)
    print(
        f"\nready {seconds:.1f} s after the click, longest task {longest:.0f} ms, "
        f"while everything took {factor:.1f} times as long as it should"
    )

    assert seconds / factor <= READY_SECONDS
    assert longest / factor <= LONGEST_MS


def test_it_is_small_enough_and_the_same_from_new_archives(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = (dist / "wgslm.html").read_bytes()
    bundle, single_file = load("bundle"), load("single_file")
    monkeypatch.setattr(load("archives"), "STORE", tmp_path / "python")  # compile all of it anew

    again = single_file.page(bundle.site_files(), tmp_path / "nothing")

    assert hashlib.sha256(again).hexdigest() == hashlib.sha256(built).hexdigest()
    assert len(built) <= MOST_NBYTES


def is_whole(models: list[dict[str, Any]]) -> bool:
    return bool(models) and all(model["kept"] == model["size"] for model in models)
