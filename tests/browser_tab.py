"""The page as tests see it: what a person can do, and what the page keeps about it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, Worker

HELPERS = Path(__file__).parent / "e2e/in_page.js"
SECONDS = 60.0  # for anything; a busy machine with a software GPU is slow
POLL_MS = 20


class Tab:
    """One tab of a browser with the page in it."""

    def __init__(self, context: BrowserContext) -> None:
        """Open an empty tab."""
        self.page: Page = context.new_page()
        self.page.add_init_script(path=HELPERS)
        self.console: list[str] = []
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))

    def open(self, url: str) -> None:
        """Go to the page; the model that the URL names begins to load."""
        self.page.goto(url)

    def load(self, url: str) -> None:
        """Type a model's address and press Load."""
        self.show_panel()
        self.page.get_by_label("Address of a GGUF file").fill(url)
        self.page.get_by_role("button", name="Load", exact=True).click()

    def wait_ready(self, name: str) -> None:
        """Wait until the model of this name can be asked."""
        self.wait(
            lambda: self.status == f"Ready: {name}" and self.state == "ready", f"{name} to be ready"
        )

    def ask(self, text: str) -> dict[str, Any]:
        """Send a message and return the answer when it is complete."""
        self.send(text)
        self.wait(lambda: self.answer["state"] != "streaming", "the answer to end")
        return self.answer

    def send(self, text: str) -> None:
        """Send a message, and wait until the answer is under way."""
        count = len(self.messages)
        self.page.get_by_role("textbox", name="Your message").fill(text)
        self.page.get_by_role("button", name="Send").click()
        self.wait(lambda: len(self.messages) == count + 2, "the message to be sent")

    def set(self, **settings: float) -> None:
        """Fill in fields of the panel by their names in requests."""
        self.show_panel()
        for name, value in settings.items():
            self.page.locator(f"#setting-{name}").fill(str(value))
        self._hide_panel()

    def wait(self, is_so: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
        """Ask again and again, or fail saying what was waited for and what the page shows."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                shown = f"status {self.status!r}, error {self.error!r}, console {self.console[-5:]}"
                raise AssertionError(f"waited {seconds:.0f} s for {what}: {shown}")
            self.page.wait_for_timeout(POLL_MS)

    def python(self, source: str) -> Any:
        """Run Python in the worker and return its last value; needs the `open_site`."""
        return self.worker.evaluate("source => python.runPython(source)", source)

    @property
    def status(self) -> str:
        """The line at the top."""
        return self.page.get_by_role("status").inner_text().strip()

    @property
    def state(self) -> str | None:
        """What the dot beside the status says: loading, ready, idle or error."""
        return self.page.get_by_role("status").get_attribute("data-state")

    @property
    def error(self) -> str:
        """The sentences of the error box; empty when it is not shown."""
        box = self.page.locator("#error > div")
        return " ".join(box.inner_text().split()) if box.is_visible() else ""

    @property
    def facts(self) -> str:
        """What the panel says about the loaded model."""
        return self.page.locator("#model-facts").text_content() or ""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation as the page keeps it."""
        found: list[dict[str, Any]] = self.page.evaluate("wgslm.chat.messages")
        return found

    @property
    def answer(self) -> dict[str, Any]:
        """The last message."""
        return self.messages[-1]

    @property
    def shown(self) -> Locator:
        """The last message as it is drawn."""
        return self.page.locator(".message").last

    @property
    def progress(self) -> list[dict[str, Any]]:
        """Every progress event of every load so far."""
        found: list[dict[str, Any]] = self.page.evaluate("tests.progress")
        return found

    @property
    def worker(self) -> Worker:
        """The worker that runs Python; another one keeps files."""
        self.wait(lambda: bool(self._engines()), "the worker")
        return self._engines()[-1]

    def _engines(self) -> list[Worker]:
        return [worker for worker in self.page.workers if worker.url.endswith("/worker.js")]

    def show_panel(self) -> None:
        """Open what says everything about the model and the answers."""
        if not self.page.locator("#side").is_visible():
            self.page.get_by_role("button", name="Model and settings").click()

    def _hide_panel(self) -> None:
        if self.page.locator("#side.covers").is_visible():
            self.page.get_by_role("button", name="Close the panel").click()
