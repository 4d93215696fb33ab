"""A page that is talked to for long needs no more memory for it."""

import time

import pytest

from browser_tab import Tab
from served import Served
from tab_heap import TabHeap

WARM = 20  # turns after which everything is there that is there for good
TURNS = 200
EACH = 3  # turns of a conversation, as many as fit into the context of the tiny model
MOST_A_TURN = 1000  # bytes

pytestmark = [pytest.mark.e2e, pytest.mark.gpu, pytest.mark.long]


def test_two_hundred_turns_leave_nothing_behind(tab: Tab, open_site: Served) -> None:
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=4)
    heap = TabHeap(tab)

    begun = time.monotonic()
    tab.page.evaluate("([turns, each]) => tests.talk(turns, each)", [WARM, EACH])
    before = heap.settled()
    tab.page.evaluate("([turns, each]) => tests.talk(turns, each)", [TURNS - WARM, EACH])
    after = heap.settled()

    growth = (after.nbytes - before.nbytes) / (TURNS - WARM)
    print(
        f"\n{TURNS} turns in {time.monotonic() - begun:.0f} s: {growth:.0f} bytes a turn after "
        f"{WARM} (wasm {after.wasm - before.wasm:+,}, JS {after.js - before.js:+,})"
    )
    assert growth < MOST_A_TURN
