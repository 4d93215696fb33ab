"""Measures the memory of a tab: Python's wasm heap, and the JavaScript heaps of worker and page.

`performance.measureUserAgentSpecificMemory` would need cross-origin isolation and collects garbage
before it counts, so it sees no peak. DevTools counts what is there at this moment, garbage and the
bytes of ArrayBuffers included.
"""

import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession

from browser_tab import Tab

JS_HEAP = ("usedSize", "embedderHeapUsedSize", "backingStorageSize")
WASM_NBYTES = "python._module.HEAPU8.length"


@dataclass(frozen=True)
class Sample:
    """Bytes in use at one moment, and how far the load was."""

    stage: str
    wasm: int
    js: int

    @property
    def nbytes(self) -> int:
        """Both heaps together."""
        return self.wasm + self.js


class TabHeap:
    """Asks the worker of a tab of the `open_site`, and its page."""

    def __init__(self, tab: Tab) -> None:
        """Attach DevTools to the worker, which must be there already."""
        self._tab = tab
        self._replies: dict[int, Any] = {}
        self._worker = ""
        self._page: CDPSession = tab.page.context.new_cdp_session(tab.page)
        self._page.on("Target.attachedToTarget", self._attached)
        self._page.on("Target.receivedMessageFromTarget", self._received)
        attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False}
        self._page.send("Target.setAutoAttach", attach)
        tab.wait(lambda: bool(self._worker), "DevTools to find the worker")

    def sample(self) -> Sample:
        """Return what is in use now."""
        stage = self._tab.page.evaluate("tests.progress.at(-1)?.stage ?? ''")
        wasm = self._ask("Runtime.evaluate", {"expression": WASM_NBYTES, "returnByValue": True})
        heaps = (self._ask("Runtime.getHeapUsage"), self._page.send("Runtime.getHeapUsage"))
        used = sum(int(heap[key]) for heap in heaps for key in JS_HEAP)
        return Sample(stage, int(wasm["result"]["value"]), used)

    def _ask(self, method: str, params: dict[str, object] | None = None) -> Any:
        number = len(self._replies) + 1
        message = json.dumps({"id": number, "method": method, "params": params or {}})
        self._page.send(
            "Target.sendMessageToTarget", {"sessionId": self._worker, "message": message}
        )
        self._tab.wait(lambda: number in self._replies, method)
        return self._replies[number]

    def _attached(self, event: Any) -> None:
        if event["targetInfo"]["type"] == "worker":
            self._worker = event["sessionId"]

    def _received(self, event: Any) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self._replies[message["id"]] = message["result"]
