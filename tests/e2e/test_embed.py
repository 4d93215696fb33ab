"""Other people's pages: a model and its API in three lines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from browser_tab import Tab
from served import Served, serve
from site_copy import SiteCopy

REFUSED = "what => wgslm.load(what).then(() => '', (error) => `${error.name}: ${error.message}`)"
PICKED = """async () => {
  const stages = new Set();
  const bytes = await (await fetch("models/tiny.gguf")).blob();
  const facts = await wgslm.load(new File([bytes], "mine.gguf"), {
    context: 64, onProgress: ({ stage }) => stages.add(stage),
  });
  return [facts.name, facts.context, [...stages]];
}"""

pytestmark = [pytest.mark.e2e, pytest.mark.gpu, pytest.mark.long]


@pytest.fixture
def served_copy(dist: Path, models: dict[str, Path], tmp_path: Path) -> Iterator[Served]:
    """The site with a small model in the place of its own."""
    copy = SiteCopy(tmp_path / "site", dist, models["tiny"])
    with serve(copy.folder, {}) as site:
        yield site


def test_the_example_answers_and_its_page_has_the_whole_api(tab: Tab, served_copy: Served) -> None:
    page = tab.page
    page.goto(f"{served_copy.url}embed.html")

    page.wait_for_function("document.querySelector('#answer').textContent.length > 20")

    assert (
        page.evaluate("wgslm.fetch('/v1/models').then((r) => r.json())")["data"][0]["id"] == "tiny"
    )
    assert asked(page, "{ max_tokens: 5, temperature: 0 }") == asked(
        page, "{ max_tokens: 5, temperature: 0 }"
    )
    assert page.evaluate(PICKED)[:2] == ["mine", 64]
    assert "weights" in page.evaluate(PICKED)[2]
    assert "there is no such file" in page.evaluate(REFUSED, "missing.gguf")
    assert "load takes an address" in page.evaluate(REFUSED, 7)
    assert [path for path, _, _ in served_copy.asked if path.startswith("/v1")] == []


def test_the_chat_page_has_it_too(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")

    facts = tab.page.evaluate("wgslm.load('models/tiny.gguf', { context: 32 })")

    assert facts["context"] == 32
    tab.wait_ready("tiny")
    assert "ApiError" in tab.page.evaluate(REFUSED, "models/missing.gguf")


def test_a_script_may_load_before_the_engine_runs(tab: Tab, site: str) -> None:
    tab.page.goto(f"{site}?model=models/tiny.gguf", wait_until="commit")
    tab.wait(lambda: tab.page.evaluate("Boolean(window.wgslm?.load)"), "the page's own scripts")
    assert tab.page.evaluate("wgslm.boot") is None

    facts = tab.page.evaluate("wgslm.load('models/tiny.gguf', { context: 32 })")

    assert facts["context"] == 32
    tab.wait_ready("tiny")


def asked(page: Page, parameters: str) -> str:
    ask = f"wgslm.ask('Hello', {parameters})"
    text: str = page.evaluate(
        f"(async () => {{ let all = ''; for await (const t of {ask}) all += t; return all; }})()"
    )
    return text
