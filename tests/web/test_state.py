"""What happens to the model of an app: it is lost, refuted, asked by several at once."""

import asyncio

import httpx

from app_client import events_of, post, text_of, with_client
from scripted_engine import ScriptedEngine, ScriptedLoader
from wgslm.errors import DeviceLostError
from wgslm_web.state import State

ASK = {"messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"


def test_a_lost_device_costs_the_engine_and_the_state_says_so() -> None:
    engine = ScriptedEngine(error=DeviceLostError("the GPU went away"))
    state = State(ScriptedLoader(), engine)

    assert post(CHAT, ASK, state=state).status_code == 503

    assert state.engine is None
    assert engine.is_closed
    assert state.failure == "the GPU went away"


def test_a_model_that_is_refuted_speaks_no_further() -> None:
    engine = ScriptedEngine(step_seconds=0.02)
    state = State(ScriptedLoader(), engine)
    answers: list[httpx.Response] = []

    async def use(client: httpx.AsyncClient) -> None:
        speaking = asyncio.create_task(client.post(CHAT, json={**ASK, "stream": True}))
        await asyncio.sleep(0.03)
        state.refute("model.gguf is not what was asked for")
        answers.extend([await client.post(CHAT, json=ASK), await speaking])
        await asyncio.sleep(0.05)

    with_client(state, use)

    assert answers[0].status_code == 503
    assert "not what was asked for" in answers[0].json()["error"]["message"]
    events = events_of(answers[1])
    assert text_of(events) != "Hello world"
    assert "not what was asked for" in events[-1]["error"]["message"]  # type: ignore[index]
    assert engine.is_closed


def test_generations_run_one_at_a_time() -> None:
    engine = ScriptedEngine(step_seconds=0.005)

    async def use(client: httpx.AsyncClient) -> None:
        await asyncio.gather(*(client.post(CHAT, json=ASK) for _ in range(4)))

    with_client(State(ScriptedLoader(), engine), use)

    assert len(engine.asked) == 4
    assert engine.most_running == 1
