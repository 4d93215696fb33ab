"""`wgslm serve`: the HTTP API on this machine. The server itself is wgslm_web's."""

import asyncio
import os
import time
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wgslm.cli.folders import notebook
from wgslm.cli.loading import described, tell_warnings
from wgslm.cli.terminal import load_progress, note
from wgslm.engine import Engine, preflight
from wgslm.header import Preflight
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import Role
from wgslm.tune.notebook import Notebook

if TYPE_CHECKING:
    from wgslm_web.state import Location, Report


@dataclass(frozen=True)
class Loader:
    """Opens the models that clients ask for, with the options that were typed."""

    kv: KvType
    adapter: str | None
    variants: Mapping[Role, str]
    notebook: Notebook | None

    async def load(self, location: "Location", context: int | None, report: "Report") -> Engine:
        """Load a model onto the GPU."""
        return await Engine.load(
            location,
            context=context,
            kv=self.kv,
            adapter=self.adapter,
            variants=self.variants,
            notebook=self.notebook,
            progress=report,
        )

    async def preflight(self, location: "Location", context: int | None) -> Preflight:
        """Read a model's header only, for the same cache and adapter."""
        return await preflight(location, context=context, kv=self.kv, adapter=self.adapter)


def serve(args: Namespace) -> None:
    """Load, listen, and answer until Ctrl-C, which then is no failure."""
    key = args.api_key or os.environ.get("WGSLM_API_KEY")
    is_up = asyncio.Event()
    try:
        asyncio.run(_serve(args, key, is_up))
    except KeyboardInterrupt:
        if not is_up.is_set():  # the load was given up
            raise


async def _serve(args: Namespace, key: str | None, is_up: asyncio.Event) -> None:
    from wgslm.sources.ollama import store_folder
    from wgslm_web.native import NativeHost
    from wgslm_web.shared import SharedLibrary, files_of
    from wgslm_web.state import State

    tuning = notebook(args)
    library = SharedLibrary(files_of(args.model), store_folder(os.environ), key)
    loader = Loader(args.kv, args.adapter, dict(args.variant), tuning)
    state = State(loader, library=library, notebook=tuning)
    # Listen first: a port that is taken is refused before minutes go into a load.
    host = NativeHost(state, args.host, args.port, api_key=key, origins=args.origin)
    begun = time.perf_counter()
    try:
        with load_progress() as show:
            async for progress in state.start_load(args.model, args.context).follow():
                show(progress)
        engine = state.need_engine()
        note(described(engine.name, engine.info, time.perf_counter() - begun))
        tell_warnings(engine.info)
        note(f"listening on {host.url}/v1 (Ctrl-C ends)")
        is_up.set()
        await host.run()
    finally:
        host.close()
        if state.engine is not None:
            await state.engine.close()
