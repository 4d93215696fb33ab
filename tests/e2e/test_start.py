"""How long it takes from an address to a model that answers, and what comes over the wire."""

import gzip
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from idle import slowdown
from setup_modules import load

COLD_SECONDS = 5.0
WARM_SECONDS = 4.0  # 3.0 to 3.3 here since kernels are examined and models kept; the aim is 1.5
TRIES = 3  # the best one counts: other programs only ever make it slower
WIRE_NBYTES = 8_000_000
SETTLED = "#status:not([data-state=loading])"

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def seconds_until_ready(visitor: BrowserContext, site: str) -> float:
    """Return what a visit takes, as it would be if nothing else ran on this machine."""
    page = visitor.new_page()
    before = slowdown()
    begun = time.perf_counter()
    page.goto(site)
    status = page.wait_for_selector(SETTLED, timeout=60_000)
    seconds = time.perf_counter() - begun
    assert status and status.get_attribute("data-state") == "ready"
    page.close()
    factor = (before + slowdown()) / 2
    print(f"\n{seconds:.1f} s, while everything took {factor:.1f} times as long as it should")
    return seconds / factor


def profile(chromium: Browser, folder: Path) -> BrowserContext:
    """Start as somebody who has never been here, and whose cache is on disk as most people's."""
    machine = load("machine")
    return chromium.browser_type.launch_persistent_context(
        folder, executable_path=machine.ensure_browser(), args=machine.browser_flags(None)
    )


@pytest.mark.speed
def test_page_is_ready_soon_and_sooner_on_the_next_visit(
    chromium: Browser, site: str, tmp_path: Path
) -> None:
    colds, warms = [], []
    for number in range(TRIES):
        with profile(chromium, tmp_path / str(number)) as visitor:
            colds.append(seconds_until_ready(visitor, site))
            warms.append(seconds_until_ready(visitor, site))

    assert min(colds) <= COLD_SECONDS
    assert min(warms) <= WARM_SECONDS


def test_site_without_the_model_is_small_over_the_wire(site: str) -> None:
    dist = load("bundle").DIST
    apart = (".png", ".gguf")  # and wgslm.html, which is the site once more
    files = [path for path in dist.rglob("*") if path.is_file() and path.suffix not in apart]
    sizes = [len(gzip.compress(path.read_bytes())) for path in files if path.name != "wgslm.html"]

    assert sum(sizes) <= WIRE_NBYTES
