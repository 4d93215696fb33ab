"""A page that is talked to for long needs no more memory for it.

V8 makes machine code of what runs often, and keeps it: in 200 turns some 400 KB of it come bit by
bit. What the page keeps would be lost in that, so this browser only interprets.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from browser_tab import Tab
from random_model import TINY, write_random_llama
from served import Served
from setup_modules import load
from tab_heap import TabHeap

WARM = 20  # turns after which everything is there that is there for good
TURNS = 200
EACH = 20  # turns of a conversation
CONTEXT = 4096  # that so many fit into
MOST_A_TURN = 1000  # bytes
INTERPRETED = "--js-flags=--no-opt --no-maglev --no-sparkplug"

pytestmark = [pytest.mark.e2e, pytest.mark.gpu, pytest.mark.long]


@pytest.fixture
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium that makes no machine code of JavaScript."""
    machine = load("machine")
    path, flags = machine.ensure_browser(), [*machine.browser_flags(None), INTERPRETED]
    browser = playwright.chromium.launch(executable_path=path, args=flags)
    yield browser
    browser.close()


def test_two_hundred_turns_leave_nothing_behind(
    browser: Browser, open_site: Served, tmp_path: Path
) -> None:
    model = write_random_llama(tmp_path / "soak.gguf", {**TINY, "context": CONTEXT})
    open_site.files["/models/soak.gguf"] = model
    tab = Tab(browser.new_context())
    tab.open(f"{open_site.url}?model=models/soak.gguf")
    tab.wait_ready("soak")
    tab.set(temperature=0, max_tokens=4)
    heap = TabHeap(tab)

    begun = time.monotonic()
    tab.page.evaluate("([turns, each]) => tests.talk(turns, each)", [WARM, EACH])
    before = heap.settled()
    tab.page.evaluate("([turns, each]) => tests.talk(turns, each)", [TURNS - WARM, EACH])
    after = heap.settled()

    growth = (after.used - before.used) / (TURNS - WARM)
    print(
        f"\n{TURNS} turns in {time.monotonic() - begun:.0f} s: {growth:.0f} bytes a turn after "
        f"{WARM} (Python {after.malloced - before.malloced:+,}, JS {after.js - before.js:+,})"
    )
    assert growth < MOST_A_TURN
