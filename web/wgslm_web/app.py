"""The HTTP API as one Starlette app; uvicorn serves it natively, a MessagePort in the tab."""

from collections.abc import AsyncGenerator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from wgslm.chat.events import Event
from wgslm.errors import WgslmError
from wgslm.generate import Options
from wgslm_web import bench, control, library
from wgslm_web.answers import answer_stream, answer_whole, choices, new_head
from wgslm_web.body import read_object
from wgslm_web.gate import Access, Guard
from wgslm_web.refusals import Refusal, error_response
from wgslm_web.state import State
from wgslm_web.stream import CLIENT_GONE
from wgslm_web.wire import openai


def create_app(state: State, access: Access) -> ASGIApp:
    """Build the app around `state`; `access` says who may use it."""
    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/v1/models", models),
            Route("/v1/models/{name:path}", model),
            Route("/v1/chat/completions", chat_completions, methods=["POST"]),
            *control.ROUTES,
            *library.ROUTES,
            *bench.ROUTES,
        ],
        exception_handlers={
            WgslmError: _answer_error,
            HTTPException: _answer_http_error,
            ClientDisconnect: _answer_nobody,
            Exception: _answer_error,
        },
    )
    app.state.state = state
    return Guard(app, access)  # outside of all: Starlette answers a bug of ours in no middleware


async def health(request: Request) -> Response:
    """Say whether a model is ready: 200, or 503 while there is none."""
    state: State = request.app.state.state
    if state.engine is not None:
        return JSONResponse({"status": "ok", "model": state.engine.name})
    status = "no model" if state.loading is None else "loading"
    return JSONResponse({"status": status}, 503)


async def models(request: Request) -> Response:
    """List the loaded model, or nothing."""
    state: State = request.app.state.state
    engine = state.engine
    loaded = [] if engine is None else [openai.model_object(engine.name, state.created)]
    return JSONResponse(openai.model_list(loaded))


async def model(request: Request) -> Response:
    """Describe one model by its name or by a general name for the loaded one."""
    state: State = request.app.state.state
    engine = state.need_engine(request.path_params["name"])
    return JSONResponse(openai.model_object(engine.name, state.created))


async def chat_completions(request: Request) -> Response:
    """Answer a conversation, whole or as a stream."""
    state: State = request.app.state.state
    asked = openai.chat_request(await read_object(request), state.sampling)
    engine = state.need_engine(asked.model)
    head = new_head(engine.name, asked.return_tokens, asked.include_usage)

    def start(options: Options) -> AsyncGenerator[Event]:
        return engine.chat(
            asked.messages,
            options,
            tools=asked.tools,
            variables=asked.variables,
            demand=asked.demand,
        )

    events = state.run(engine, lambda: choices(start, asked.options, asked.choices))
    if asked.stream:
        return answer_stream(head, events)
    return await answer_whole(head, events, request.receive)


async def _answer_error(request: Request, error: Exception) -> Response:
    return error_response(error)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail}"
    headers = dict(error.headers or {})
    return error_response(Refusal(error.status_code, message, code="route", headers=headers))


async def _answer_nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)
