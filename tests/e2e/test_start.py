"""How long it takes from an address to a model that answers, and what comes over the wire."""

import gzip
import time

import pytest
from playwright.sync_api import BrowserContext

from setup_modules import load

COLD_SECONDS = 5.0
WARM_SECONDS = 3.0
WIRE_NBYTES = 8_000_000
READY = "#status[data-state=ready]"

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def seconds_until_ready(visitor: BrowserContext, site: str) -> float:
    page = visitor.new_page()
    begun = time.perf_counter()
    page.goto(site)
    page.wait_for_selector(READY, timeout=60_000)
    seconds = time.perf_counter() - begun
    page.close()
    return seconds


def test_page_is_ready_soon_and_sooner_on_the_next_visit(
    visitor: BrowserContext, site: str
) -> None:
    cold = seconds_until_ready(visitor, site)
    warm = min(seconds_until_ready(visitor, site) for _ in range(2))

    assert cold <= COLD_SECONDS
    assert warm <= WARM_SECONDS


def test_site_without_the_model_is_small_over_the_wire(site: str) -> None:
    dist = load("bundle").DIST
    files = [path for path in dist.rglob("*") if path.is_file() and path.suffix != ".png"]
    sizes = [len(gzip.compress(path.read_bytes())) for path in files if path.suffix != ".gguf"]

    assert sum(sizes) <= WIRE_NBYTES
