"""Several choices in one answer: which one a chunk is of, their seeds, what they add up to."""

from app_client import events_of, post
from scripted_engine import ScriptedEngine, ScriptedLoader
from wgslm.errors import DeviceLostError
from wgslm_web.state import State

ASK = {"messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"


def test_several_choices_are_drawn_from_one_seed_after_the_other() -> None:
    engine = ScriptedEngine()

    answer = post(CHAT, {**ASK, "n": 3, "seed": 40}, engine).json()

    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in answer["choices"]} == {"Hello world"}
    assert [options.sampling.seed for _, options in engine.asked] == [40, 41, 42]
    assert answer["usage"]["completion_tokens"] == 9
    assert engine.most_running == 1


def test_choices_without_a_seed_stay_without() -> None:
    engine = ScriptedEngine()

    post(CHAT, {**ASK, "n": 2}, engine)

    assert [options.sampling.seed for _, options in engine.asked] == [None, None]


def test_streamed_choices_say_which_they_are_and_usage_comes_last() -> None:
    body = {**ASK, "n": 2, "stream": True, "stream_options": {"include_usage": True}}

    events = events_of(post(CHAT, body, ScriptedEngine()))

    choices = [choice for event in events for choice in event["choices"]]  # type: ignore[attr-defined]
    said = [
        "".join(c["delta"].get("content", "") for c in choices if c["index"] == i) for i in (0, 1)
    ]
    assert said == ["Hello world", "Hello world"]
    opened = [c["index"] for c in choices if "role" in c["delta"]]
    assert opened == [c["index"] for c in choices if c["finish_reason"]] == [0, 1]
    assert [event for event in events if event["usage"]] == events[-1:]
    assert events[-1]["usage"]["completion_tokens"] == 6  # type: ignore[index]


def test_an_error_ends_all_choices() -> None:
    engine = ScriptedEngine(error=DeviceLostError("the GPU went away"))

    response = post(CHAT, {**ASK, "n": 5, "stream": True}, state=State(ScriptedLoader(), engine))

    assert len(engine.asked) == 1
    assert "[DONE]" not in response.text
