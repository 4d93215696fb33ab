"""A browser that is killed in the middle of a download goes on at the byte when it starts again."""

import hashlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright

from browser_tab import Tab
from fault_server import FaultServer
from served import Served
from setup_modules import load
from tab_store import TabStore

pytestmark = pytest.mark.e2e

PART = 2 << 20
BODY = random.Random(4).randbytes(12 * PART + 5)
SECONDS = 60.0


@contextmanager
def browser(playwright: Playwright, profile: Path) -> Iterator[tuple[BrowserContext, int]]:
    """Start Chromium with a profile that stays, as a group of processes of its own."""
    machine = load("machine")
    told = profile / "DevToolsActivePort"
    told.unlink(missing_ok=True)
    options = ["--headless=new", f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    command = [machine.ensure_browser(), *machine.browser_flags(None), *options, "about:blank"]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + SECONDS
        while not (told.exists() and told.read_text().strip()):
            assert time.monotonic() < deadline, "Chromium did not open its port"
            time.sleep(0.05)
        port = told.read_text().split()[0]
        connected = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        yield connected.contexts[0], process.pid
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_killed_browser_goes_on_with_the_download(
    playwright: Playwright, open_site: Served, tmp_path: Path
) -> None:
    with FaultServer({"model.gguf": BODY}) as server:
        url = server.url("model.gguf", "stall", after=7)
        with browser(playwright, tmp_path) as (context, pid):
            store = TabStore(Tab(context), open_site.url)
            store.start(url)
            store.wait_kept(3 * PART)
            before = store.kept[0]["kept"]
            os.killpg(pid, signal.SIGKILL)
        server.asked.clear()

        with browser(playwright, tmp_path) as (context, _):
            store = TabStore(Tab(context), open_site.url)
            after = store.kept[0]["kept"]
            found = store.read(server.url("model.gguf"))

        asked = [text.removeprefix("bytes=").split("-") for _, _, text in server.asked if text]
        fetched = sum(int(stop) + 1 - int(start) for start, stop in asked if stop != "262143")
    assert before <= after < len(BODY)
    assert found == hashlib.sha256(BODY).hexdigest()
    assert fetched == len(BODY) - after
