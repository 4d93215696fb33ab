"""The store of a tab as tests use it: files are read as a load reads them, without a GPU."""

import json
from typing import Any

from playwright.sync_api import Error, Page

from browser_tab import Tab

# Runs in the worker. `found` is the app's own loader.
IN_TAB = """
import asyncio, gc, hashlib, json
from wgslm.sources import PATIENCE, Patience, open_source
from wgslm.sources.store import Wanted
from wgslm_web.keeping import KeepingLoader

[loader] = [thing for thing in gc.get_objects() if isinstance(thing, KeepingLoader)]
READ = 3_000_000
sources, told = [], []
patience = PATIENCE


class Told(list):  # the page takes notices when it asks for them
    def append(self, notice):
        told.append(notice)
        super().append(notice)


async def read(url, sha256=None, stop=None, finish=True):
    store = await loader.store()  # not sooner: it asks for the quota once
    store.notices = Told(store.notices)
    source = await store.open(Wanted(url.split("?")[0], lambda: open_source(url, patience), sha256))
    sources.append(source)
    whole, stop = hashlib.sha256(), stop or source.size
    for start in range(0, stop, READ):
        whole.update(await source.read(start, min(start + READ, stop)))
    if finish:
        source.finish()
        await source.finished()
        await source.close()
    return whole.hexdigest()


async def failure(url):
    global patience
    patience = Patience(2, (0.01,))
    try:
        await read(url)
    except Exception as error:
        return str(error)
    finally:
        patience = PATIENCE
        await sources[-1].close()
"""


def limit_storage(page: Page, nbytes: int | None) -> None:
    """Override the quota of a page's origin; None gives it back."""
    origin: dict[str, Any] = {"origin": page.evaluate("location.origin")}
    size = {} if nbytes is None else {"quotaSize": nbytes}
    devtools = page.context.new_cdp_session(page)
    devtools.send("Storage.overrideQuotaForOrigin", {**origin, **size})


class TabStore:
    """Drives the app's own store in the worker of a tab of the `open_site`."""

    def __init__(self, tab: Tab, url: str) -> None:
        """Open the page with a model that is not there, and wait for the engine."""
        self.tab = tab
        self.open(url)

    def open(self, url: str) -> None:
        """Open the page, or open it again."""
        self.tab.open(f"{url}?model=models/none.gguf")
        self.tab.wait(lambda: "there is no such file" in self.tab.error, "the engine to be up")
        self.tab.python(IN_TAB)

    def is_waiting(self) -> bool:
        """Say whether another tab has what this one wants."""
        return bool(self.ask("/wgslm/transfers")["waiting"])

    def failure(self, url: str) -> str:
        """Read a file with little patience, and return why that fails."""
        found: str = self.python(f"await failure({url!r})")
        return found

    def clean(self) -> None:
        """Leave nothing behind that another test would see."""
        self.python("for source in sources: await source.close()")
        for model in self.kept:
            self.ask("/wgslm/delete-model", {"id": model["id"]})
        self.python("sources.clear(); told.clear()")

    def limit(self, nbytes: int | None) -> None:
        """Override the quota of the page's origin; None gives it back."""
        limit_storage(self.tab.page, nbytes)

    def read(self, url: str, **options: object) -> str:
        """Read a file, or the first bytes of it; return the SHA-256 of what was read."""
        asked = json.dumps(options)
        source = f"await read({url!r}, **json.loads({asked!r}))"
        found: str = self.tab.worker.evaluate("source => python.runPythonAsync(source)", source)
        return found

    def start(self, url: str, **options: object) -> None:
        """Begin to read in the background."""
        asked = json.dumps(options)
        self.tab.python(
            f"task = asyncio.ensure_future(read({url!r}, **json.loads({asked!r}))); None"
        )

    def python(self, source: str) -> Any:
        """Await Python in the worker."""
        return self.tab.worker.evaluate("source => python.runPythonAsync(source)", source)

    @property
    def notices(self) -> list[str]:
        """What a person was to know since this page was opened, the newest last."""
        found: list[str] = json.loads(self.python("json.dumps(told)"))
        return found

    @property
    def kept(self) -> list[dict[str, Any]]:
        """What is kept, as the page is told."""
        answer = self.ask("/wgslm/models")
        assert "models" in answer, answer
        found: list[dict[str, Any]] = answer["models"]
        return found

    def wait_kept(self, nbytes: int) -> None:
        """Wait until that much of the one file is kept."""
        self.tab.wait(
            lambda: any(model["kept"] >= nbytes for model in self.kept), "the parts to be written"
        )

    def ask(self, path: str, body: object = None) -> Any:
        """Ask the app."""
        return self.tab.page.evaluate(
            """async ([path, body]) => {
              const answer = body ? wgslm.api.post(path, body) : wgslm.api.fetch(path);
              return (await answer).json();
            }""",
            [path, body],
        )

    def refusal(self, path: str, body: object) -> str:
        """Ask the app, and return why it refuses."""
        try:
            self.ask(path, body)
        except Error as error:
            return error.message
        raise AssertionError(f"{path} was not refused")
