"""The tab's ASGI server, with lists for ports."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Receive, Scope, Send

from scripted_engine import ByteTokenizer, ScriptedEngine, ScriptedLoader
from wgslm.pauses import Pausing
from wgslm_web.app import create_app
from wgslm_web.gate import Access
from wgslm_web.state import State
from wgslm_web.tab import HOST, TabServer, make_server, scope_of

Posted = list[dict[str, object]]
ASK = {"messages": [{"role": "user", "content": "Hé"}]}


def request(id: int, path: str, body: object = None, method: str = "POST") -> dict[str, object]:
    text = None if body is None else json.dumps(body, ensure_ascii=False)
    headers = [["Content-Type", "application/json"]]
    message = {"type": "request", "id": id, "method": method, "path": path}
    return {**message, "headers": headers, "body": text}


def drive(engine: ScriptedEngine, use: Callable[[TabServer, Posted], Awaitable[None]]) -> Posted:
    posted: Posted = []

    async def run() -> None:
        state = State(ScriptedLoader(), engine)
        app = create_app(state, Access(frozenset({HOST})))
        async with asyncio.timeout(10):
            await use(TabServer(app, state.files, posted.append), posted)

    asyncio.run(run())
    return posted


async def ended(posted: Posted, *ids: int) -> None:
    while not {m["id"] for m in posted if m["type"] in ("end", "fail")} >= set(ids):
        await asyncio.sleep(0.001)


def body_of(posted: Posted, id: int) -> bytes:
    chunks = [m["chunk"] for m in posted if m["id"] == id and m["type"] == "body"]
    return b"".join(chunk for chunk in chunks if isinstance(chunk, bytes))


def test_a_request_becomes_start_body_and_end() -> None:
    async def use(server: TabServer, posted: Posted) -> None:
        server.receive(request(1, "/v1/models", method="GET"))
        await ended(posted, 1)

    posted = drive(ScriptedEngine(), use)

    assert [message["type"] for message in posted] == ["start", "body", "end"]
    assert posted[0]["status"] == 200
    assert ["content-type", "application/json"] in posted[0]["headers"]  # type: ignore[operator]
    assert json.loads(body_of(posted, 1))["data"][0]["id"] == "scripted"


def test_a_stream_arrives_event_by_event() -> None:
    engine = ScriptedEngine(words=["a", "b", "c"])

    async def use(server: TabServer, posted: Posted) -> None:
        server.receive(request(1, "/v1/chat/completions", {**ASK, "stream": True}))
        await ended(posted, 1)

    posted = drive(engine, use)

    chunks = [m for m in posted if m["type"] == "body"]
    assert len(chunks) == 6  # opening, three texts, closing, [DONE]
    assert engine.asked[0][0] == ASK["messages"]


def test_an_abort_stops_the_generation_and_frees_the_model() -> None:
    engine = ScriptedEngine(words=["x"] * 1000, step_seconds=0.001)

    async def use(server: TabServer, posted: Posted) -> None:
        server.receive(request(1, "/v1/chat/completions", {**ASK, "stream": True}))
        while len(posted) < 4:
            await asyncio.sleep(0.001)
        server.receive({"type": "abort", "id": 1})
        while engine.running:
            await asyncio.sleep(0.001)
        engine.words = ["fine"]
        server.receive(request(2, "/v1/chat/completions", ASK))
        await ended(posted, 2)

    posted = drive(engine, use)

    assert engine.stopped_early == 1
    assert b"fine" in body_of(posted, 2)
    assert {"type": "end", "id": 1} not in posted


@pytest.mark.parametrize("stream", [True, False])
def test_an_abort_right_behind_its_request_leaves_no_generation(stream: bool) -> None:
    engine = ScriptedEngine(words=["x"] * 1000, step_seconds=0.001)

    async def use(server: TabServer, posted: Posted) -> None:
        server.receive(request(1, "/v1/chat/completions", {**ASK, "stream": stream}))
        server.receive({"type": "abort", "id": 1})
        await asyncio.sleep(0.02)
        server.receive(request(2, "/wgslm/status", method="GET"))
        await ended(posted, 2)

    posted = drive(engine, use)

    assert engine.asked == []
    assert json.loads(body_of(posted, 2))["busy"] is False
    assert {message["id"] for message in posted} == {2}


def test_requests_run_side_by_side() -> None:
    engine = ScriptedEngine(step_seconds=0.01)

    async def use(server: TabServer, posted: Posted) -> None:
        server.receive(request(1, "/v1/chat/completions", ASK))
        server.receive(request(2, "/wgslm/status", method="GET"))
        await ended(posted, 1, 2)

    posted = drive(engine, use)

    ends = [message["id"] for message in posted if message["type"] == "end"]
    assert ends == [2, 1]


def test_a_picked_file_is_loaded_by_its_name() -> None:
    loader, posted = ScriptedLoader(), list[dict[str, object]]()
    picked = ["the JS File"]

    async def run() -> None:
        server = make_server(loader, posted.append)
        server.receive({"type": "files", "name": "file:1", "files": picked})
        server.receive(request(1, "/wgslm/load", {"model": "file:1"}))
        await ended(posted, 1)

    asyncio.run(run())

    assert loader.loaded == [(picked, None)]


def test_a_crash_of_the_app_is_reported_and_the_server_lives(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError("why")

    posted: Posted = []

    async def run() -> None:
        server = TabServer(broken, {}, posted.append)
        for id in (1, 2):
            server.receive(request(id, "/", method="GET"))
        await ended(posted, 1, 2)

    asyncio.run(run())

    assert [message["type"] for message in posted] == ["fail", "fail"]
    assert "ZeroDivisionError: why" in capsys.readouterr().err


def test_an_unknown_message_is_refused() -> None:
    with pytest.raises(ValueError, match="known: request, abort, files"):
        TabServer(create_app(State(ScriptedLoader()), Access(None)), {}, print).receive(
            {"type": "what"}
        )


def test_paths_are_decoded_and_split_from_the_query() -> None:
    scope = scope_of(request(1, "/v1/models/a%20b?x=1", method="GET"))

    assert (scope["path"], scope["query_string"]) == ("/v1/models/a b", b"x=1")


def test_a_long_text_is_split_while_others_are_answered_and_until_nobody_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wgslm.pauses.sys.platform", "emscripten")  # one thread for everything
    pauses = 0
    is_closed = False

    class Slow(ByteTokenizer):
        """Takes ten seconds."""

        def encoding(
            self, text: str, *, bos: bool | None = None, specials: bool = False
        ) -> Pausing[list[int]]:
            """Take them in a thousand parts."""
            nonlocal pauses, is_closed
            try:
                for _ in range(1000):
                    time.sleep(0.01)
                    pauses += 1
                    yield
            finally:
                is_closed = True
            return [0]

    async def use(server: TabServer, posted: Posted) -> None:
        server.receive(request(1, "/wgslm/tokenize", {"text": "long"}))
        await asyncio.sleep(0)
        server.receive(request(2, "/wgslm/status", method="GET"))
        await ended(posted, 2)
        server.receive({"type": "abort", "id": 1})
        while not is_closed:
            await asyncio.sleep(0)

    posted = drive(ScriptedEngine(tokenizer=Slow()), use)

    assert json.loads(body_of(posted, 2))["model"]["name"] == "scripted"
    assert not body_of(posted, 1)
    assert pauses < 900
