"""What the end-to-end tests share: dist/ as it is now, served, models, and a real Chromium."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from browser_tab import Tab
from random_model import TINY, write_random_llama
from served import Served, serve
from setup_modules import load
from stories import write_stories_q8_0

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these last: Playwright's event loop occupies this thread, others start theirs."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)


@pytest.fixture(scope="session")
def dist() -> Path:
    """A freshly built dist/. Building may start Playwright, so this comes before `chromium`."""
    bundle = load("bundle")
    bundle.build()
    folder: Path = bundle.DIST
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small models by name: `tiny` always, `stories` and `stories.q8_0` with the reference data."""
    folder = tmp_path_factory.mktemp("models")
    found = {"tiny": write_random_llama(folder / "tiny.gguf", TINY)}
    if reference := os.environ.get("WGSLM_REFERENCE_DATA"):
        found["stories"] = Path(reference) / "models/stories260K.f32.gguf"
        found["stories.q8_0"] = write_stories_q8_0(found["stories"], folder / "stories.q8_0.gguf")
    return found


@pytest.fixture(scope="session")
def served(dist: Path, models: dict[str, Path]) -> Iterator[Served]:
    """The site of dist/ with the models beside it."""
    with serve(dist, {f"/models/{name}.gguf": path for name, path in models.items()}) as site:
        yield site


@pytest.fixture(scope="session")
def site(served: Served) -> str:
    """The address of the site."""
    return served.url


@pytest.fixture(scope="session")
def open_site(dist: Path, models: dict[str, Path]) -> Iterator[Served]:
    """The same, but in its workers `python` is a global: Pyodide as loadPyodide returns it."""
    files = {f"/models/{name}.gguf": path for name, path in models.items()}
    files["/pyodide/pyodide.mjs"] = HERE / "open_pyodide.mjs"
    files["/pyodide/real.mjs"] = dist / "pyodide/pyodide.mjs"
    with serve(dist, files) as site:
        yield site


@pytest.fixture(scope="session")
def playwright(dist: Path) -> Iterator[Playwright]:
    """The one Playwright that this thread may have; building comes first, which may start one."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium whose WebGPU is SwiftShader, so that every machine runs the same."""
    machine = load("machine")
    try:
        path = machine.ensure_browser()
    except SystemExit as error:
        if os.environ.get("REQUIRE_GPU"):
            raise
        pytest.skip(str(error))
    flags = machine.browser_flags(None)
    browser = playwright.chromium.launch(executable_path=path, args=flags)
    yield browser
    browser.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[BrowserContext]:
    """Somebody who has never been here: no cache, no storage."""
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture
def tab(visitor: BrowserContext) -> Iterator[Tab]:
    """A tab of somebody new; whatever a test does, the page must not break its own rules."""
    opened = Tab(visitor)
    yield opened
    wrong = ("uncaught", "Content Security Policy")
    assert [line for line in opened.console if any(word in line for word in wrong)] == []
