"""The API over ASGI, with a scripted engine."""

import asyncio

import httpx
import pytest

from app_client import HOST, events_of, get, post, text_of, with_client
from scripted_engine import ScriptedEngine, ScriptedLoader
from wgslm.errors import DeviceLostError, GgufError, RequestError, SourceError
from wgslm_web.gate import Access
from wgslm_web.state import State

ASK = {"messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"


def test_a_whole_answer() -> None:
    response = post(CHAT, ASK, ScriptedEngine())

    answer = response.json()
    assert response.status_code == 200
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "scripted"
    assert answer["choices"][0]["message"]["content"] == "Hello world"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == 3


def test_a_streamed_answer_is_the_same_text_and_ends_with_done() -> None:
    response = post(CHAT, {**ASK, "stream": True}, ScriptedEngine())

    assert response.headers["content-type"].startswith("text/event-stream")
    assert text_of(events_of(response)) == "Hello world"
    assert response.text.endswith("data: [DONE]\n\n")


def test_the_last_chunk_has_usage_and_timings() -> None:
    body = {**ASK, "stream": True, "stream_options": {"include_usage": True}}

    last = events_of(post(CHAT, body, ScriptedEngine()))[-1]

    assert last["usage"]["prompt_tokens_details"] == {"cached_tokens": 1}  # type: ignore[index]
    assert last["timings"]["predicted_per_second"] == 100.0  # type: ignore[index]


def test_the_engine_gets_messages_and_options() -> None:
    engine = ScriptedEngine()

    post(CHAT, {**ASK, "max_tokens": 5, "temperature": 0}, engine)

    messages, options = engine.asked[0]
    assert messages == ASK["messages"]
    assert (options.max_tokens, options.sampling.temperature) == (5, 0.0)


def test_what_a_request_does_not_say_is_as_the_model_recommends() -> None:
    engine = ScriptedEngine()

    post(CHAT, {**ASK, "top_k": 3}, engine)
    post("/wgslm/continue", {"ids": [72]}, engine)

    first, second = (options.sampling for _, options in engine.asked)
    assert (first.temperature, first.top_k) == (0.4, 3)
    assert second == engine.info.sampling


@pytest.mark.parametrize("model", ["scripted", "default", "local", "", None])
def test_the_loaded_model_answers_to_its_name_and_to_general_names(model: str | None) -> None:
    answer = post(CHAT, {**ASK, "model": model}, ScriptedEngine()).json()

    assert answer["model"] == "scripted"


def test_another_model_is_404_and_says_which_is_loaded() -> None:
    response = post(CHAT, {**ASK, "model": "gpt-5"}, ScriptedEngine())

    error = response.json()["error"]
    assert response.status_code == 404
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "'scripted'" in error["message"]


def test_no_model_is_503() -> None:
    response = post(CHAT, ASK)

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "no_model"


def test_an_error_before_the_first_token_has_its_own_status_even_when_streaming() -> None:
    engine = ScriptedEngine(words=(), error=RequestError("the prompt is too long", "messages"))

    response = post(CHAT, {**ASK, "stream": True}, engine)

    assert response.status_code == 400
    assert response.json()["error"] == {
        "message": "the prompt is too long",
        "type": "invalid_request_error",
        "param": "messages",
        "code": None,
    }


def test_an_error_in_a_stream_is_an_event_and_ends_it() -> None:
    state = State(ScriptedLoader(), ScriptedEngine(error=DeviceLostError("the GPU went away")))

    response = post(CHAT, {**ASK, "stream": True}, state=state)

    events = events_of(response)
    assert text_of(events) == "Hello world"
    assert events[-1]["error"]["code"] == "device_lost"  # type: ignore[index]
    assert "[DONE]" not in response.text


def test_a_bug_is_a_500_that_shows_no_internals() -> None:
    response = post(CHAT, ASK, ScriptedEngine(error=ZeroDivisionError("secret")))

    assert response.status_code == 500
    assert "ZeroDivisionError" in response.json()["error"]["message"]
    assert "secret" not in response.text


def test_a_bug_is_told_to_pages_of_allowed_origins_too() -> None:
    answers: list[httpx.Response] = []

    async def use(client: httpx.AsyncClient) -> None:
        headers = {"origin": "https://app.example"}
        answers.append(await client.post(CHAT, json=ASK, headers=headers))

    access = Access(frozenset({HOST}), frozenset({"https://app.example"}))
    with_client(State(ScriptedLoader(), ScriptedEngine(error=ZeroDivisionError())), use, access)

    assert answers[0].status_code == 500
    assert answers[0].headers["access-control-allow-origin"] == "https://app.example"


def test_a_full_queue_is_503_with_retry_after() -> None:
    state = State(ScriptedLoader(), ScriptedEngine(step_seconds=0.01))
    state.gate.waiting_limit = 2
    answers: list[httpx.Response] = []

    async def use(client: httpx.AsyncClient) -> None:
        answers.extend(await asyncio.gather(*(client.post(CHAT, json=ASK) for _ in range(5))))

    with_client(state, use)

    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 2
    assert refused[0].json()["error"]["code"] == "queue_full"
    assert int(refused[0].headers["retry-after"]) > 0


def test_models_lists_the_loaded_one_and_nothing_else() -> None:
    assert get("/v1/models").json() == {"object": "list", "data": []}
    (model,) = get("/v1/models", ScriptedEngine()).json()["data"]
    assert (model["id"], model["object"]) == ("scripted", "model")
    assert get("/v1/models/scripted", ScriptedEngine()).json()["id"] == "scripted"
    assert get("/v1/models/other", ScriptedEngine()).status_code == 404


def test_health_is_503_until_a_model_is_there() -> None:
    assert get("/health").status_code == 503
    assert get("/health", ScriptedEngine()).json()["status"] == "ok"


def test_an_unknown_route_and_a_wrong_method_have_error_bodies() -> None:
    assert get("/v1/nothing").json()["error"]["code"] == "route"
    wrong = get(CHAT)
    assert wrong.status_code == 405
    assert "GET" in wrong.json()["error"]["message"]
    assert wrong.headers["allow"] == "POST"


def test_a_load_streams_progress_and_then_the_model() -> None:
    state = State(ScriptedLoader())

    events = events_of(post("/wgslm/load", {"model": "a.gguf", "context": 32}, state=state))

    assert [e["stage"] for e in events[-3:]] == ["weights", "ready", "loaded"]
    assert events[-2] == {"stage": "ready", "done": 100, "total": 100, "seconds": 0.2}
    assert events[-1]["model"]["name"] == "a.gguf"  # type: ignore[index]
    assert events[-1]["model"]["adapter"]["kind"] == "software"  # type: ignore[index]
    assert state.engine is not None


def test_a_failed_load_says_why_and_leaves_the_app_usable() -> None:
    loader = ScriptedLoader(errors={"bad.gguf": GgufError("no GGUF: it begins with '<htm'")})
    state = State(loader)

    events = events_of(post("/wgslm/load", {"model": "bad.gguf"}, state=state))

    assert events[-1]["error"]["message"] == "no GGUF: it begins with '<htm'"  # type: ignore[index]
    assert "begins with" in post(CHAT, ASK, state=state).json()["error"]["message"]
    assert events_of(post("/wgslm/load", {"model": "a"}, state=state))[-1]["stage"] == "loaded"


@pytest.mark.parametrize(
    "loader",
    [ScriptedLoader(errors={"bad": SourceError("404")}), ScriptedLoader(fits=False)],
    ids=["unreadable", "too large"],
)
def test_a_bad_file_does_not_cost_the_model_that_works(loader: ScriptedLoader) -> None:
    engine = ScriptedEngine()
    state = State(loader, engine)

    events = events_of(post("/wgslm/load", {"model": "bad"}, state=state))

    assert "error" in events[-1]
    assert state.engine is engine
    assert not engine.is_closed


def test_the_guard_judges_the_context_that_is_asked_for() -> None:
    loader = ScriptedLoader()

    post("/wgslm/load", {"model": "a", "context": 32}, state=State(loader, ScriptedEngine()))
    post("/wgslm/preflight", {"model": "b", "context": 16}, state=State(loader))

    assert loader.judged == [("a", 32), ("b", 16)]


def test_a_new_model_replaces_and_closes_the_old() -> None:
    old = ScriptedEngine()
    state = State(ScriptedLoader(), old)

    post("/wgslm/load", {"model": "new"}, state=state)

    assert old.is_closed
    assert state.engine is not None
    assert state.engine.name == "new"


def test_a_load_can_be_cancelled_and_another_begun() -> None:
    loader = ScriptedLoader()
    state = State(loader)

    async def use(client: httpx.AsyncClient) -> None:
        loader.hold = asyncio.Event()
        first = asyncio.create_task(client.post("/wgslm/load", json={"model": "slow"}))
        await asyncio.sleep(0.02)
        assert (await client.get("/wgslm/status")).json()["loading"]["progress"]["done"] == 50
        assert (await client.get("/health")).json()["status"] == "loading"
        assert (await client.post(CHAT, json=ASK)).json()["error"]["code"] == "loading"
        assert (await client.post("/wgslm/load", json={"model": "b"})).status_code == 409

        answer = await client.post("/wgslm/cancel-load", json={})

        assert answer.json() == {"cancelled": True}
        assert events_of(await first)[-1]["error"]["code"] == "cancelled"  # type: ignore[index]
        loader.hold = None
        again = events_of(await client.post("/wgslm/load", json={"model": "c"}))
        assert again[-1]["stage"] == "loaded"
        assert (await client.post("/wgslm/cancel-load", json={})).json() == {"cancelled": False}

    with_client(state, use)


def test_a_load_waits_for_the_generation_that_runs() -> None:
    engine = ScriptedEngine(step_seconds=0.01)
    answers: list[httpx.Response] = []

    async def use(client: httpx.AsyncClient) -> None:
        asking = asyncio.create_task(client.post(CHAT, json=ASK))
        await asyncio.sleep(0.005)
        await client.post("/wgslm/load", json={"model": "new"})
        answers.append(await asking)

    with_client(State(ScriptedLoader(), engine), use)

    assert answers[0].json()["choices"][0]["message"]["content"] == "Hello world"


def test_preflight_describes_a_file() -> None:
    assert post("/wgslm/preflight", {"model": "a"}).json()["architecture"] == "llama"


def test_tokenize_takes_text_or_messages() -> None:
    text = post("/wgslm/tokenize", {"text": "hé"}, ScriptedEngine()).json()
    chat = post("/wgslm/tokenize", {"messages": ASK["messages"]}, ScriptedEngine()).json()

    assert text["ids"] == [104, 195, 169]
    assert text["pieces"][0] == "h"
    assert bytes(chat["ids"]) == b"user:Hi;"
    assert post("/wgslm/tokenize", {}, ScriptedEngine()).status_code == 400


@pytest.mark.parametrize(("limit", "kept"), [(100, "héllo wörld"), (5, "héll"), (2, "h")])
def test_tokenize_keeps_as_much_of_a_text_as_a_limit_allows(limit: int, kept: str) -> None:
    body = {"text": "héllo wörld", "limit": limit}

    answer = post("/wgslm/tokenize", body, ScriptedEngine()).json()

    assert answer["text"] == kept
    assert bytes(answer["ids"]).decode() == kept
    assert len(answer["ids"]) <= limit


@pytest.mark.parametrize("body", [{"text": "x", "limit": 0}, {"messages": [], "limit": 3}])
def test_tokenize_refuses_a_limit_that_means_nothing(body: dict[str, object]) -> None:
    answer = post("/wgslm/tokenize", body, ScriptedEngine())

    assert answer.status_code == 400
    assert "'limit' is" in answer.json()["error"]["message"]


def test_continuing_from_ids_streams_the_rest() -> None:
    engine = ScriptedEngine()

    events = events_of(post("/wgslm/continue", {"ids": [1, 2], "max_tokens": 9}, engine))

    assert text_of(events) == "Hello world"
    assert engine.asked[0][0] == [1, 2]
    assert engine.asked[0][1].max_tokens == 9
    assert events[1]["tokens"] == list(b"Hel")


def test_continuing_an_answer_resends_it_without_a_cut_character() -> None:
    engine = ScriptedEngine()
    cut = [*b"Caf", 0xC3]

    body = {"messages": ASK["messages"], "ids": cut, "max_tokens": 20}
    events = events_of(post("/wgslm/continue", body, engine))

    assert text_of(events) == "CafHello world"
    assert events[1]["tokens"] == list(b"Caf")
    assert engine.asked[0][0] == list(b"user:Hi;Caf")
    assert engine.asked[0][1].max_tokens == 20 - 3


@pytest.mark.parametrize(
    ("ids", "limit", "left"),
    [(b"Caf", 4, 1), (b"Caf", 3, 3), (b"Caf", 2, 2), (b"Caf\xc3", 5, 2), (b"Caf\xc3", 4, 4)],
)
def test_an_answer_that_has_its_length_goes_on_by_that_many(
    ids: bytes, limit: int, left: int
) -> None:
    engine = ScriptedEngine()

    post("/wgslm/continue", {**ASK, "ids": list(ids), "max_tokens": limit}, engine)

    assert engine.asked[0][1].max_tokens == left


def test_what_is_far_too_much_is_refused_unsplit() -> None:
    text = post("/wgslm/tokenize", {"text": "x" * 1_000_001}, ScriptedEngine())
    messages = post(CHAT, {"messages": ASK["messages"] * 10_001}, ScriptedEngine())

    assert (text.status_code, messages.status_code) == (400, 400)
    assert "at most 1,000,000" in text.json()["error"]["message"]
    assert "at most 10,000" in messages.json()["error"]["message"]


@pytest.mark.parametrize("ids", [[], [256], [-1], ["1"], [True], "1"])
def test_ids_that_the_model_does_not_have_are_refused(ids: object) -> None:
    response = post("/wgslm/continue", {"ids": ids}, ScriptedEngine())

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "ids"
