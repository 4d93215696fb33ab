"""wgslm.html as a double click opens it: alone in a folder, with all that it asks for noted."""

import shutil
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage

from browser_tab import Tab

NAME = "wgslm.html"
BOOTED = "() => window.wgslm !== undefined"
# Every block of the main thread from the start on, in milliseconds from the navigation.
LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) longTasks.push([startTime, duration]);
}).observe({ type: "longtask", buffered: true });
"""


def alone(dist: Path, folder: Path) -> Path:
    """Copy the file to where nothing lies beside it."""
    return Path(shutil.copy(dist / NAME, folder / NAME))


class FileTab(Tab):
    """A tab with the file in it."""

    def __init__(self, context: BrowserContext) -> None:
        """Open an empty tab that notes every request and every error."""
        super().__init__(context)
        self.page.add_init_script(LONG_TASKS)
        self.asked: list[str] = []
        self.errors: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))

    def _note(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.errors.append(line.text)

    def open_file(self, path: Path) -> None:
        """Double-click it, and wait until the page itself is there; Python starts meanwhile."""
        self.page.goto(path.as_uri(), wait_until="commit")
        self.wait_booted()

    def wait_booted(self) -> None:
        """Wait for the page's scripts."""
        self.wait(lambda: bool(self.page.evaluate(BOOTED)), "the page")

    @property
    def asked_afar(self) -> list[str]:
        """What was asked for beside the file and the blobs it makes."""
        return [url for url in self.asked if not url.startswith(("file:", "blob:", "data:"))]
