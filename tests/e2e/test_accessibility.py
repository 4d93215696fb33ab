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
  const rules = { "target-size": { enabled: true } }; // of WCAG 2.2, and off if not asked for
  const { violations } = await axe.run(document, { resultTypes: ["violations"], rules });
  return violations.map(({ id, impact, nodes: [{ html, failureSummary }] }) =>
    ({ id, impact, what: `${html.slice(0, 160)} ${failureSummary.slice(0, 300)}` }));
}"""
ERROR = "{ message: 'it broke', code: 'device_lost' }, { label: 'Try again' }"
NOTICE = "'1 message was deleted.', { label: 'Undo' }"
# Answers of an engine that is not there.
MODELS = """(() => {
  const model = { id: "a", location: "https://a.example/m.gguf", name: "m.gguf", quant: "Q8_0" };
  const kept = { ...model, size: 2e9, kept: 1e9, used: 1.7e9, hub: null, sha256: null };
  const told = { models: [kept], storage: { kind: "opfs", used: 1e9 } };
  wgslm.api.fetch = async () => Response.json(told);
  document.querySelector("#open-models").click();
  document.querySelector("#server").open = true;
})()"""
PROMPT = """(() => {
  const told = { ids: [1, 2, 3], pieces: ["<s>", "Tell", " me"] };
  wgslm.api.fetch = async () => Response.json(told);
  wgslm.desk.inspect();
})()"""
BUSY = """(async () => {
  const progress = { stage: "weights", done: 5e8, total: 1e9, seconds: 9, rate: 5e7 };
  (await import("./panel.js")).showProgress(progress);
  const room = { left: async () => 500, fit: async (name, text) => ({ text, tokens: 7 }) };
  await Object.assign(wgslm.desk.attachments, room).add([new File(["text"], "notes.txt")]);
  for (const id of ["cancel-load", "pause-load", "storage-note", "meter"]) {
    document.getElementById(id).hidden = false;
  }
  document.querySelector("#storage-note-text").textContent = "m.gguf is not kept: no room";
  document.querySelector("#meter-text").textContent = "500 of 512 tokens";
})()"""
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
    "models": MODELS,
    "prompt": PROMPT,
    "busy": BUSY,
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


def test_escape_closes_what_is_open_before_it_stops_an_answer(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=400)
    keys, search = tab.page.keyboard, tab.page.get_by_label("Search the conversations")
    tab.send("A long one")

    keys.press("Control+Slash")
    keys.press("Escape")
    expect(tab.page.get_by_role("dialog", name="Keys")).to_be_hidden()
    search.fill("some")
    search.press("Escape")
    expect(search).to_have_value("")
    tab.page.locator("#prompt").dispatch_event("keydown", {"key": "Escape", "keyCode": 229})
    assert tab.answer["state"] == "streaming"
    tab.page.locator("#prompt").press("Escape")

    tab.wait(lambda: tab.answer["state"] == "stopped", "the answer to stop", 5)


def test_a_key_that_ends_a_composition_sends_nothing(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    prompt = tab.page.locator("#prompt")
    prompt.fill("日本")

    for event in ({"isComposing": True}, {"keyCode": 229}):  # as most browsers say it, and Safari
        prompt.dispatch_event("keydown", {"key": "Enter", "cancelable": True, **event})

    assert tab.messages == []
    assert prompt.input_value() == "日本"


def test_text_runs_in_its_own_direction_and_code_from_the_left(tab: Tab, site: str) -> None:
    tab.page.add_init_script(QUIET)
    tab.open(site)
    answer = "نص عربي\n\n- عنصر\n\n日本語の文章。\n\n```python\nx = 1\n```"
    add(tab, conversation("b", "قائمة", ["اكتب لي", answer]))
    expect(tab.page.locator("[data-role=user] .body")).to_have_text("اكتب لي")
    expect(tab.page.locator(".code")).to_be_visible()

    found = {
        place: tab.page.locator(place).first.evaluate("(e) => getComputedStyle(e).direction")
        for place in (
            "[data-role=user] .body", "p:has-text('عربي')", "ul:has-text('عنصر')", ".chat .open",
            "p:has-text('日本')", ".code", "main",
        )
    }  # fmt: skip

    assert list(found.values()) == ["rtl"] * 4 + ["ltr"] * 3, found
    tab.page.locator("#prompt").fill("مرحبا")
    assert tab.page.locator("#prompt").evaluate("(e) => getComputedStyle(e).direction") == "rtl"


def test_nothing_moves_where_motion_is_not_wanted(tab: Tab, site: str) -> None:
    moving = """() => new Promise((resolve) => setTimeout(() => resolve(
      document.getAnimations().filter(({ playState }) => playState === "running").length), 300))"""
    tab.page.add_init_script(QUIET)
    tab.open(site)  # the dot of the status pulses while the engine starts
    tab.page.wait_for_function("window.wgslm?.library")

    assert tab.page.evaluate(moving) > 0
    tab.page.emulate_media(reduced_motion="reduce")
    assert tab.page.evaluate(moving) == 0


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
