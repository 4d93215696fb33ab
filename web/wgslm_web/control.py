"""The /wgslm/* routes: what no chat protocol has. Loading, preflight, tokens, continuing."""

import codecs
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict, replace
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wgslm.chat.events import Event
from wgslm.errors import RequestError
from wgslm.generate import Options
from wgslm.pauses import Pausing
from wgslm_web.answers import answer_stream, choices, new_head
from wgslm_web.body import read_object
from wgslm_web.state import Engine, Load, Location, State, Tokenizer
from wgslm_web.stream import CLIENT_GONE, EventStream, Payload, until_disconnect
from wgslm_web.wire.fields import Fields
from wgslm_web.wire.messages import read_messages
from wgslm_web.wire.options import NAMES, read_options
from wgslm_web.wire.tools import read_tools, read_variables

TEXT_LIMIT = 1_000_000  # characters that /wgslm/tokenize splits
Beginning = tuple[str | None, list[int]]  # of a text, and its ids
SLICE = 4096  # ids whose text is looked up at once


async def load(request: Request) -> Response:
    """Replace the model and stream the progress; hanging up does not stop the load."""
    state: State = request.app.state.state
    model, location, context = _wanted(state, await read_object(request))
    return EventStream(_progress(state, state.start_load(model, context, location)))


async def cancel_load(request: Request) -> Response:
    """Stop the load in progress and free what it took."""
    state: State = request.app.state.state
    Fields(await read_object(request)).finish()
    return JSONResponse({"cancelled": await state.cancel_load()})


async def preflight(request: Request) -> Response:
    """Read a model's header and say what it is and whether it fits."""
    state: State = request.app.state.state
    _, location, context = _wanted(state, await read_object(request))
    return JSONResponse(asdict(await state.loader.preflight(location, context)))


async def tokenize(request: Request) -> Response:
    """Return the ids of a text up to TEXT_LIMIT, or of a conversation as the template writes it.

    With `limit`, only of as much of the text as that many tokens hold, which comes back as `text`.
    """
    state: State = request.app.state.state
    engine = state.need_engine()
    fields = Fields(await read_object(request))
    messages, text = fields.items("messages"), fields.string("text")
    (tools, _), variables = read_tools(fields), read_variables(fields)
    bos, specials = fields.boolean("bos"), fields.boolean("specials") or False
    limit = fields.integer("limit")
    fields.finish("text, bos, specials, limit; or messages, tools, chat_template_kwargs")
    if limit is not None and (text is None or limit < 1):
        raise fields.error("limit", limit, "at least 1, and for 'text' only")
    if (messages is None) == (text is None):
        raise RequestError("give either 'text' or 'messages'", "text")
    if text is None:
        work = _without_text(
            engine.prompting(read_messages(messages), tools=tools, variables=variables)
        )
    else:
        if len(text) > TEXT_LIMIT:
            raise RequestError(
                f"'text' has {len(text):,} characters; at most {TEXT_LIMIT:,} are split", "text"
            )

        def split(part: str) -> Pausing[list[int]]:
            return engine.tokenizer.encoding(part, bos=bos, specials=specials)

        work = beginning(split, text, limit)
    shown = _with_pieces(engine.tokenizer, work, has_text=limit is not None)
    found = await until_disconnect(request.receive, state.words(shown))
    return Response(status_code=CLIENT_GONE) if found is None else JSONResponse(found)


async def continue_ids(request: Request) -> Response:
    """Go on from ids and stream chunks.

    `ids` alone are the whole prompt. With `messages`, `ids` are the answer so far: it is sent
    again from its start (less a character cut in its middle) and goes on up to `max_tokens` in
    all, or by that many if it has as many already. `min_tokens` are new ones.
    """
    state: State = request.app.state.state
    engine = state.need_engine()
    fields = Fields(await read_object(request))
    messages, ids = fields.items("messages"), fields.ids("ids") or []
    (tools, demand), variables = read_tools(fields), read_variables(fields)
    options = read_options(fields, engine.info.sampling)
    fields.finish(f"ids, messages, tools, chat_template_kwargs, {NAMES}")
    check_ids(ids, engine.info.vocab_size)
    head = new_head(engine.name, return_tokens=True, include_usage=True)
    if messages is None:
        return answer_stream(
            head, state.run(engine, lambda: choices(partial(engine.complete, ids), options))
        )
    so_far = whole_characters(engine.tokenizer, ids)
    if options.max_tokens is not None and options.max_tokens > len(ids):
        most = options.max_tokens - len(so_far)
        options = replace(options, max_tokens=most, min_tokens=min(most, options.min_tokens))
    conversation = read_messages(messages)

    def go_on(options: Options) -> AsyncGenerator[Event]:
        return engine.chat(
            conversation,
            options,
            tools=tools,
            variables=variables,
            so_far=so_far,
            demand=demand,
        )

    return answer_stream(head, state.run(engine, lambda: choices(go_on, options)))


async def status(request: Request) -> Response:
    """Say what is loaded, loading, running and waiting."""
    state: State = request.app.state.state
    return JSONResponse(describe(state))


def describe(state: State) -> Payload:
    """Return the app's state as `/wgslm/status` shows it."""
    load = state.loading
    progress = None if load is None or load.progress is None else asdict(load.progress)
    return {
        "model": None if state.engine is None else model_facts(state.engine),
        "loading": None if load is None else {"model": load.model, "progress": progress},
        "failure": state.failure,
        "busy": state.gate.is_busy,
        "waiting": state.gate.waiting,
    }


def model_facts(engine: Engine) -> Payload:
    """Return what people want to know about the loaded model."""
    return {"name": engine.name, **asdict(engine.info)}


def check_ids(ids: list[int], vocab_size: int) -> None:
    """Refuse an empty prompt and ids that the model does not have."""
    if not ids:
        raise RequestError("'ids' is missing or empty; it must hold token ids", "ids")
    for id in ids:
        if not 0 <= id < vocab_size:
            raise RequestError(f"'ids' holds {id}; ids go from 0 to {vocab_size - 1}", "ids")


def beginning(
    split: Callable[[str], Pausing[list[int]]], text: str, limit: int | None
) -> Pausing[Beginning]:
    """Return what `limit` tokens hold of a text's beginning, give or take a few, and its ids."""
    end = len(text)
    ids = yield from split(text)
    while limit is not None and len(ids) > limit:
        end = min(end - 1, end * limit // len(ids))
        ids = yield from split(text[:end])
    return text[:end], ids


def whole_characters(tokenizer: Tokenizer, ids: list[int]) -> list[int]:
    """Return the ids without the last ones if those end inside a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    whole = 0  # ids up to the last id that ends no character's middle
    for count, id in enumerate(ids, 1):
        decoder.decode(tokenizer.piece(id))
        if not decoder.getstate()[0]:
            whole = count
    return ids[:whole]


def _without_text(work: Pausing[list[int]]) -> Pausing[Beginning]:
    return None, (yield from work)


def _with_pieces(
    tokenizer: Tokenizer, work: Pausing[Beginning], *, has_text: bool
) -> Pausing[Payload]:
    """Return what a client gets of ids: their own text each and, if wanted, that of all."""
    text, ids = yield from work
    pieces: list[str] = []
    for start in range(0, len(ids), SLICE):
        part = ids[start : start + SLICE]
        pieces += (tokenizer.piece(id).decode(errors="replace") for id in part)
        yield
    return {"ids": ids, "pieces": pieces} | ({"text": text} if has_text else {})


def _wanted(state: State, body: Mapping[str, object]) -> tuple[str, Location, int | None]:
    """Return the model's name, where it is, and the context to load it with."""
    fields = Fields(body)
    model, context, hub = (
        fields.required("model"),
        fields.integer("context"),
        fields.string("hub"),
    )
    fields.finish("model, context, hub")
    if context is not None and context < 1:
        raise fields.error("context", context, "at least 1")
    return model, state.locate(model, hub), context


async def _progress(state: State, load: Load) -> AsyncGenerator[Payload]:
    async with aclosing(load.follow()) as steps:
        async for step in steps:
            yield asdict(step)
    if state.engine is not None:
        yield {"stage": "loaded", "model": model_facts(state.engine)}


ROUTES = (
    Route("/wgslm/load", load, methods=["POST"]),
    Route("/wgslm/cancel-load", cancel_load, methods=["POST"]),
    Route("/wgslm/preflight", preflight, methods=["POST"]),
    Route("/wgslm/tokenize", tokenize, methods=["POST"]),
    Route("/wgslm/continue", continue_ids, methods=["POST"]),
    Route("/wgslm/status", status),
)
