"""A client of the app over ASGI, without a socket."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx

from scripted_engine import ScriptedEngine, ScriptedLoader
from wgslm_web.app import create_app
from wgslm_web.gate import Access
from wgslm_web.state import State

HOST = "test"
SECONDS = 10.0  # for scripted answers


def with_client(
    state: State,
    use: Callable[[httpx.AsyncClient], Awaitable[None]],
    access: Access | None = None,
    seconds: float = SECONDS,
) -> None:
    """Run `use` with a client of the app around `state`."""

    async def run() -> None:
        app = create_app(state, access or Access(frozenset({HOST})))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            async with asyncio.timeout(seconds):
                await use(client)

    asyncio.run(run())


def post(
    path: str,
    body: object,
    engine: ScriptedEngine | None = None,
    state: State | None = None,
    seconds: float = SECONDS,
) -> httpx.Response:
    """Post an object and return the answer."""
    answers: list[httpx.Response] = []

    async def use(client: httpx.AsyncClient) -> None:
        answers.append(await client.post(path, json=body))

    with_client(state or State(ScriptedLoader(), engine), use, seconds=seconds)
    return answers[0]


def get(path: str, engine: ScriptedEngine | None = None) -> httpx.Response:
    """Return the answer of a path."""
    answers: list[httpx.Response] = []

    async def use(client: httpx.AsyncClient) -> None:
        answers.append(await client.get(path))

    with_client(State(ScriptedLoader(), engine), use)
    return answers[0]


def events_of(response: httpx.Response) -> list[dict[str, object]]:
    """Return the JSON objects of an event stream."""
    lines = [block.removeprefix("data: ") for block in response.text.split("\n\n") if block]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def text_of(events: list[dict[str, object]]) -> str:
    """Return what the events of a stream say."""
    deltas = [c["delta"] for e in events for c in e.get("choices", ())]  # type: ignore[attr-defined]
    return "".join(delta.get("content", "") for delta in deltas)
