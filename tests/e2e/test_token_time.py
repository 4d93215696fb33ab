"""From a drawn id to the text that the page holds: events, wire format, port, parsing."""

import json
from statistics import mean

import pytest

from browser_tab import Tab
from served import Served

TOKEN_MS = 1.5
TOKENS, QUICKEST = 200, 20  # the quickest count: other programs only ever make it slower

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]

# In the worker: ids come one by one as if the GPU had drawn them, each with its time.
SCRIPT = f"""
import asyncio, gc, js
from wgslm_web.state import State

(state,) = [found for found in gc.get_objects() if isinstance(found, State)]
(drawn,) = state.engine.tokenizer.encode("e", bos=False)[-1:]
times = []

async def generate(prompt, options, end_ids, run):
    for _ in range({TOKENS}):
        await asyncio.sleep(0.005)
        times.append(js.performance.timeOrigin + js.performance.now())
        run.ids.append(drawn)
        yield drawn
    run.reason = "length"

state.engine.session.generate = generate
"""
# In the page: when it holds the text of each id.
WATCH = """() => {
  tests.times = [];
  wgslm.chat.addEventListener("stats", () => {
    const now = performance.timeOrigin + performance.now();
    if (wgslm.chat.messages.at(-1).ids.length > tests.times.length) tests.times.push(now);
  });
}"""


@pytest.mark.speed
def test_a_drawn_id_is_text_in_the_page_at_once(tab: Tab, open_site: Served) -> None:
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.python(SCRIPT)
    tab.page.evaluate(WATCH)

    answer = tab.ask("Tell me a story.")

    seen: list[float] = tab.page.evaluate("tests.times")
    drawn: list[float] = json.loads(tab.python("import json; json.dumps(times)"))
    assert len(answer["ids"]) == len(seen) == len(drawn) == TOKENS
    spent = sorted(after - before for before, after in zip(drawn, seen, strict=True))
    quick, middle = mean(spent[:QUICKEST]), spent[TOKENS // 2]
    print(f"\n{quick:.2f} ms from a drawn id to its text; half of them within {middle:.2f}")
    assert 0 < quick <= TOKEN_MS
