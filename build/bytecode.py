"""Bytecode for the tab, compiled by the tab's own Python in headless Chromium.

Pyodide's standard library comes as source, and no other Python writes its bytecode; compiled ahead,
a boot takes about half the time.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Error, Route, sync_playwright

if TYPE_CHECKING:
    from build import environment, steps
else:
    environment = sys.modules["wgslm_build_environment"]
    steps = environment.load("steps")

ORIGIN = "http://localhost"  # never connected to: every request is answered here
SCRIPTS = ("in_tab.js", "in_tab.py")
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
TIMEOUT_MS = 180_000


def compile_in_tab(files: Mapping[str, bytes], browser: Path) -> dict[str, bytes]:
    """Return `{"standard/json/__init__.pyc": code, "libraries/...": ...}`.

    `files` holds Pyodide's own files, app.zip and imports.json, by name.
    """
    served = {**files, **{name: (environment.BUILD / name).read_bytes() for name in SCRIPTS}}
    with steps.step("Compiling the tab's Python"):
        # In a thread of its own: Playwright refuses one where an event loop runs, as in tests.
        with ThreadPoolExecutor(max_workers=1) as pool:
            result = pool.submit(_run, served, browser).result()
    with zipfile.ZipFile(io.BytesIO(result)) as compiled:
        return {name: compiled.read(name) for name in compiled.namelist()}


def _run(served: Mapping[str, bytes], browser: Path) -> bytes:
    """Open a page that has these files, and wait for what it hands back."""
    answers: dict[str, bytes] = {}

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ORIGIN).lstrip("/")
        if route.request.method == "POST":
            answers[name] = route.request.post_data_buffer or b""
        content_type = TYPES.get(Path(name).suffix, "text/html")
        route.fulfill(body=served.get(name, b""), content_type=content_type)

    try:
        with sync_playwright() as playwright:
            flags = environment.load("machine").browser_flags(None)
            chromium = playwright.chromium.launch(executable_path=browser, args=flags)
            page = chromium.new_page()
            page.route("**", answer)
            page.goto(ORIGIN)
            with page.expect_response(
                lambda response: response.request.method == "POST", timeout=TIMEOUT_MS
            ):
                page.add_script_tag(url=f"{ORIGIN}/in_tab.js", type="module")
            chromium.close()
    except Error as error:
        raise steps.SetUpError(f"{browser} did not compile the tab's Python: {error}") from error
    if "compiled" not in answers:
        raise steps.SetUpError(
            f"The tab's Python did not compile: {answers['failed'].decode(errors='replace')}"
        )
    return answers["compiled"]
