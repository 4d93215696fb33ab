"""Everybody can use the page: axe finds nothing serious, the keyboard is enough."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browser_tab import Tab
from e2e.test_markdown import PROSE
from setup_modules import load
from stored import QUIET, add, conversation

SIZES = {"wide": (1280, 800), "phone": (390, 800)}
TIMINGS = {
    "timings": {"predicted_n": 12, "predicted_per_second": 38.4, "first_token_ms": 512},
    "usage": {
        "prompt_tokens": 116, "total_tokens": 128, "prompt_tokens_details": {"cached_tokens": 96},
    },
}  # fmt: skip
# What is wrong, each with its first element and the advice.
AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, impact, nodes: [{ html, failureSummary }] }) =>
    ({ id, impact, what: `${html.slice(0, 160)} ${failureSummary.slice(0, 300)}` }));
}"""
ERROR = "{ message: 'it broke', code: 'device_lost' }, { label: 'Try again' }"
NOTICE = "'1 message was deleted.', { label: 'Undo' }"
STATES = {
    "empty": "",
    "conversation": "document.querySelector('#scroller').scrollTop = 0",
    "answer": "wgslm.desk.view.follow()",
    "panel": "document.querySelector('#open-side').click()",
    "conversations": "document.querySelector('#open-chats').click()",
    "rename": "document.querySelector('[aria-label^=Rename]').click()",
    "edit": "wgslm.desk.editLast()",
    "keys": "document.querySelector('#help').showModal()",
    "error": f"import('./panel.js').then((panel) => panel.showError({ERROR}))",
    "update": "wgslm.offline.dispatchEvent(new Event('update'))",
    "notice": f"import('./notice.js').then((notice) => notice.showNotice({NOTICE}))",
}

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, pinned like the page's libraries."""
    runtime = load("runtime")
    path: Path = runtime.ensure_files(runtime.TEST_FILES)["axe.js"]
    return path.read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious_in_any_state(
    chromium: Browser, site: str, axe: str, scheme: Any, size: str, request: pytest.FixtureRequest
) -> None:
    width, height = SIZES[size]
    context = chromium.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    tab = Tab(context)
    tab.page.add_init_script(QUIET)
    found = {}
    for state, act in STATES.items():
        tab.open(site)
        tab.page.wait_for_function("window.wgslm?.library")
        if state != "empty":
            add(tab, conversation("a", "Prose", ["Tell me", "<think>So.</think>" + PROSE], TIMINGS))
            add(
                tab,
                conversation(
                    "b", "قائمة", ["اكتب لي", "نص عربي\n\n- عنصر\n\n日本語の文章。"], TIMINGS
                ),
            )
            tab.page.evaluate("wgslm.library.select('a')")
            tab.wait(lambda: "Tell me" in tab.messages[0]["content"], "the conversation")
        tab.page.evaluate(act or "1")
        tab.page.wait_for_timeout(400)
        if folder := request.config.getoption("--screenshots"):
            tab.page.screenshot(path=Path(folder) / f"{state}-{size}-{scheme}.png")
        tab.page.evaluate(f"{axe}; 1")
        found[state] = [
            violation
            for violation in tab.page.evaluate(AXE)
            if violation["impact"] in ("serious", "critical")
        ]
    context.close()

    assert {state: issues for state, issues in found.items() if issues} == {}


def test_the_keyboard_alone_is_enough(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=4)
    keys = tab.page.keyboard
    tab.page.locator("body").press("Shift+Escape")
    assert focused(tab.page) == "prompt"

    keys.type("One")
    keys.press("Enter")
    tab.wait(lambda: len(tab.messages) == 2 and tab.answer["state"] == "done", "the answer")
    keys.press("Control+Shift+Enter")
    tab.wait(lambda: tab.page.evaluate("wgslm.library.current.tree.all.length") == 3, "another")
    tab.wait(lambda: tab.answer["state"] == "done", "its end")
    keys.press("Control+Shift+E")
    keys.type(" and two")
    keys.press("Control+Enter")
    tab.wait(lambda: tab.messages[0]["content"] == "One and two", "the edit")
    tab.wait(lambda: tab.answer["state"] == "done", "its answer")
    expect(tab.page.locator(".message").first.get_by_text("2 / 2")).to_be_visible()

    keys.press("Control+Slash")
    expect(tab.page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    expect(tab.page.get_by_role("dialog", name="Keys")).to_be_hidden()
    keys.press("Control+Shift+O")
    tab.wait(lambda: tab.messages == [], "a new chat")
    assert focused(tab.page) == "prompt"
    keys.press("Control+K")
    keys.type("One")
    for _ in range(10):
        keys.press("Tab")
        if tab.page.evaluate("document.activeElement.className") == "open":
            break
    keys.press("Enter")
    tab.wait(lambda: len(tab.messages) == 2, "the conversation")
    keys.press("Control+Shift+M")
    tab.wait(lambda: not tab.page.locator("#side").is_visible(), "the panel to close")


def test_a_screen_reader_hears_the_answer_once(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=30)
    tab.page.evaluate("""() => {
      window.heard = [];
      const note = () => heard.push(document.querySelector("#announcer").textContent);
      new MutationObserver(note).observe(document.querySelector("#announcer"), { childList: true });
    }""")

    answer = tab.ask("Hello")

    heard = tab.page.evaluate("heard")
    assert len(heard) == 2, heard
    assert heard[0] == "The model is answering."
    assert heard[1].startswith("The model says: ")
    assert answer["content"].strip()[:20] in heard[1]
    assert tab.page.get_by_role("log").get_attribute("aria-live") == "off"


def test_an_answer_is_followed_only_from_the_end(tab: Tab, site: str) -> None:
    tab.page.add_init_script(QUIET)
    tab.open(site)
    add(tab, conversation("a", "Long", ["Go", "line\n\n" * 200]))
    tab.wait(lambda: distance(tab.page) < 8, "the end to be shown")

    grow(tab.page)
    tab.wait(lambda: distance(tab.page) < 8, "the end to be followed")
    tab.page.locator("#scroller").hover()
    tab.page.mouse.wheel(0, -40)
    tab.wait(lambda: distance(tab.page) > 20, "the scroll")
    before = tab.page.evaluate("document.querySelector('#scroller').scrollTop")
    grow(tab.page)
    tab.page.wait_for_timeout(300)
    assert tab.page.evaluate("document.querySelector('#scroller').scrollTop") == before

    tab.page.get_by_role("button", name="Go to the end").click()
    tab.wait(lambda: distance(tab.page) < 8, "the end")
    expect(tab.page.get_by_role("button", name="Go to the end")).to_be_hidden()
    grow(tab.page)
    tab.wait(lambda: distance(tab.page) < 8, "the end to be followed again")


def grow(page: Page) -> None:
    """Let the last answer grow by some lines, as it does when it streams."""
    page.evaluate("""() => {
      const last = wgslm.chat.messages.at(-1);
      last.content += "more\\n\\n".repeat(20);
      wgslm.desk.view.update(last);
    }""")
    page.wait_for_timeout(200)


def distance(page: Page) -> float:
    """Return how far the end is below what is shown."""
    found: float = page.evaluate(
        "(({ scrollTop, scrollHeight, clientHeight }) => scrollHeight - scrollTop - clientHeight)"
        "(document.querySelector('#scroller'))"
    )
    return found


def focused(page: Page) -> str:
    """Return the id of what has the focus."""
    found: str = page.evaluate("document.activeElement.id")
    return found
