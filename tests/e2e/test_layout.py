"""The page on a phone, and for those who use it without a mouse or without seeing it."""

import pytest
from playwright.sync_api import BrowserContext, Locator

from browser_tab import Tab

PHONE_WIDTH = 360
WIDE = "| a | b | c | d | e | f | g | h |\n" + "x" * 300

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_a_phone_shows_everything_without_scrolling_sideways(tab: Tab, site: str) -> None:
    tab.page.set_viewport_size({"width": PHONE_WIDTH, "height": 640})
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=30)
    assert overflow(tab) == []

    tab.ask(WIDE)
    assert overflow(tab) == []
    for name in ("Model and settings", "New chat", "Send"):
        assert is_within(tab.page.get_by_role("button", name=name))
    assert is_within(tab.page.get_by_role("textbox", name="Your message"))

    tab.load("models/a-rather-long-name-of-a-file-that-is-nowhere-to-be-found.q4_k_m.gguf")
    tab.wait(lambda: "there is no such file" in tab.error, "the error")
    assert overflow(tab) == []
    assert is_within(tab.page.get_by_role("button", name="Try again"))
    assert is_within(tab.page.get_by_role("button", name="Dismiss"))

    tab.page.get_by_role("button", name="Model and settings").click()
    address = tab.page.get_by_label("Address of a GGUF file")
    tab.wait(lambda: is_within(address), "the panel to slide in", 3)
    assert overflow(tab) == []


def test_everything_to_be_used_has_a_role_and_a_name(visitor: BrowserContext, site: str) -> None:
    tab = Tab(visitor)
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=4)
    tab.ask("Hello")
    tab.load("models/missing.gguf")
    tab.wait(lambda: bool(tab.error), "the error")

    tree = visitor.new_cdp_session(tab.page).send("Accessibility.getFullAXTree")
    nodes = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree["nodes"]
        if not node["ignored"]
    ]

    roles = {role for role, _ in nodes}
    assert {"main", "status", "alert", "log", "complementary", "article", "heading"} <= roles
    named = ("button", "textbox", "spinbutton", "progressbar", "log", "article", "complementary")
    assert [node for node in nodes if node[0] in named and not node[1].strip()] == []
    assert tab.page.get_by_role("status").get_attribute("aria-live") != "off"


def test_the_keyboard_reaches_all_controls(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.show_panel()
    wanted = {"model-url", "load-url", "model-file", "system-prompt", "reset-settings", "new-chat"}

    reached = []
    tab.page.locator("body").press("Home")
    for _ in range(40):
        tab.page.keyboard.press("Tab")
        reached.append(tab.page.evaluate("document.activeElement.id"))

    assert wanted | {"prompt"} <= set(reached)


def test_the_focus_is_never_lost(tab: Tab, site: str) -> None:
    tab.page.set_viewport_size({"width": PHONE_WIDTH, "height": 640})
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=60)

    tab.page.locator("#open-side").press("Enter")
    tab.wait(lambda: focused(tab) == "close-side", "the panel to have the focus", 3)
    tab.page.keyboard.press("Escape")
    tab.wait(lambda: focused(tab) == "open-side", "the focus to come back", 3)
    tab.page.get_by_role("textbox", name="Your message").fill("Hello")
    tab.page.locator("#send").press("Enter")
    tab.wait(lambda: focused(tab) == "stop", "Stop to have the focus", 3)
    tab.wait(lambda: tab.answer["state"] == "done", "the answer")
    assert focused(tab) == "prompt"


def focused(tab: Tab) -> str:
    """Return the id of what has the focus."""
    found: str = tab.page.evaluate("document.activeElement.id")
    return found


def overflow(tab: Tab) -> list[str]:
    """Return what sticks out to the right of the window."""
    found: list[str] = tab.page.evaluate("tests.overflow()")
    return found


def is_within(place: Locator) -> bool:
    """Say whether an element is whole inside the window."""
    box = place.bounding_box()
    size = place.page.viewport_size
    assert box and size, "it is not shown"
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    return box["x"] >= 0 and box["y"] >= 0 and right <= size["width"] and bottom <= size["height"]
