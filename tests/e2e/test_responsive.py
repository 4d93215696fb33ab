"""The main thread never blocks: no task over 50 ms from a first visit to the end of an answer."""

import json

import pytest
from playwright.sync_api import Browser

from browser_tab import Tab

BLOCKED_MS = 50.0
TRIES = 3  # the best one counts: neighbours' use of the caches only ever makes it slower
TYPED = "What I would like to know next"
TRACED = ["devtools.timeline", "disabled-by-default-devtools.timeline"]  # requests, tasks

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_no_long_task_while_starting_loading_and_streaming(
    tab: Tab, chromium: Browser, site: str
) -> None:
    for _ in range(TRIES):
        longest = max(tasks_of_a_visit(tab, chromium, site))
        if longest <= BLOCKED_MS:
            break

    assert longest <= BLOCKED_MS


def tasks_of_a_visit(tab: Tab, chromium: Browser, site: str) -> list[float]:
    """Open the page, ask, and type while it answers; return what the main thread computed."""
    chromium.start_tracing(page=tab.page, categories=TRACED)
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.page.get_by_role("button", name="New chat").first.click()
    tab.set(temperature=0, max_tokens=100)
    tab.send("Tell me a long story.")
    prompt = tab.page.get_by_role("textbox", name="Your message")
    prompt.press_sequentially(TYPED)
    typed_at = len(tab.answer["ids"])
    tab.wait(lambda: tab.answer["state"] != "streaming", "the answer to end")
    answer = tab.answer
    tasks = main_thread_tasks(chromium.stop_tracing(), site)

    print(f"\n{len(tasks)} tasks, typing included, the longest {max(tasks):.0f} ms")
    assert len(answer["ids"]) == 100
    assert typed_at < 100, "the answer had ended before something was typed"
    assert prompt.input_value() == TYPED
    assert len(tasks) > 100, "the trace holds too little"
    prompt.fill("")  # or the next visit would find it
    return tasks


def main_thread_tasks(trace: bytes, site: str) -> list[float]:
    """Return the milliseconds that each task of the page's main thread computed.

    Its CPU time, unlike the duration that `longtask` entries have: on a busy machine a task of 1 ms
    was seen to take 163 ms because the system ran other programs.
    """
    events = json.loads(trace)["traceEvents"]
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    threads = {  # that asked for our files; Chromium's own bars and menus are pages too
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "ResourceSendRequest"
        and event["args"]["data"]["url"].startswith(site)
        and names.get((event["pid"], event["tid"])) == "CrRendererMain"
    }
    return [
        event["tdur"] / 1e3
        for event in events
        if event["name"] == "RunTask"
        and "tdur" in event
        and (event["pid"], event["tid"]) in threads
    ]
