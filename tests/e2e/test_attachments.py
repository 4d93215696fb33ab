"""Text files that go with a message: cut to the context by tokens, and said so."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser_tab import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_files_are_attached_cut_refused_and_left_out(tab: Tab, site: str, tmp_path: Path) -> None:
    files = {
        "notes.txt": b"Bring ``` three ticks.\n",
        "large.log": b"line of a log\n" * 5000,
        "binary.dat": bytes(range(256)),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=4)
    pick = tab.page.locator("#attach-file")
    attached = tab.page.get_by_role("list", name="Attached files").get_by_role("listitem")

    pick.set_input_files(tmp_path / "binary.dat")
    tab.wait(lambda: "binary.dat is no text" in tab.error, "the refusal")
    tab.page.get_by_role("button", name="Dismiss").click()
    pick.set_input_files(tmp_path / "notes.txt")
    expect(attached).to_have_count(1)
    pick.set_input_files(tmp_path / "large.log")
    expect(attached.nth(1)).to_contain_text("the rest is left out")
    answer = tab.ask("What do they say?")

    message = tab.messages[0]
    assert message["attachments"][0]["text"] == files["notes.txt"].decode()
    assert files["large.log"].decode().startswith(message["attachments"][1]["text"])
    assert len(message["attachments"][1]["text"]) > 100
    assert answer["state"] == "done"
    assert 200 < answer["usage"]["prompt_tokens"] <= 512 - 32
    expect(tab.page.locator(".message .files li")).to_have_count(2)
    expect(attached).to_have_count(0)

    tab.shown.hover()
    tab.shown.get_by_role("button", name="What the model read").click()
    prompt = tab.page.get_by_role("region", name="The prompt")
    expect(prompt).to_contain_text("notes.txt:")
    expect(prompt).to_contain_text("````")  # a longer fence than the one in the file
    assert (
        tab.page.locator("#inspector-note")
        .inner_text()
        .startswith(f"{answer['usage']['prompt_tokens']} tokens")
    )
    tab.page.keyboard.press("Escape")
    expect(prompt).to_be_hidden()
    expect(tab.page.locator("#meter-text")).to_have_text(
        f"{answer['usage']['total_tokens']} of 512 tokens"
    )
    expect(tab.shown.locator(".figures")).to_contain_text("4 tokens")
    expect(tab.shown.locator(".figures")).to_contain_text("first after")
