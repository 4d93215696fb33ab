"""The main thread never blocks: no task over 50 ms while a model loads and an answer streams."""

import pytest

from browser_tab import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_no_long_task_while_loading_and_streaming(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=100)
    tab.page.evaluate("tests.longTasks.length = 0")

    tab.load("models/tiny.gguf")
    tab.wait_ready("tiny")
    answer = tab.ask("Tell me a long story.")

    assert len(answer["ids"]) == 100
    assert tab.page.evaluate("tests.longTasks") == []
