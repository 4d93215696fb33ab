"""Measures the memory of a tab: Python's wasm heap, and the JavaScript heaps of workers and page.

`performance.measureUserAgentSpecificMemory` would need cross-origin isolation and collects garbage
before it counts, so it sees no peak. DevTools counts what is there at this moment, garbage and the
bytes of ArrayBuffers included.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession

from browser_tab import Tab

Send = Callable[[str], None]
JS_HEAP = ("usedSize", "embedderHeapUsedSize", "backingStorageSize")
ATTACH: dict[str, object] = {
    "autoAttach": True,
    "waitForDebuggerOnStart": False,
    "flatten": False,
}
COLLECT = "HeapProfiler.collectGarbage"
COLLECTIONS = 24
PAUSE_MS = 500
TIMERS_MS = 61_000  # Pyodide keeps a timer that was cancelled until it fires; none is longer
WASM_NBYTES = "python._module.HEAPU8.length"
# C's mallinfo() writes ten integers; the eighth counts the bytes in use.
MALLOCED = """(() => {
  const { _malloc, _mallinfo, _free } = python._module;
  const info = _malloc(40);
  _mallinfo(info);
  const used = python._module.HEAP32[info / 4 + 7];
  _free(info);
  return used;
})()"""


@dataclass(frozen=True)
class Sample:
    """Bytes in use at one moment, and how far the load was."""

    stage: str
    wasm: int
    malloced: int  # of the wasm heap, which grows by a fifth at a time
    js: int

    @property
    def nbytes(self) -> int:
        """Both heaps together."""
        return self.wasm + self.js

    @property
    def used(self) -> int:
        """The same, less what the wasm heap has in reserve."""
        return self.malloced + self.js


class TabHeap:
    """Asks the worker of a tab of the `open_site`, the keeper that it has started, and the page."""

    def __init__(self, tab: Tab) -> None:
        """Attach DevTools to the worker, which must be there already."""
        self._tab = tab
        self._replies: dict[int, Any] = {}
        self._asked = 0
        self._worker = self._keeper = ""
        self._page: CDPSession = tab.page.context.new_cdp_session(tab.page)
        self._page.on("Target.attachedToTarget", self._attached)
        self._page.on("Target.receivedMessageFromTarget", self._received)
        self._page.send("Target.setAutoAttach", ATTACH)
        tab.wait(lambda: bool(self._worker), "DevTools to find the worker")
        self._ask(self._to_worker, "Target.setAutoAttach", ATTACH)
        tab.wait(lambda: bool(self._keeper), "DevTools to find the keeper")

    def sample(self) -> Sample:
        """Return what is in use now."""
        stage = self._tab.page.evaluate("tests.progress.at(-1)?.stage ?? ''")
        heaps = (
            self._ask(self._to_worker, "Runtime.getHeapUsage"),
            self._ask(self._to_keeper, "Runtime.getHeapUsage"),
            self._page.send("Runtime.getHeapUsage"),
        )
        used = sum(int(heap[key]) for heap in heaps for key in JS_HEAP)
        return Sample(stage, self._value(WASM_NBYTES), self._value(MALLOCED), used)

    def settled(self) -> Sample:
        """Return what is in use once everything that can be collected is.

        That is the least of several times: what draws the page holds on to up to 500 KB now and
        then, between two collections of a page that does nothing.
        """
        self._tab.page.wait_for_timeout(TIMERS_MS)
        self._tab.python("import gc; gc.collect()")
        return min((self._collected() for _ in range(COLLECTIONS)), key=lambda one: one.used)

    def _collected(self) -> Sample:
        self._tab.page.wait_for_timeout(PAUSE_MS)
        for _ in range(2):  # what Python let go of is JavaScript's garbage only then
            self._ask(self._to_worker, COLLECT)
            self._ask(self._to_keeper, COLLECT)
            self._page.send(COLLECT)
        return self.sample()

    def _value(self, expression: str) -> int:
        asked = {"expression": expression, "returnByValue": True}
        return int(self._ask(self._to_worker, "Runtime.evaluate", asked)["result"]["value"])

    def _ask(self, send: Send, method: str, params: dict[str, object] | None = None) -> Any:
        self._asked += 1
        number = self._asked
        send(json.dumps({"id": number, "method": method, "params": params or {}}))
        self._tab.wait(lambda: number in self._replies, method)
        return self._replies[number]

    def _to_worker(self, message: str) -> None:
        self._page.send(
            "Target.sendMessageToTarget", {"sessionId": self._worker, "message": message}
        )

    def _to_keeper(self, message: str) -> None:
        self._asked += 1
        params = {"sessionId": self._keeper, "message": message}
        method = "Target.sendMessageToTarget"
        self._to_worker(json.dumps({"id": self._asked, "method": method, "params": params}))

    def _attached(self, event: Any) -> None:
        if event["targetInfo"]["type"] == "worker":  # later ones make snapshots
            self._worker = self._worker or event["sessionId"]

    def _received(self, event: Any) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self._replies[message["id"]] = message["result"]
        elif message["method"] == "Target.attachedToTarget":
            self._keeper = message["params"]["sessionId"]
        elif message["method"] == "Target.receivedMessageFromTarget":
            self._received(message["params"])
