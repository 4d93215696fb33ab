"""A small site of the service worker and a tab without an engine, which tests ask through it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

from served import serve
from setup_modules import load

TAB = Path(__file__).parent / "e2e/relay.html"
PARTS = ("service-worker.js", "site-files.js", "relay.js", "bridge.js", "resume.js", "offline.js")
KEPT = "window.offline?.state === 'ready' && navigator.serviceWorker.controller"
SECONDS = 60.0


@contextmanager
def relay_site(folder: Path, beside: Mapping[str, Path]) -> Iterator[str]:
    """Serve it from `folder`; `beside` has more files by their paths."""
    page = load("bundle").PAGE
    files = {name: (page / name).read_bytes() for name in PARTS}
    files["relay.html"] = TAB.read_bytes()
    load("offline").seal(files)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with serve(folder, beside) as site:
        yield site.url


def open_tab(visitor: BrowserContext, site: str, query: str) -> Page:
    """Open a tab that the service worker controls; what is in its query says what it is."""
    page = visitor.new_page()
    page.goto(f"{site}relay.html?{query}")
    wait(page, KEPT)
    return page


def wait(page: Page, condition: str, seconds: float = SECONDS) -> None:
    """Wait until an expression is true in the page."""
    page.wait_for_function(condition, timeout=seconds * 1e3)


def stop_service_workers(page: Page) -> None:
    """Kill them, as a browser that runs short of something does."""
    client = page.context.new_cdp_session(page)
    client.send("ServiceWorker.enable")
    client.send("ServiceWorker.stopAllWorkers")
