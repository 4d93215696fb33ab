"""What goes wrong is said in a sentence, and the page stays usable: errors, stop, cancel."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from browser_tab import Tab
from fault_server import FaultServer

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


@pytest.fixture
def elsewhere(models: dict[str, Path]) -> Iterator[FaultServer]:
    """Another origin, with sound and damaged files."""
    sound = models["tiny"].read_bytes()
    files = {
        "sound.gguf": sound,
        "truncated.gguf": sound[: len(sound) // 2],
        "text.gguf": b"<!doctype html><title>Not found</title>" * 100,
    }
    with FaultServer(files) as server:
        yield server


def test_a_bad_model_is_explained_and_the_next_one_loads(
    tab: Tab, site: str, elsewhere: FaultServer
) -> None:
    cases = {
        f"{site}models/missing.gguf": "there is no such file",
        elsewhere.url("text.gguf"): "GGUF",
        elsewhere.url("truncated.gguf"): "truncated",
        elsewhere.url("sound.gguf", "no-range"): "does not support range requests",
        elsewhere.url("sound.gguf", "wrong-range"): "sent bytes",
        "ftp://127.0.0.1/model.gguf": "cannot be read here",
    }
    tab.open(f"{site}?model=models/missing.gguf")  # while there is no model yet
    tab.wait(lambda: "there is no such file" in tab.error, "the first error")
    assert tab.state == "error"
    tab.load("models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=4)

    for url, words in cases.items():
        tab.load(url)
        tab.wait(lambda words=words: words in tab.error, f"{words!r}")  # type: ignore[misc]
        tab.wait_ready("tiny")  # what was loaded still is
        assert tab.ask("Hello")["state"] == "done"
    tab.load(elsewhere.url("sound.gguf"))
    tab.wait_ready("sound")

    assert tab.error == ""
    assert tab.ask("Hello")["state"] == "done"
    assert not any(method == "OPTIONS" for method, _, _ in elsewhere.asked), "asked for a preflight"


def test_stop_keeps_what_was_said_and_the_answer_can_go_on(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=200)

    tab.send("Tell me a long story.")
    tab.wait(lambda: len(tab.answer["ids"]) > 2, "some tokens")
    tab.page.get_by_role("button", name="Stop the answer").click()

    tab.wait(lambda: tab.answer["state"] == "stopped", "the answer to stop", 2)
    stopped = tab.answer
    assert 2 < len(stopped["ids"]) < 200
    assert stopped["content"].strip() in tab.shown.locator(".body").inner_text()
    tab.set(max_tokens=len(stopped["ids"]) + 3)
    tab.shown.get_by_role("button", name="Continue").click()
    tab.wait(lambda: tab.answer["state"] == "done", "the rest of the answer")
    assert tab.answer["ids"][: len(stopped["ids"])] == stopped["ids"]
    assert len(tab.answer["ids"]) > len(stopped["ids"])
    tab.set(max_tokens=4)
    assert tab.ask("And then?")["state"] == "done"


def test_stop_right_after_send_ends_the_answer(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=2000)

    tab.page.evaluate("wgslm.chat.send('Tell me a long story.'); wgslm.chat.stop()")

    tab.wait(lambda: tab.answer["state"] == "stopped", "the answer to stop", 2)
    tab.page.wait_for_timeout(500)  # an answer that goes on has begun then, and lasts longer
    assert tab.page.evaluate("tests.isIdle()")
    tab.set(max_tokens=4)
    assert tab.ask("Hello")["state"] == "done"


def test_an_answer_cut_at_its_limit_says_so_and_can_go_on(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=4)

    first = tab.ask("Tell me a long story.")
    tab.shown.get_by_text("Cut at the limit").wait_for()
    tab.shown.get_by_role("button", name="Continue").click()
    tab.wait(lambda: len(tab.answer["ids"]) == 8, "as much again")

    assert tab.answer["ids"][:4] == first["ids"]


def test_a_new_load_ends_the_one_under_way(tab: Tab, site: str, elsewhere: FaultServer) -> None:
    slow = elsewhere.url("sound.gguf", "stall", after=1)
    tab.open(f"{site}?model={quote(slow, safe='')}")
    tab.wait(lambda: any(p["stage"] == "weights" for p in tab.progress), "the weights to begin")

    tab.load("models/missing.gguf")
    tab.load("models/tiny.gguf")

    tab.wait_ready("tiny")
    assert tab.error == ""
    tab.set(max_tokens=4)
    assert tab.ask("Hello")["state"] == "done"


def test_a_model_that_made_room_for_a_cancelled_one_is_offered_again(
    tab: Tab, site: str, elsewhere: FaultServer
) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.load(elsewhere.url("sound.gguf", "stall", after=2))  # its header is read twice
    tab.wait(lambda: tab.progress[-1]["stage"] == "weights", "the weights to begin")

    tab.page.get_by_role("button", name="Cancel").click()
    tab.page.get_by_role("button", name="Load tiny again").click()

    tab.wait_ready("tiny")
    assert tab.error == ""


def test_a_full_context_is_explained_and_can_be_made_larger(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=4)
    context = tab.page.get_by_label("Context")
    context.fill("16")
    tab.page.get_by_role("button", name="Load again with this context").click()
    tab.wait(lambda: "16 tokens of context" in tab.facts, "the context to be small")

    tab.ask("Tell me a long story about a lighthouse.")
    assert "Start a new chat" in tab.error
    context.fill("")
    tab.page.get_by_role("button", name="Load again with this context").click()
    tab.wait_ready("tiny")
    tab.shown.get_by_role("button", name="Try again").click()

    tab.wait(lambda: tab.answer["state"] == "done", "the answer")
    assert tab.error == ""


def test_cancelling_a_load_leaves_a_page_that_loads_another_model(
    tab: Tab, site: str, elsewhere: FaultServer
) -> None:
    slow = elsewhere.url("sound.gguf", "stall", after=1)  # the header comes, the weights don't
    tab.open(f"{site}?model={quote(slow, safe='')}")
    tab.wait(lambda: any(p["stage"] == "weights" for p in tab.progress), "the weights to begin")

    tab.page.get_by_role("button", name="Cancel").click()

    tab.wait(lambda: tab.state == "idle", "the load to end", 3)
    assert tab.error == ""
    asked = len(elsewhere.asked)
    tab.load("models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=4)
    assert tab.ask("Hello")["state"] == "done"
    assert len(elsewhere.asked) == asked, "the cancelled load went on asking"
