"""The /wgslm/bench route: the suite of `wgslm bench`, streamed to the page that shows it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import ROLES, Role
from wgslm_web.body import read_object
from wgslm_web.refusals import Refusal
from wgslm_web.state import Location, State
from wgslm_web.stream import EventStream, Payload
from wgslm_web.wire.fields import Fields

if TYPE_CHECKING:  # imported when first asked for: a chat does not wait for it
    from wgslm.bench.suite import Result, Settings, Tell

Suite = Callable[["Tell"], "asyncio.Task[Result]"]
KVS: tuple[KvType, ...] = get_args(KvType)
KNOWN = "shapes, quants, models, kvs, pp, tg, depths, repeat, context, kernels, variants, autotune"


async def choices(request: Request) -> Response:
    """Return the names that /wgslm/bench knows."""
    from wgslm.bench.mixes import usable
    from wgslm.bench.shapes import SHAPES

    shapes = [shape.name for shape in SHAPES]
    return JSONResponse({"shapes": shapes, "quants": usable(), "kvs": KVS})


async def bench(request: Request) -> Response:
    """Measure shapes and models and stream the progress; hanging up ends it.

    Refused while a model is loaded or loading: what is measured would not have the GPU for itself.
    """
    from wgslm.bench.suite import run_suite

    state: State = request.app.state.state
    body = await read_object(request)
    locations, kvs, settings = _read(body, state)
    _check_free(state)

    def start(tell: "Tell") -> "asyncio.Task[Result]":
        return asyncio.ensure_future(run_suite(locations, kvs, settings, tell))

    return EventStream(_events(state, start))


def _check_free(state: State) -> None:
    if state.engine is not None or state.loading is not None:
        raise Refusal(409, "a model is loaded; measure where none is", code="loaded")


def _read(
    body: Mapping[str, object], state: State
) -> tuple[list[Location], list[KvType], "Settings"]:
    from wgslm.bench.random_source import RandomSource
    from wgslm.bench.shapes import shape_named
    from wgslm.bench.suite import Settings

    fields = Fields(body)
    quants = _strings(fields, "quants")
    shapes = [shape_named(name) for name in _strings(fields, "shapes") or []]
    models = _strings(fields, "models") or []
    kvs = _strings(fields, "kvs")
    kvs = ["f16"] if kvs is None else kvs
    if unknown := set(kvs) - set(KVS):
        raise fields.error("kvs", sorted(unknown), f"of {', '.join(KVS)}")
    depths, repeat = _integers(fields, "depths"), fields.integer("repeat")
    settings = Settings(
        prefill=_integers(fields, "pp"),
        decode=_integers(fields, "tg"),
        depths=(0,) if depths is None else depths,
        repeat=3 if repeat is None else repeat,
        context=fields.integer("context"),
        has_kernels=fields.boolean("kernels") or False,
        variants=_variants(fields),
        notebook=None if fields.boolean("autotune") is False else state.notebook,
    )
    fields.finish(KNOWN)
    mixes = ["q4_k_m"] if quants is None else quants
    made = [RandomSource(shape, mix) for shape in shapes for mix in mixes]
    located = [state.locate(model) for model in models]
    return [*located, *made], [kv for kv in KVS if kv in kvs], settings


async def _events(state: State, start: Suite) -> AsyncGenerator[Payload]:
    from wgslm.bench.report import facts, markdown

    steps: asyncio.Queue[Payload | None] = asyncio.Queue()
    async with state.gate.turn():
        _check_free(state)  # again: a load may have had the turn before
        task = start(lambda text, done: steps.put_nowait({"text": text, "done": done}))
        task.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            while (step := await steps.get()) is not None:
                yield step
            found = facts(task.result())
            yield {"result": found, "markdown": markdown(found)}
        finally:
            task.cancel()
            await asyncio.wait({task})


def _variants(fields: Fields) -> dict[Role, str]:
    """Return the forced kernels; their names are checked where they are known, on the adapter."""
    given = fields.mapping("variants") or {}
    found: dict[Role, str] = {}
    for role in ROLES:
        name = given.get(role, "")
        if role in given and isinstance(name, str):
            found[role] = name
    if len(found) != len(given):
        raise fields.error("variants", dict(given), f"names of kernels by {', '.join(ROLES)}")
    return found


def _strings(fields: Fields, name: str) -> list[str] | None:
    values = fields.items(name)
    if values is None:
        return None
    found = [value for value in values if isinstance(value, str)]
    if len(found) != len(values):
        raise fields.error(name, values, "a list of names")
    return found


def _integers(fields: Fields, name: str) -> tuple[int, ...] | None:
    values: Sequence[object] | None = fields.items(name)
    if values is None:
        return None
    found = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if len(found) != len(values):
        raise fields.error(name, values, "a list of whole numbers")
    return tuple(found)


ROUTES = (
    Route("/wgslm/bench", choices),
    Route("/wgslm/bench", bench, methods=["POST"]),
)
