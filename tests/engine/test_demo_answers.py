"""The embedded model natively: right answers to what the page offers to ask."""

import asyncio
from contextlib import aclosing

import pytest

from setup_modules import ROOT
from wgslm.chat.events import Done, TextDelta
from wgslm.engine import Engine
from wgslm.generate import Options
from wgslm.sampling import Sampling

MODEL = ROOT / "demo/model/wgslm-demo.q8_0.gguf"
GREEDY = Options(max_tokens=250, sampling=Sampling(temperature=0))
# a part of every right answer
EXPECTED = {
    "What is wgslm?": ("browser", "tab"),
    "Is my chat private?": ("computer", "tab", "leave", "nobody"),
    "How do I load a bigger model?": ("GGUF", "URL", "file"),
    "What is a token?": ("piece", "word", "letters"),
    "Which model should I load?": ("instruct",),
    "Does it work offline?": ("without the internet", "offline"),
}

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("device")]


async def answers() -> dict[str, tuple[str, str]]:
    """Return each question's text and the reason of its end."""
    engine = await Engine.load(str(MODEL))
    found = {}
    for question in EXPECTED:
        text, reason = "", ""
        async with aclosing(engine.chat([{"role": "user", "content": question}], GREEDY)) as events:
            async for event in events:
                match event:
                    case TextDelta():
                        text += event.text
                    case Done():
                        reason = event.reason
        found[question] = (text, reason)
    await engine.close()
    return found


def test_starter_questions_get_right_answers_that_end() -> None:
    for question, (text, reason) in asyncio.run(answers()).items():
        print(f"\n> {question}\n{text}")
        assert reason == "stop"
        assert any(word in text for word in EXPECTED[question]), (question, text)


def test_these_are_the_questions_that_the_page_offers() -> None:
    source = (ROOT / "web/wgslm_web/page/controls.js").read_text()

    assert [text for text in EXPECTED if f'"{text}",' in source] == list(EXPECTED)
