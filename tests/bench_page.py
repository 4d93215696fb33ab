"""The page that measures, as a person uses it."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

SECONDS = 120.0  # for a small model on a software GPU


class BenchPage:
    """The page in one tab."""

    def __init__(self, page: Page, site: str, seconds: float = SECONDS) -> None:
        """Open it, and wait until it can measure; a suite may take `seconds`."""
        self.page = page
        self.seconds = seconds
        page.set_default_timeout(seconds * 1e3)
        page.goto(f"{site}bench.html")
        self.wait("Ready to measure")

    def ask(self, model: str = "", shape: str = "", quant: str = "", **fields: str) -> None:
        """Fill in the form for one file, or for a shape in one format, and measure."""
        for name, wanted in (("Shapes", shape), ("Formats of the weights", quant)):
            group = self.page.get_by_role("group", name=name)
            for box in group.get_by_role("checkbox", checked=True).all():
                box.uncheck()
            if wanted:
                group.get_by_role("checkbox", name=wanted, exact=True).check()
        self.page.get_by_label("Files besides, or instead").fill(model)
        for name, value in fields.items():
            self.page.locator(f"#{name}").fill(value)
        self.page.get_by_role("button", name="Measure").click()

    def wait(self, text: str) -> None:
        """Wait until the status says so."""
        expect(self.page.get_by_role("status")).to_have_text(text, timeout=self.seconds * 1e3)

    def saved(self, button: str) -> str:
        """Press a button that saves, and return what it saved."""
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name=button).click()
        return Path(download.value.path()).read_text()

    def result(self) -> Any:
        """Wait for the end and return the figures."""
        self.wait("Done")
        return json.loads(self.saved("Save as JSON"))
