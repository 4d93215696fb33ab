"""What the end-to-end tests share: dist/ as it is now, served, and a real Chromium."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright, sync_playwright

from setup_modules import load


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of a freshly built dist/."""
    bundle = load("bundle")
    bundle.build()
    with load("serve").Site(bundle.DIST) as served:
        yield served.url


@pytest.fixture(scope="module")  # no longer: its event loop would run under the other tests too
def playwright() -> Iterator[Playwright]:
    """What drives browsers."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def new_visitor(playwright: Playwright, tmp_path: Path) -> Iterator[Callable[[], BrowserContext]]:
    """Start a headless Chromium for somebody who has never been here, with a profile on disk.

    Its WebGPU is SwiftShader, so that every machine runs the same.
    """
    machine = load("machine")
    try:
        browser = machine.ensure_browser()
    except SystemExit as error:
        if os.environ.get("REQUIRE_GPU"):
            raise
        pytest.skip(str(error))
    visitors: list[BrowserContext] = []

    def launch() -> BrowserContext:
        profile = tmp_path / f"profile-{len(visitors)}"
        flags = machine.browser_flags(None)
        visitor = playwright.chromium.launch_persistent_context(
            profile, executable_path=browser, args=flags
        )
        visitors.append(visitor)
        return visitor

    yield launch
    for visitor in visitors:
        visitor.close()


@pytest.fixture
def visitor(new_visitor: Callable[[], BrowserContext]) -> BrowserContext:
    """One new visitor."""
    return new_visitor()
