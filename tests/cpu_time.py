"""How long a browser's processes computed: on a busy machine the clock says little."""

from playwright.sync_api import Browser

KINDS = {"renderer": "tabs", "GPU": "GPU", "browser": "browser"}


class CpuTime:
    """Seconds that the processes of a browser have computed, by kind."""

    def __init__(self, browser: Browser) -> None:
        """Begin to count."""
        self._devtools = browser.new_browser_cdp_session()
        self._before = self._now()

    def seconds(self) -> dict[str, float]:
        """Return what was added since the last call."""
        before, self._before = self._before, self._now()
        return {kind: self._before[kind] - before.get(kind, 0.0) for kind in self._before}

    def _now(self) -> dict[str, float]:
        found = self._devtools.send("SystemInfo.getProcessInfo")["processInfo"]
        sums: dict[str, float] = {}
        for process in found:
            kind = KINDS.get(process["type"], "network and others")
            sums[kind] = sums.get(kind, 0.0) + float(process["cpuTime"])
        return sums
