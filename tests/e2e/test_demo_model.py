"""The embedded model in a tab: what visitors are offered to ask, and how soon it answers."""

import re
from typing import Any

import pytest

from browser_tab import Tab
from idle import slowdown
from native_answers import native_answers
from setup_modules import ROOT

MODEL = ROOT / "demo/model/wgslm-demo.q8_0.gguf"
MAX_TOKENS = 60
FIRST_TOKEN_SECONDS = 1.0
LEAST = 10.0  # tokens per second on SwiftShader
TRIES = 3  # the best one counts: other programs only ever make it slower
LONG = (
    "Question number %d, and hello! I have an old laptop, and a friend told me about this page. "
    "I would like to talk with a language model, but I do not want to send what I write to a "
    "company, because I often write about my family and my work. I have never done anything "
    "like this before, so please use simple words. I have about eight gigabytes of memory, and a "
    "slow line to the internet at home. And so I ask: what is wgslm?"
)

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def starters() -> list[str]:
    """Return the questions that the empty page offers."""
    source = (ROOT / "web/wgslm_web/page/controls.js").read_text()
    found = re.search(r"const IDEAS = \[(.*?)\];", source, re.DOTALL)
    assert found
    return re.findall(r'"(.*?)"', found[1])


def test_every_starter_question_is_answered_as_natively(tab: Tab, site: str) -> None:
    tab.open(site)
    tab.wait_ready("wgslm-demo.q8_0")
    offered = tab.page.locator("#ideas button").all_text_contents()
    assert offered == starters() and 4 <= len(offered) <= 6
    conversations = [[{"role": "user", "content": text}] for text in offered]
    natively = native_answers(MODEL, conversations, MAX_TOKENS)

    tab.set(temperature=0, max_tokens=MAX_TOKENS)
    for text, native in zip(offered, natively, strict=True):
        tab.page.locator("#new-chat").click()
        answer = tab.ask(text)

        assert answer["state"] == "done"
        assert native.sure > 5, "a starter question is one that the model is sure of"
        assert answer["ids"][: native.sure] == list(native.ids[: native.sure])


@pytest.mark.speed
def test_it_answers_soon_and_fast(tab: Tab, site: str) -> None:
    tab.open(site)
    tab.wait_ready("wgslm-demo.q8_0")
    tab.set(temperature=0, max_tokens=MAX_TOKENS)
    tab.ask("Hello!")  # compiles nothing any more, but measures how long a step takes

    firsts, speeds = [], []
    for number in range(TRIES):
        tab.page.locator("#new-chat").click()
        before = slowdown()
        answer: dict[str, Any] = tab.ask(LONG % number)
        factor = (before + slowdown()) / 2
        timings = answer["timings"]
        assert timings["prompt_n"] >= 100
        print(f"\n{timings}, while everything took {factor:.1f} times as long as it should")
        firsts.append(timings["prompt_ms"] / 1e3 / factor)
        speeds.append(timings["predicted_per_second"] * factor)

    assert min(firsts) <= FIRST_TOKEN_SECONDS
    assert max(speeds) >= LEAST
