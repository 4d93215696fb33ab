"""The page in Firefox: as one file from disk, and from a server; with WebGPU and without."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from firefox import WEBGPU, Firefox
from opened_file import alone
from setup_modules import load

MODEL = "wgslm-demo.q8_0"
QUESTION = "What is wgslm?"
STATE = "document.querySelector('#status').innerText.trim()"
ANSWER = "wgslm.chat.messages.at(-1)"
ERROR = "document.querySelector('#error').innerText"
TALK = "# Kept\n\n## You\n\nHello there\n\n## Model\n\nGood day\n"

pytestmark = [pytest.mark.e2e, pytest.mark.long]

Start = Callable[..., Firefox]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start Firefox with these settings; a skip that says why where there is none."""
    try:
        program = load("machine").ensure_firefox()
    except SystemExit as error:
        pytest.skip(str(error))
    with ExitStack() as running:

        def start(**prefs: object) -> Firefox:
            profile = tmp_path / "profile"
            return running.enter_context(Firefox(program, profile, prefs))

        yield start


def open_page(firefox: Firefox, url: str) -> None:
    """Go to the page and wait for its scripts."""
    firefox.open(url)
    firefox.wait(lambda: firefox.evaluate("window.wgslm !== undefined"), "the page")


def wait_ready(firefox: Firefox, name: str) -> None:
    firefox.wait(lambda: firefox.evaluate(STATE) == f"Ready: {name}", f"{name} to be ready")


def ask(firefox: Firefox, text: str) -> dict[str, Any]:
    """Send a message and return the answer."""
    count = firefox.evaluate("wgslm.chat.messages.length") + 2
    write(firefox, "#prompt", text)
    firefox.evaluate("document.querySelector('#send').click()")
    sent = f"wgslm.chat.messages.length === {count} && {ANSWER}.state !== 'streaming'"
    firefox.wait(lambda: firefox.evaluate(sent), "the answer to end")
    found: dict[str, Any] = firefox.evaluate(ANSWER)
    return found


def write(firefox: Firefox, selector: str, text: str) -> None:
    """Fill in a field."""
    field = f"document.querySelector({selector!r})"
    event = "new Event('input', { bubbles: true })"
    firefox.evaluate(f"({field}.value = {text!r}, {field}.dispatchEvent({event}))")


def errors(firefox: Firefox) -> list[str]:
    """What went wrong in the page; Firefox warns of its own too."""
    return [line for line in firefox.errors if "wgslm" in line or "Content-Security" in line]


@pytest.mark.gpu
def test_one_file_answers_takes_a_picked_model_and_keeps_what_was_said(
    start: Start,
    dist: Path,
    models: dict[str, Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    firefox = start(**WEBGPU)
    open_page(firefox, alone(dist, tmp_path).as_uri())
    wait_ready(firefox, MODEL)
    print(f"\nready {firefox.evaluate('performance.now()') / 1000:.1f} s after the click")

    answer = ask(firefox, QUESTION)
    keep_screenshot(firefox, request, "firefox-file")
    firefox.set_files("#model-file", [models["tiny"]])
    wait_ready(firefox, "tiny")
    firefox.reload()
    firefox.wait(lambda: firefox.evaluate("window.wgslm?.chat.messages.length === 2"), "the talk")

    assert answer["state"] == "done" and len(answer["content"]) > 20
    assert firefox.evaluate(ANSWER)["content"] == answer["content"]
    assert [url for url in firefox.asked if url.startswith("http")] == []
    assert errors(firefox) == []


@pytest.mark.gpu
def test_site_answers_and_keeps_models_in_its_file_system(start: Start, site: str) -> None:
    firefox = start(**WEBGPU)
    open_page(firefox, f"{site}?model=models/tiny.gguf")
    wait_ready(firefox, "tiny")

    answer = ask(firefox, "Hello")

    told = firefox.evaluate("wgslm.api.fetch('/wgslm/models').then((answer) => answer.json())")
    assert answer["ids"]
    assert told["storage"]["kind"] == "opfs"
    assert [one["location"] for one in told["models"]] == [f"{site}models/tiny.gguf"]
    assert {url.split("/")[2] for url in firefox.asked if url.startswith("http")} == {
        site.split("/")[2]
    }
    assert errors(firefox) == []


def test_without_webgpu_it_says_what_is_missing_and_the_rest_works(
    start: Start,
    dist: Path,
    models: dict[str, Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    firefox = start(**{"dom.webgpu.enabled": False})
    (tmp_path / "talk.md").write_text(TALK)
    open_page(firefox, alone(dist, tmp_path).as_uri())
    said = firefox.evaluate(ERROR)
    keep_screenshot(firefox, request, "firefox-no-webgpu")

    firefox.set_files("#import-file", [tmp_path / "talk.md"])
    firefox.wait(lambda: firefox.evaluate("wgslm.chat.messages.length === 2"), "the talk")
    write(firefox, "#setting-temperature", "0.5")
    firefox.evaluate("document.querySelector('#error-close').click()")
    firefox.set_files("#model-file", [models["tiny"]])
    firefox.wait(lambda: firefox.evaluate(ERROR) == said, "the same sentence about a file")
    firefox.reload()
    firefox.wait(lambda: firefox.evaluate("window.wgslm?.chat.messages.length === 2"), "the talk")

    assert firefox.evaluate(STATE) == "Models cannot run here"
    assert "has no WebGPU" in said and "Firefox" in said
    assert firefox.evaluate("document.querySelector('#setting-temperature').value") == "0.5"
    assert "Kept" in firefox.evaluate("document.querySelector('#chat-list').innerText")
    assert firefox.evaluate("document.querySelector('#loading').hidden")
    assert errors(firefox) == []


def keep_screenshot(firefox: Firefox, request: pytest.FixtureRequest, name: str) -> None:
    """Keep a picture where pictures are asked for."""
    if folder := request.config.getoption("--screenshots"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        firefox.screenshot(Path(folder) / f"{name}.png")
