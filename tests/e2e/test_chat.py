"""The main job in a tab: a model by byte ranges, a conversation, the ids of the native engine."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser_tab import Tab
from native_answers import native_answers
from served import Served

MAX_TOKENS = 24

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


@pytest.mark.parametrize("name", ["stories", "stories.q8_0", "tiny"])
def test_two_turns_equal_those_of_the_native_engine(
    tab: Tab, served: Served, models: dict[str, Path], name: str
) -> None:
    if name not in models:
        pytest.skip("WGSLM_REFERENCE_DATA is not set")
    served.asked.clear()
    tab.open(f"{served.url}?model=models/{name}.gguf")
    tab.wait_ready(name)
    tab.set(temperature=0, max_tokens=MAX_TOKENS)

    first = tab.ask("Tell me a story.")
    second = tab.ask("What did Tim see?")

    print(f"\n{name}: {second['timings']['predicted_per_second']:.0f} tok/s")
    messages = [{key: m[key] for key in ("role", "content")} for m in tab.messages]
    natively = native_answers(models[name], [messages[:1], messages[:3]], MAX_TOKENS)
    assert natively[0].sure == MAX_TOKENS, "ask something whose answer is certain"
    for answer, native in zip((first, second), natively, strict=True):
        assert answer["state"] == "done"
        assert answer["ids"][: native.sure] == list(native.ids[: native.sure])
    assert first["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
    assert tab.page.locator("#model-url").input_value() == f"models/{name}.gguf"
    asked = [log for log in served.asked if log[0] == f"/models/{name}.gguf"]
    assert asked, "the model came from somewhere else"
    assert all(header and status == 206 for _, header, status in asked)


def test_what_is_written_before_the_model_is_ready_is_sent_then(tab: Tab, site: str) -> None:
    prompt = tab.page.get_by_role("textbox", name="Your message")
    tab.open(f"{site}?model=models/tiny.gguf")
    expect(tab.page.get_by_role("button", name="What is wgslm?")).to_be_visible()

    prompt.fill("Too soon")
    prompt.press("Enter")
    expect(tab.page.locator("#waits")).to_be_visible()
    prompt.press("Escape")
    expect(tab.page.locator("#waits")).to_be_hidden()
    prompt.fill("Hello")
    prompt.press("Enter")
    assert tab.messages == []

    tab.wait(lambda: len(tab.messages) == 2, "the message to be sent")
    assert tab.messages[0]["content"] == "Hello"
    expect(prompt).to_have_value("")


def test_raw_ids_equal_those_of_llama_cpp(
    tab: Tab, site: str, models: dict[str, Path], reference_data: Path
) -> None:
    golden = json.loads((reference_data / "models/stories260K.golden.json").read_text())
    tab.open(f"{site}?model=models/stories.gguf")
    tab.wait_ready("stories")

    for case in golden["cases"]:
        wanted = case["greedy_ids"]
        options = {"temperature": 0, "max_tokens": len(wanted)}
        ids = tab.page.evaluate(
            "([ids, options]) => tests.continueIds(ids, options)", [case["prompt_ids"], options]
        )
        assert ids == wanted
