"""Every program that a plan can ask for is accepted by Chromium's Tint, without a warning."""

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from programs import all_programs

pytestmark = pytest.mark.e2e
ARGUMENTS = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--no-sandbox"]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of Chromium with WebGPU, which needs a secure context: 127.0.0.1 is one."""
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("REQUIRE_GPU"):
            pytest.fail("there is no chromium")
        pytest.skip("there is no chromium")
    handler = functools.partial(QuietHandler, directory=str(Path(__file__).parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            opened = browser.new_page()
            opened.goto(f"http://127.0.0.1:{server.server_port}/compile.html")
            yield opened
            browser.close()
        server.shutdown()


def test_every_program_compiles_in_chromium(page: Page) -> None:
    described = [
        {
            "label": f"{program.source().name} {dict(program.constants)}",
            "code": program.source().text,
            "constants": dict(program.constants),
            "bindings": [[b.index, b.access] for b in program.source().bindings],
        }
        for program in all_programs()
    ]

    assert page.evaluate("programs => refused(programs)", described) == []


def test_a_refusal_is_seen(page: Page) -> None:
    broken = {"label": "broken", "code": "nonsense", "constants": {}, "bindings": []}

    (complaint,) = page.evaluate("programs => refused(programs)", [broken])

    assert complaint.startswith("broken: ")
