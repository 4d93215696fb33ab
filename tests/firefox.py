"""A Firefox that tests drive: WebDriver BiDi over its own WebSocket, without geckodriver.

Playwright speaks BiDi too, but 1.65 asks Firefox ESR 153 for a command that came later.
"""

import base64
import json
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import connect

LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
SECONDS = 120.0  # for anything; a busy machine with a software GPU is slow
POLL_SECONDS = 0.05
QUIET = {  # nothing but what a page asks for
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
# Linux has WebGPU behind a setting, and a software adapter behind another.
WEBGPU = {"dom.webgpu.enabled": True, "gfx.webgpu.ignore-blocklist": True}
EVENTS = ["log.entryAdded", "network.beforeRequestSent"]


class Firefox:
    """One window of a headless Firefox with a profile of its own; a context manager."""

    def __init__(self, program: Path, profile: Path, prefs: Mapping[str, object]) -> None:
        """Start it; `profile` is a folder that need not exist."""
        profile.mkdir(parents=True, exist_ok=True)
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in {**QUIET, **prefs}.items()
        ]
        (profile / "user.js").write_text("\n".join(lines))
        command = [str(program), "--headless", "--no-remote", "--remote-debugging-port=0"]
        self._process = subprocess.Popen(
            [*command, "--profile", str(profile)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._addresses: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._last_id = 0
        self.asked: list[str] = []  # every address that a page asked for
        self.errors: list[str] = []  # of the console

    def __enter__(self) -> Self:
        """Connect, and hear what the page logs and asks for."""
        with ExitStack() as opening:
            opening.callback(self._end)
            address = f"{self._addresses.get(timeout=SECONDS)}/session"
            connecting = connect(address, max_size=None, open_timeout=SECONDS)
            self._socket = opening.enter_context(connecting)
            self.call("session.new", capabilities={})
            self.call("session.subscribe", events=EVENTS)
            self._context = self.call("browsingContext.getTree")["contexts"][0]["context"]
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._open.close()

    def call(self, method: str, **params: object) -> Any:
        """Send a command and return its result."""
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(SECONDS))
            if message.get("id") == self._last_id:
                break
            self._note(message)
        if message["type"] == "error":
            raise AssertionError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def open(self, url: str) -> None:
        """Go to a page, and come back before it has loaded."""
        self.call("browsingContext.navigate", context=self._context, url=url, wait="none")

    def reload(self) -> None:
        """Load the page again."""
        self.call("browsingContext.reload", context=self._context, wait="none")

    def evaluate(self, expression: str) -> Any:
        """Return what JSON can hold of an expression's value, awaited."""
        source = f"(async () => JSON.stringify(await ({expression})) ?? 'null')()"
        return json.loads(self._run(source)["value"])

    def set_files(self, selector: str, paths: Sequence[Path]) -> None:
        """Choose files as in the file dialog."""
        node = self._run(f"document.querySelector({json.dumps(selector)})")
        self.call(
            "input.setFiles",
            context=self._context,
            element={"sharedId": node["sharedId"]},
            files=[str(path) for path in paths],
        )

    def screenshot(self, path: Path) -> None:
        """Keep what is seen."""
        shot = self.call("browsingContext.captureScreenshot", context=self._context)
        path.write_bytes(base64.b64decode(shot["data"]))

    def wait(self, is_so: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
        """Ask again and again, or fail saying what was waited for and what the page shows."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                shown = self.evaluate("document.querySelector('main')?.innerText.slice(0, 400)")
                raise AssertionError(f"waited for {what}; shown: {shown!r}, {self.errors[-5:]}")
            time.sleep(POLL_SECONDS)

    def _run(self, source: str) -> Any:
        answer = self.call(
            "script.evaluate",
            expression=source,
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise AssertionError(answer["exceptionDetails"]["text"])
        return answer["result"]

    def _note(self, message: Mapping[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "network.beforeRequestSent":
            self.asked.append(params["request"]["url"])
        elif message.get("method") == "log.entryAdded" and params["level"] == "error":
            self.errors.append(params["text"])

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)
        self._reader.join()
        if self._process.stderr:
            self._process.stderr.close()

    def _read(self) -> None:
        """Find the address that Firefox writes down; go on reading, or it would block."""
        for line in self._process.stderr or ():
            if match := LISTENING.search(line):
                self._addresses.put(match[1])
