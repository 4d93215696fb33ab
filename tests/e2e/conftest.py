"""What the end-to-end tests share: dist/ as it is now, served, and a real Chromium."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from setup_modules import load


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of a freshly built dist/."""
    bundle = load("bundle")
    bundle.build()
    with load("serve").Site(bundle.DIST) as served:
        yield served.url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium whose WebGPU is SwiftShader, so that every machine runs the same."""
    machine = load("machine")
    try:
        path = machine.ensure_browser()
    except SystemExit as error:
        if os.environ.get("REQUIRE_GPU"):
            raise
        pytest.skip(str(error))
    with sync_playwright() as playwright:
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
