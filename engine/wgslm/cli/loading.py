"""A model as the commands need it: loaded with progress shown, or only its header."""

import time
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from wgslm.bench.random_source import RandomSource
from wgslm.bench.shapes import shape_named
from wgslm.cli.folders import notebook
from wgslm.cli.knobs import UsageError
from wgslm.cli.terminal import load_progress, note, note_unless_json, size
from wgslm.engine import Engine, ModelInfo
from wgslm.errors import RequestError
from wgslm.gguf import Directory, read_directory
from wgslm.sources import ByteSource, Location, open_parts

DEFAULT_MIX = "q4_k_m"


@dataclass(frozen=True)
class Loaded:
    """A model on the GPU, and how long it took to get there."""

    engine: Engine
    seconds: float


@asynccontextmanager
async def loaded(args: Namespace, *, is_json: bool = False) -> AsyncIterator[Loaded]:
    """Load the model that the arguments name; free it afterwards."""
    begun = time.perf_counter()
    with load_progress() as show:
        engine = await Engine.load(
            args.model,
            context=args.context,
            kv=args.kv,
            adapter=args.adapter,
            variants=dict(args.variant),
            notebook=notebook(args),
            progress=show,
        )
    seconds = time.perf_counter() - begun
    try:
        note_unless_json(described(engine.name, engine.info, seconds), is_json=is_json)
        tell_warnings(engine.info)
        if engine.info.ignored:
            keys = ", ".join(engine.info.ignored)
            note_unless_json(f"metadata that has no effect here: {keys}", is_json=is_json)
        yield Loaded(engine, seconds)
    finally:
        await engine.close()


@asynccontextmanager
async def opened(location: str) -> AsyncIterator[tuple[list[ByteSource], Directory]]:
    """Read a file's header, whatever kind of model it holds; close it afterwards."""
    parts = await open_parts(location)
    try:
        yield parts, await read_directory(parts)
    finally:
        for part in parts:
            await part.close()


def locations(args: Namespace) -> list[Location]:
    """Return the models that were typed: files first, then every shape in every quant."""
    if args.quant and not args.shape:
        raise UsageError("--quant has no place without --shape: a file has its own formats")
    try:
        made = [
            RandomSource(shape_named(shape), mix)
            for shape in args.shape
            for mix in args.quant or [DEFAULT_MIX]
        ]
    except RequestError as error:
        raise UsageError(str(error)) from error
    files = [args.model] if isinstance(args.model, str) else args.model or []
    return [*files, *made]


def tell_warnings(info: ModelInfo) -> None:
    """Say on stderr, also to programs, what is not as it should be with the adapter."""
    for warning in info.warnings:
        note(f"warning: {warning}")


def described(name: str, info: ModelInfo, seconds: float) -> str:
    """Say what was loaded, where to, how long it took, and at which rates."""
    rates = info.rates
    return (
        f"{name}: {info.quant}, {size(info.nbytes)} in {seconds:.1f} s "
        f"(upload {size(rates.upload)}/s, re-laying {size(rates.relay)}/s); "
        f"{info.context:,} tokens of context; {info.adapter}; "
        f"kernels: {', '.join(map(str, info.variants))}"
    )
