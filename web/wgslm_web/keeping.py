"""Loads models through a store, so that every byte is fetched once: what a tab does."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import wgslm.engine
from wgslm.engine import Engine
from wgslm.errors import GgufError, SourceError, UnsupportedError
from wgslm.header import Preflight
from wgslm.sources import ByteSource, ask, open_source
from wgslm.sources.hub import HUB, Hub, HubFile, choose, is_hub_id, models_in
from wgslm.sources.journal import SHA256, Entry
from wgslm.sources.kept import KeptSource
from wgslm.sources.parts import all_parts, part_of
from wgslm.sources.shelf import Shelf, ShelfError
from wgslm.sources.store import Store, Wanted
from wgslm.tune.notebook import Notebook
from wgslm_web.library import Library
from wgslm_web.refusals import Refusal
from wgslm_web.state import Location, Report

# What `_kept_as` makes of another hub's name; no file at a URL has a colon in its last part.
OTHER_HUB = re.compile(r"(?P<base>https?://[^?#]+)/(?P<id>[\w.-]+/[\w.-]+:[^:?#]+\.gguf)")
PIN = "sha256="  # begins the fragment of a URL that says what its file must hash to
OpenShelf = Callable[[], Awaitable[Shelf]]


@dataclass(frozen=True)
class Named:
    """A model by its name at a hub that is not the usual one."""

    id: str
    base: str


class KeepingLoader(Library):
    """Loads models through a store, tuned with a notebook."""

    def __init__(self, open_shelf: OpenShelf, notebook: Notebook | None = None) -> None:
        """Open the storage when it is first needed: a boot does not wait for it."""
        self._open_shelf = open_shelf
        self._notebook = notebook
        self._opening: asyncio.Task[Store] | None = None
        self._loaded: list[str] = []  # keys of the files of the newest model

    async def store(self) -> Store:
        """Return the store."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
        return await asyncio.shield(self._opening)

    async def load(self, location: Location, context: int | None, report: Report) -> Engine:
        """Load a model; what is downloaded for it is kept, and completed after the load."""
        self._loaded = []
        if not isinstance(location, str | Named):
            return await self._engine(location, context, report)
        sources = await self._sources(location, keeps=True)
        try:
            engine = await self._engine(sources, context, report)
        except (GgufError, UnsupportedError):
            await self._forget(sources)
            raise
        store = await self.store()
        self._loaded = [source.entry.key for source in sources]
        info = engine.info
        facts: dict[str, object] = {
            "architecture": info.architecture,
            "parameters": info.parameters,
            "quant": info.quant,
            "context_length": info.context_length,
        }
        for source in sources:
            await store.note_facts(source.entry.key, facts)
            source.finish()
        return engine

    async def _engine(
        self, location: Location | Sequence[ByteSource], context: int | None, report: Report
    ) -> Engine:
        return await wgslm.engine.Engine.load(
            location, context=context, notebook=self._notebook, progress=report
        )

    async def preflight(self, location: Location, context: int | None) -> Preflight:
        """Read a model's header only; keeps nothing."""
        if isinstance(location, str | Named):
            location = await self._sources(location, keeps=False)
        return await wgslm.engine.preflight(location, context=context)

    async def describe(self) -> dict[str, object]:
        """Return what is kept, what the storage has left, and what a person should know of it."""
        store = await self.store()
        used = None if store.shelf.kind == "none" else await store.shelf.used()
        entries = await store.entries()
        return {
            "storage": {"kind": store.shelf.kind, "is_shared": store.shelf.is_shared, "used": used},
            "models": [describe_entry(entry) for entry in entries],
        }

    async def transfers(self) -> dict[str, object]:
        """Return what is under way, and, once, what a person should know of it."""
        store = await self.store()
        notices, store.notices[:] = list(store.notices), []
        wrong, store.wrong[:] = list(store.wrong), []
        return {
            "waiting": store.waiting,
            "paused": store.transfers.is_paused,
            "open": [{"id": one.entry.key, "state": one.state} for one in store.opened],
            "notices": notices,
            "wrong": wrong,
        }

    async def delete(self, key: str) -> None:
        """Delete a kept file."""
        store = await self.store()
        if key not in {entry.key for entry in await store.entries()}:
            raise Refusal(404, f"no model {key[:80]!r} is kept here", param="id", code="not_kept")
        await store.delete(key)

    async def pause(self, is_paused: bool) -> None:
        """Pause all downloads, or let them go on."""
        transfers = (await self.store()).transfers
        if is_paused:
            transfers.pause()
        else:
            transfers.resume()

    async def hub_files(self, repo: str, base: str | None) -> tuple[list[HubFile], str]:
        """Ask the hub."""
        files = models_in(await Hub(ask, base or HUB).files(repo))
        return files, choose(files, None, repo).id

    def named(self, model: str, hub: str) -> Named:
        """Return a location for `load`; refuse what can be no name."""
        Hub(ask, hub)
        if not is_hub_id(model):
            raise Refusal(400, f"{model[:80]!r} is no name of a hub's model", param="model")
        return Named(model, hub)

    async def _open(self) -> Store:
        store = Store(await self._open_shelf())
        store.refuted = self._refute
        return store

    def _refute(self, key: str, why: str) -> None:
        if key in self._loaded and self.refuted is not None:
            self.refuted(why)

    async def _sources(self, location: str | Named, *, keeps: bool) -> list[KeptSource]:
        store = await self.store()
        sources: list[KeptSource] = []
        async with AsyncExitStack() as opened:
            for wanted in await self._wanted(store, location):
                source = await store.open(wanted, keeps=keeps)
                opened.push_async_callback(source.close)
                sources.append(source)
            opened.pop_all()
        return sources

    async def _wanted(self, store: Store, location: str | Named) -> list[Wanted]:
        """Return the files of a URL or a hub's name, all parts of a split one."""
        if isinstance(location, str) and not is_hub_id(location):
            return _at_urls(location)
        name = location if isinstance(location, Named) else Named(location, HUB)
        ids = _parts_of(name.id)
        entries = [await store.find(_kept_as(id, name.base)) for id in ids]
        whole = [entry for entry in entries if entry and entry.is_whole]
        # Where other programs write too, what is kept may name a SHA-256 that no hub ever told.
        pins = [] if store.shelf.is_shared else [entry.origin.sha256 for entry in whole]
        if len(pins) == len(ids) and all(pins):  # the hub is asked for nothing
            return [_at_hub(id, pin, name.base) for id, pin in zip(ids, pins, strict=True)]
        try:
            files = await Hub(ask, name.base).find(name.id)
        except SourceError as error:
            if len(whole) < len(ids):
                raise
            store.notices.append(f"{name.id} is used unchecked: {error}")
            return [_at_hub(id, None, name.base) for id in ids]
        return [_at_hub(file.id, file.sha256, name.base, file.url) for file in files]

    async def _forget(self, sources: list[KeptSource]) -> None:
        """Keep nothing of a file that is no model."""
        store = await self.store()
        for source in sources:
            if not source.entry.is_whole:
                with contextlib.suppress(ShelfError):
                    await store.delete(source.entry.key)


def _parts_of(location: str) -> list[str]:
    part = part_of(location)
    return [location] if part is None else [one.location for one in all_parts(part)]


def _kept_as(id: str, base: str) -> str:
    """Return what a hub's file is kept as: names of other hubs may mean other files."""
    return id if base == HUB else f"{base.rstrip('/')}/{id}"


def _at_urls(location: str) -> list[Wanted]:
    """Return the files of a URL, which may say what the one file must hash to."""
    url, _, fragment = location.partition("#")
    urls = _parts_of(url)
    sha256 = fragment.removeprefix(PIN) if fragment.startswith(PIN) else None
    if sha256 is not None and not SHA256.fullmatch(sha256):
        raise SourceError(f"{PIN}{sha256[:80]!r} must be 64 digits of 0 to 9 and a to f")
    if sha256 and len(urls) > 1:
        raise SourceError(f"{url[:80]!r} is one of {len(urls)} parts, which share no SHA-256")
    return [Wanted(one, partial(open_source, one), sha256) for one in urls]


def _at_hub(id: str, sha256: str | None, base: str, url: str | None = None) -> Wanted:
    """Return a hub's file; where it lies is asked for only when it is not kept."""

    async def reach() -> ByteSource:
        if url is not None:
            return await open_source(url)
        files = {file.id: file for file in await Hub(ask, base).find(id)}
        return await open_source(files[id].url)

    return Wanted(_kept_as(id, base), reach, sha256)


def describe_entry(entry: Entry) -> dict[str, object]:
    """Return what the list of models shows of a kept file, and how it is loaded again."""
    found = OTHER_HUB.fullmatch(entry.origin.location)
    location, hub = (found["id"], found["base"]) if found else (entry.origin.location, None)
    return {
        **entry.facts,
        "id": entry.key,
        "location": location,
        "hub": hub,
        "name": entry.origin.name,
        "size": entry.origin.size,
        "kept": entry.nbytes,
        "sha256": entry.sha256,
        "is_pinned": entry.origin.sha256 is not None,
        "used": entry.used,
    }
