"""The GPU process of a Chromium, as faults need it: crashed, stopped, short of memory."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error


class GpuProcess:
    """Finds the process anew each time: a crash gives the browser another one."""

    def __init__(self, browser: Browser) -> None:
        """Talk to the browser, not to a page."""
        self._devtools = browser.new_browser_cdp_session()

    def crash(self) -> None:
        """Let it crash, as a driver's bug would."""
        try:
            self._devtools.send("Browser.crashGpuProcess")
        except Error as error:  # the answer may be lost with the process
            if "closed" in str(error):
                raise

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it hang: nothing that was asked of it is answered, and nothing is reported lost."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def limit_memory(self, more: int) -> None:
        """Let it have only so many bytes more than it has."""
        [pages, *_] = Path(f"/proc/{self.pid}/statm").read_text().split()
        most = int(pages) * resource.getpagesize() + more
        resource.prlimit(self.pid, resource.RLIMIT_AS, (most, most))

    @property
    def pid(self) -> int:
        """Its number."""
        processes = self._devtools.send("SystemInfo.getProcessInfo")["processInfo"]
        [pid] = [one["id"] for one in processes if one["type"] == "GPU"]
        return int(pid)
