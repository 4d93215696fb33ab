"""The page outlives its worker, its GPU and itself: the conversation is kept and goes on."""

import contextlib
from collections.abc import Callable

import pytest
from playwright.sync_api import Error

from browser_tab import Tab
from served import Served

QUESTION = "Tell me a long story."
MAX_TOKENS = 60
TERMINATED = "wgslm.host.worker.terminate()"
FATAL = "import json; json.loads('[' * 100_000)"  # too deep for the stack of a tab
DESTROYED = """
import gc
from wgslm.gpu.browser import BrowserDevice

[found] = [thing for thing in gc.get_objects() if isinstance(thing, BrowserDevice)]
found._gpu.device.destroy()
"""

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def terminate(tab: Tab) -> None:
    tab.page.evaluate(TERMINATED)


def break_python(tab: Tab) -> None:
    with contextlib.suppress(Error):  # the interpreter dies of it
        tab.python(FATAL)


def destroy_device(tab: Tab) -> None:
    tab.python(DESTROYED)


@pytest.mark.parametrize(
    ("harm", "said"),
    [(terminate, "The engine stopped"), (break_python, "Python stopped"), (destroy_device, "GPU")],
)
def test_an_answer_goes_on_after_what_it_ran_on_is_gone(
    tab: Tab, open_site: Served, harm: Callable[[Tab], None], said: str
) -> None:
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=MAX_TOKENS)
    undisturbed = tab.ask(QUESTION)
    tab.page.get_by_role("button", name="New chat").click()

    tab.send(QUESTION)
    tab.wait(lambda: len(tab.answer["ids"]) > 2, "some tokens")
    harm(tab)

    tab.wait(lambda: said in tab.error, "the page to say so")
    tab.wait(lambda: tab.answer["state"] == "done", "the answer to go on")
    assert tab.answer["ids"] == undisturbed["ids"]
    assert tab.answer["content"] == undisturbed["content"]
    assert tab.error == ""
    assert tab.ask("And then?")["state"] == "done"
    assert len(tab.messages) == 4


def test_a_worker_that_is_silent_is_replaced_and_the_answer_goes_on(
    tab: Tab, open_site: Served
) -> None:
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.page.evaluate("import('./worker-host.js').then((host) => (host.PATIENCE_MS.busy = 4000))")
    tab.set(temperature=0, max_tokens=MAX_TOKENS)

    tab.send(QUESTION)
    tab.wait(lambda: len(tab.answer["ids"]) > 2, "some tokens")
    tab.worker.evaluate("() => void setTimeout(() => python.runPython('while True: pass'))")

    tab.wait(lambda: "it was silent for 4 s" in tab.error, "the page to say so")
    tab.wait(lambda: tab.answer["state"] == "done", "the answer to go on")
    assert len(tab.answer["ids"]) == MAX_TOKENS


def test_a_reload_keeps_the_conversation_and_what_was_not_sent(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=8)
    tab.ask("Hello")
    before = tab.messages
    tab.page.get_by_role("textbox", name="Your message").fill("A question that I have not")

    tab.page.reload()
    tab.wait_ready("tiny")

    assert tab.messages == before
    assert tab.page.get_by_role("log").get_by_text("Hello").count() == 1
    assert tab.page.get_by_role("textbox", name="Your message").input_value() == (
        "A question that I have not"
    )
    assert tab.page.locator("#setting-max_tokens").input_value() == "8"
    assert tab.ask("And then?")["state"] == "done"
