"""Runs the ASGI app inside the tab's worker, reached by messages instead of a socket.

Page to worker: `request` (id, method, path, headers, body), `abort` (id), `files` (name, files).
Worker to page: `start` (id, status, headers), `body` (id, chunk), `end` (id), `fail` (id, message).
"""

import asyncio
import random
import traceback
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

from wgslm.tune.notebook import Notebook, open_notebook
from wgslm_web.app import create_app
from wgslm_web.gate import Access
from wgslm_web.keeping import KeepingLoader
from wgslm_web.library import Library
from wgslm_web.state import Loader, Location, State

HOST = "tab"  # the port is private to the page, so there is one host and no foreign origin

Post = Callable[[dict[str, object]], object]


class Exchange:
    """One request and its response; knows ASGI on one side and messages on the other."""

    def __init__(self, id: object, body: bytes, post: Post) -> None:
        """Hold the whole body; `post` sends messages to the page."""
        self.id = id
        self._body: bytes | None = body
        self._post = post
        self._gone = asyncio.Event()

    def abort(self) -> None:
        """Tell the app that the page no longer wants the answer."""
        self._gone.set()

    async def receive(self) -> Message:
        """ASGI receive: the body once, then nothing until the page aborts."""
        if self._body is not None and not self._gone.is_set():
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """ASGI send."""
        if message["type"] == "http.response.start":
            headers = [[k.decode("latin-1"), v.decode("latin-1")] for k, v in message["headers"]]
            self._tell("start", status=message["status"], headers=headers)
            return
        if chunk := message.get("body", b""):
            self._tell("body", chunk=chunk)
        if not message.get("more_body", False):
            self._tell("end")

    def fail(self, message: str) -> None:
        """Tell the page that there will be no (complete) answer."""
        self._tell("fail", message=message)

    def _tell(self, kind: str, **fields: object) -> None:
        if not self._gone.is_set():
            self._post({"type": kind, "id": self.id, **fields})


class TabServer:
    """A small ASGI server: each request message is a task, each response a few messages."""

    def __init__(self, app: ASGIApp, files: dict[str, Location], post: Post) -> None:
        """Serve `app`; picked files go to `files`, answers to `post`."""
        self.app = app
        self.files = files
        self.post = post
        self._exchanges: dict[object, Exchange] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, message: Mapping[str, object]) -> None:
        """Take one message from the page."""
        kind, id = message["type"], message.get("id")
        if kind == "request":
            # Known from here on: an abort may be the next message, before the task first runs.
            exchange = Exchange(id, str(message.get("body") or "").encode(), self.post)
            self._exchanges[id] = exchange
            task = asyncio.get_event_loop().create_task(self._serve(exchange, message))
            self._tasks.add(task)  # the loop holds tasks only weakly
            task.add_done_callback(self._tasks.discard)
        elif kind == "abort":
            if id in self._exchanges:
                self._exchanges[id].abort()
        elif kind == "files":
            self.files[str(message["name"])] = message["files"]
        else:
            raise ValueError(f"message type {kind!r}; known: request, abort, files")

    async def _serve(self, exchange: Exchange, message: Mapping[str, object]) -> None:
        try:
            await self.app(scope_of(message), exchange.receive, exchange.send)
        except Exception as error:
            traceback.print_exc()  # the browser's console is this host's log
            exchange.fail(f"internal error ({type(error).__name__}); the console has the details")
        finally:
            del self._exchanges[exchange.id]


def scope_of(message: Mapping[str, object]) -> dict[str, object]:
    """Return the ASGI scope of a request message."""
    path, _, query = str(message["path"]).partition("?")
    given = message.get("headers") or []
    assert isinstance(given, list), "headers are [name, value] pairs"
    headers = [(str(name).lower().encode(), str(value).encode("latin-1")) for name, value in given]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": message["method"],
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", HOST.encode()), *headers],
        "server": (HOST, None),
        "client": None,
    }


def make_server(loader: Loader, post: Post, notebook: Notebook | None = None) -> TabServer:
    """Build state, app and server around a loader of models."""
    library = loader if isinstance(loader, Library) else None
    state = State(loader, library=library, notebook=notebook)
    return TabServer(create_app(state, Access(frozenset({HOST}))), state.files, post)


def start(post_message: Callable[[object], object]) -> Callable[[Mapping[str, object]], None]:
    """Start serving in the worker; return what takes the page's messages.

    `worker.js` calls this with a function that posts to the page.
    """
    from js import Object
    from pyodide.ffi import to_js

    from wgslm.sources.browser_shelf import open_shelf

    def post(message: dict[str, object]) -> None:
        post_message(to_js(message, dict_converter=Object.fromEntries))

    random.seed()  # a start from a snapshot brings the numbers of the start that made it
    notebook = open_notebook()
    return make_server(KeepingLoader(open_shelf, notebook), post, notebook).receive
