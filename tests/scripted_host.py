"""The native host with an engine that says what a test scripts, on a free port."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from scripted_engine import ScriptedEngine, ScriptedLoader
from wgslm_web.library import Library
from wgslm_web.native import NativeHost
from wgslm_web.state import State


@contextmanager
def serving(
    engine: ScriptedEngine,
    api_key: str | None = None,
    origins: Iterable[str] = (),
    library: Library | None = None,
) -> Iterator[str]:
    """Serve in a thread; yield the address."""
    started: list[NativeHost] = []
    is_up = threading.Event()

    async def run() -> None:
        state = State(ScriptedLoader(), engine, library=library)
        started.append(NativeHost(state, port=0, api_key=api_key, origins=origins))
        is_up.set()
        await started[0].run()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    is_up.wait(10)
    try:
        yield started[0].url
    finally:
        started[0].stop()
        thread.join(10)
    assert not thread.is_alive()
