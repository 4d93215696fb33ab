"""Conversations leave the page as files and come back as they were."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser_tab import Tab
from stored import QUIET, add, conversation

TEXTS = ["A question\n## You\nnot a heading", "An **answer**\n\n## Model\n\\## You", "And?", "So."]
BAD = {
    "text.json": ("{", "is no JSON"),
    "other.json": ('{"format": "something else"}', "no export of this page"),
    "empty.json": ('{"format": "wgslm conversations", "conversations": []}', "no conversation"),
    "bad.json": (
        '{"format": "wgslm conversations", "conversations": [null, {"messages": [7, {"id": 1}]}]}',
        "no conversation",
    ),
    "prose.md": ("Just text", "no conversation"),
}

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_exported_conversations_come_back_as_they_were(tab: Tab, site: str, tmp_path: Path) -> None:
    tab.page.add_init_script(QUIET)
    tab.open(site)
    add(tab, conversation("a", "Headings", TEXTS))
    tab.page.evaluate("wgslm.chat.edit(wgslm.chat.messages[1], 'Another branch')")
    tab.wait(lambda: len(tab.messages) == 2, "the branch")
    tab.show_panel()
    tab.page.get_by_label("System prompt").fill("Be brief.")
    tab.page.locator("[aria-label='The version before']:visible").click()
    pick = tab.page.locator("#import-file")

    for button, name in (("Export all", "all.json"), ("Save as Markdown", "one.md")):
        with tab.page.expect_download() as saved:
            tab.page.get_by_role("button", name=button).click()
        saved.value.save_as(tmp_path / name)
        pick.set_input_files(tmp_path / name)
        expect(tab.page.get_by_text("1 conversation was imported")).to_be_visible()
        assert [m["content"] for m in tab.messages] == TEXTS
        assert tab.page.get_by_label("System prompt").input_value() == "Be brief."
        expect(tab.page.locator("#chat-list .open").first).to_have_text("Headings")

    exported = json.loads((tmp_path / "all.json").read_text())
    assert len(exported["conversations"][0]["messages"]) == 5
    expect(tab.page.locator("#chat-list .open")).to_have_count(3)
    for name, (text, said) in BAD.items():
        (tmp_path / name).write_text(text)
        pick.set_input_files(tmp_path / name)
        tab.wait(lambda said=said: said in tab.error, said)  # type: ignore[misc]
        tab.page.get_by_role("button", name="Dismiss").click()
    expect(tab.page.locator("#chat-list .open")).to_have_count(3)


def test_why_an_answer_broke_off_outlives_a_reload_and_its_question_an_export(
    tab: Tab, site: str, tmp_path: Path
) -> None:
    tab.page.add_init_script(QUIET)
    tab.open(site)
    failure = {"state": "error", "error": "The GPU ran out of memory", "ids": []}
    add(tab, conversation("a", "Failed", ["Is it kept?", ""], failure))

    tab.page.reload()

    note = tab.page.locator("article.message").last.locator(".note").first
    expect(note).to_have_text("The answer broke off: The GPU ran out of memory")
    tab.show_panel()
    with tab.page.expect_download() as saved:
        tab.page.get_by_role("button", name="Save as Markdown").click()
    saved.value.save_as(tmp_path / "failed.md")
    assert "## You\n\nIs it kept?\n\n## Model" in (tmp_path / "failed.md").read_text()


def test_an_answer_is_copied_without_its_thoughts(tab: Tab, site: str) -> None:
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.add_init_script(QUIET)
    tab.open(site)
    add(tab, conversation("a", "Copied", ["Why?", "<think>\nHm.\n</think>\n\nThe **sky** is."]))

    answer = tab.page.locator("article.message").last
    answer.hover()
    answer.get_by_role("button", name="Copy", exact=True).click()

    expect(answer.get_by_role("button", name="Copied")).to_be_visible()
    assert tab.page.evaluate("navigator.clipboard.readText()") == "The **sky** is."
