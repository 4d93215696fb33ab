"""Many conversations, each a tree of branches with its own settings; two tabs; nothing is lost."""

import json

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from browser_tab import Tab
from stored import QUIET, add, conversation

# A storage that takes a first write and no other, in one tab.
FILLS_UP = """async () => {
  const { Database } = await import("./database.js");
  const database = new Database();
  await database.write("c", { title: "Cats", changed: 1 }, [{ id: "m", content: "so" }], true);
  IDBDatabase.prototype.transaction = new Proxy(IDBDatabase.prototype.transaction, {
    apply(begin, self, [names, mode]) {
      if (mode === "readwrite") throw new DOMException("it is full", "QuotaExceededError");
      return begin.call(self, names, mode);
    },
  });
  await database.write("c", { changed: 2 }, [{ id: "m", content: "so far" }], false);
  await database.write("d", { title: "Copy" }, [{ id: "m", content: "copied" }], true);
  const both = [await database.conversation("c"), await database.conversation("d")];
  const texts = both.map(({ messages }) => messages.map(({ content }) => content).join());
  const listed = (await database.conversations()).map(({ title }) => title);
  return { titles: both.map(({ facts }) => facts.title), texts, listed: listed.sort() };
}"""
# A disk so slow that no write of this page ever ends.
WRITES_FOR_EVER = """() => {
  IDBDatabase.prototype.transaction = new Proxy(IDBDatabase.prototype.transaction, {
    apply(begin, self, [names, mode]) {
      const made = begin.call(self, names, mode);
      if (mode !== "readwrite") return made;
      const keep = () => (made.objectStore("messages").count().onsuccess = keep);
      keep();
      return made;
    },
  });
}"""
OLD = [
    {"role": "user", "content": "An old question", "state": "done"},
    {"role": "assistant", "content": "An old answer", "ids": [5], "state": "done"},
]

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_questions_and_answers_branch_and_every_branch_is_kept(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=4)
    first = tab.ask("One")

    answered(tab, lambda: press(tab, "Answer again"))
    assert tab.answer["id"] != first["id"]
    expect(tab.shown.get_by_text("2 / 2")).to_be_visible()
    expect(tab.shown.locator(".figures")).to_contain_text("prompt tokens cached")
    press(tab, "The version before")
    assert tab.answer["id"] == first["id"]

    tab.page.locator(".message").first.get_by_role("button", name="Edit").click()
    tab.page.get_by_label("New text").fill("Two")
    answered(tab, lambda: tab.page.get_by_role("button", name="Send again").click())
    assert tab.messages[0]["content"] == "Two"
    assert len(tab.messages) == 2
    press(tab, "The version before", tab.page.locator(".message").first)
    assert tab.messages[0]["content"] == "One"

    tab.shown.get_by_role("button", name="Edit").click()
    tab.page.get_by_label("New text").fill("Mine")
    tab.page.get_by_role("button", name="Keep this text").click()
    assert tab.answer["content"] == "Mine"
    answered(tab, lambda: tab.shown.get_by_role("button", name="Continue").click())
    assert "Mine" in tab.answer["content"]
    assert len(tab.answer["ids"]) > 1

    before = tab.messages
    tab.page.reload()
    tab.wait(lambda: len(tab.messages) == 2, "the conversation")
    assert tab.messages == before
    expect(tab.shown.get_by_text("4 / 4" if len(before) > 2 else "3 / 3")).to_be_visible()


def test_a_message_is_deleted_with_what_follows_and_comes_back(tab: Tab, site: str) -> None:
    tab.open(site)
    add(tab, conversation("a", "Keep me", ["Keep me", "Yes", "And this?", "Also"]))
    shown = tab.page.locator(".message")

    press(tab, "Delete from here on", shown.nth(2))
    tab.wait(lambda: len(tab.messages) == 2, "two to be gone")
    tab.page.get_by_role("button", name="Undo").click()
    tab.wait(lambda: len(tab.messages) == 4, "them to be back")
    press(tab, "Delete from here on", shown.nth(2))
    tab.wait(lambda: len(tab.messages) == 2, "two to be gone again")
    tab.page.reload()

    tab.wait(lambda: len(tab.messages) > 0, "the conversation")
    assert [m["content"] for m in tab.messages] == ["Keep me", "Yes"]


def test_of_a_long_conversation_the_end_is_drawn_and_more_where_somebody_looks(
    tab: Tab, site: str
) -> None:
    tab.open(site)
    said = [f"{'Question' if turn % 2 == 0 else 'Answer'} {turn // 2}." for turn in range(100)]
    add(tab, conversation("a", "Long", said))
    shown = tab.page.locator(".message")
    expect(shown).to_have_count(30)
    expect(shown.last).to_be_in_viewport()

    mark = tab.page.get_by_text("Answer 37.", exact=True)
    mark.scroll_into_view_if_needed()
    before = place(mark)
    tab.page.get_by_role("button", name="Show what was said before").evaluate("it => it.click()")
    expect(shown).to_have_count(60)
    expect(tab.page.get_by_text("Answer 20.", exact=True)).to_be_attached()
    assert abs(place(mark) - before) < 20
    tab.page.evaluate("document.getElementById('scroller').scrollTop = 0")
    expect(shown).to_have_count(90)
    tab.page.evaluate("document.getElementById('scroller').scrollTop = 0")
    expect(shown).to_have_count(100)
    expect(tab.page.get_by_role("button", name="Show what was said before")).to_be_hidden()
    assert shown.locator(".body").all_inner_texts() == said


def test_conversations_are_found_renamed_deleted_and_brought_back(tab: Tab, site: str) -> None:
    tab.open(site)
    add(tab, conversation("a", "Mountains", ["How high?", "The zugspitze has 2962 m"]))
    add(tab, conversation("b", "Rivers", ["How long?", "The Rhine has 1233 km"]))
    titles = tab.page.locator("#chat-list .open")
    expect(titles).to_have_text(["Rivers", "Mountains"])

    search = tab.page.get_by_label("Search the conversations")
    search.fill("Zugspitze")
    expect(titles).to_have_text(["Mountains"])
    search.fill("nowhere")
    expect(titles).to_have_count(0)
    expect(tab.page.get_by_text("Nothing found")).to_be_visible()
    search.fill("")

    titles.last.hover()
    tab.page.get_by_role("button", name="Rename Mountains").click()
    tab.page.get_by_label("New name").fill("Hills <b>")
    tab.page.keyboard.press("Enter")
    expect(titles.first).to_have_text("Hills <b>")
    tab.page.get_by_role("button", name="Rivers", exact=True).click()
    tab.page.get_by_role("button", name="Delete Rivers").click()
    expect(titles).to_have_text(["Hills <b>"])
    assert tab.messages == []
    tab.page.get_by_role("button", name="Undo").click()
    tab.wait(lambda: len(tab.messages) == 2, "the conversation to be shown again")
    assert [m["content"] for m in tab.messages] == ["How long?", "The Rhine has 1233 km"]
    tab.page.reload()
    expect(titles).to_have_count(2)
    expect(titles.filter(has_text="Hills <b>")).to_be_visible()


def test_settings_and_unsent_text_belong_to_a_conversation(tab: Tab, site: str) -> None:
    tab.open(site)
    add(tab, conversation("a", "Calm", ["Hi", "Hello"]))
    system = tab.page.get_by_label("System prompt")
    prompt = tab.page.get_by_role("textbox", name="Your message")
    tab.show_panel()
    system.fill("Be brief.")
    tab.set(temperature=0.1)
    prompt.fill("Not sent yet")
    add(tab, conversation("b", "Wild", ["Hi", "Hello"]))

    assert (system.input_value(), prompt.input_value()) == ("", "")
    tab.set(temperature=1.9)
    tab.page.get_by_role("button", name="Calm", exact=True).click()

    expect(tab.page.locator("#setting-temperature")).to_have_value("0.1")
    expect(system).to_have_value("Be brief.")
    expect(prompt).to_have_value("Not sent yet")
    tab.page.reload()
    expect(system).to_have_value("Be brief.")
    expect(prompt).to_have_value("Not sent yet")
    tab.page.get_by_role("button", name="Wild", exact=True).click()
    expect(tab.page.locator("#setting-temperature")).to_have_value("1.9")


def test_what_a_model_recommends_is_shown_and_left_to_the_engine(tab: Tab, site: str) -> None:
    tab.page.add_init_script(QUIET)
    tab.open(site)
    tab.page.wait_for_function("window.wgslm?.desk")
    tab.set(top_k=5)

    model = {"context": 512, "sampling": {"temperature": 0.6000000238418579, "top_k": 20}}
    tab.page.evaluate("model => wgslm.desk.allow({ ready: true, model })", model)

    expect(tab.page.locator("#setting-temperature")).to_have_value("0.6")
    expect(tab.page.locator("#setting-top_k")).to_have_value("5")
    sent = "import('./settings.js').then((s) => s.samplingOf(wgslm.library.current.facts.settings))"
    assert tab.page.evaluate(sent) == {"top_k": 5}
    tab.page.get_by_role("button", name="Back to the defaults").click()
    expect(tab.page.locator("#setting-top_k")).to_have_value("20")
    assert tab.page.evaluate(sent) == {}


def test_two_tabs_add_to_one_conversation_without_losing_a_message(
    visitor: BrowserContext, site: str
) -> None:
    first, second = Tab(visitor), Tab(visitor)
    first.open(site)
    add(first, conversation("a", "Shared", ["Hi", "Hello"]))
    second.open(site)
    second.wait(lambda: "Shared" in second.page.locator("#chat-list").inner_text(), "the list")
    second.page.get_by_role("button", name="Shared", exact=True).click()
    second.wait(lambda: len(second.messages) == 2, "the conversation")

    for tab, text in ((first, "from the first"), (second, "from the second")):
        tab.page.evaluate("text => wgslm.chat.edit(wgslm.chat.messages[1], text)", text)
    for tab in (first, second):
        tab.wait(lambda tab=tab: count(tab) == 4, "both branches")  # type: ignore[misc]
    first.page.reload()

    first.wait(lambda: len(first.messages) == 2, "the conversation")
    assert count(first) == 4
    second.page.get_by_role("button", name="Delete Shared").click()
    first.wait(lambda: first.messages == [], "the other tab to have deleted it")


def test_conversations_of_an_earlier_page_are_taken_over(tab: Tab, site: str) -> None:
    kept = json.dumps({"at": 1_700_000_000_000, "messages": [*OLD, None, {"role": "user"}]})
    tab.page.goto(f"{site}vendor/licenses.txt")  # the same origin, without the page
    tab.page.evaluate("kept => localStorage.setItem('wgslm.conversation.7', kept)", kept)

    tab.open(site)

    tab.wait(lambda: len(tab.messages) == 2, "the conversation")
    assert [m["content"] for m in tab.messages] == ["An old question", "An old answer"]
    expect(tab.page.locator("#chat-list .open")).to_have_text(["An old question"])
    assert tab.page.evaluate("localStorage.getItem('wgslm.conversation.7')") is None


def test_an_answer_is_finished_while_another_conversation_is_read(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    add(tab, conversation("a", "Elsewhere", ["Hi", "Hello"]))
    tab.page.locator("#new-chat").click()
    tab.set(temperature=0, max_tokens=40)  # a random draw may end sooner
    tab.send("A long one")

    tab.page.get_by_role("button", name="Elsewhere", exact=True).click()
    tab.wait(lambda: tab.answer["content"] == "Hello", "the other conversation")
    tab.wait(lambda: not tab.page.evaluate("wgslm.chat.isRunning"), "the answer to end")
    assert [m["content"] for m in tab.messages] == ["Hi", "Hello"]
    tab.page.get_by_role("button", name="A long one", exact=True).click()

    tab.wait(lambda: tab.messages[0]["content"] == "A long one", "the first conversation")
    assert (tab.answer["state"], len(tab.answer["ids"])) == ("done", 40)


def press(tab: Tab, name: str, message: Locator | None = None) -> None:
    """Press a button of a message; the last one's, if not told."""
    place = message or tab.shown
    place.hover()
    place.get_by_role("button", name=name).click()


def answered(tab: Tab, ask: object) -> None:
    """Do what asks the model, and wait until it has answered."""
    before = tab.answer["id"], len(tab.answer.get("ids", []))
    assert callable(ask)
    ask()
    tab.wait(
        lambda: (
            (tab.answer["id"], len(tab.answer.get("ids", []))) != before
            and tab.answer["state"] == "done"
            and not tab.page.evaluate("wgslm.chat.isRunning")
        ),
        "the answer",
    )


def place(shown: Locator) -> float:
    """Return where something is from the top of the window, in pixels."""
    box = shown.bounding_box()
    assert box
    return box["y"]


def count(tab: Tab) -> int:
    """Return how many messages there are in all branches."""
    found: int = tab.page.evaluate("wgslm.library.current.tree.all.length")
    return found


def test_an_answer_of_another_model_goes_on_from_its_text(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=5)
    tab.ask("Hi")
    text = "What another model wrote"

    tab.page.evaluate(
        "text => Object.assign(wgslm.chat.messages.at(-1), {content: text, model: 'other'})", text
    )
    answered(tab, lambda: tab.shown.get_by_role("button", name="Continue").click())

    assert tab.answer["content"].replace("\u2581", " ").strip().startswith(text)
    assert tab.answer["model"] == "tiny"


def test_a_storage_that_fills_up_costs_nothing_while_the_page_lives(tab: Tab, site: str) -> None:
    tab.page.add_init_script(QUIET)
    tab.open(site)
    tab.page.wait_for_function("window.wgslm?.library")

    found = tab.page.evaluate(FILLS_UP)

    assert found["titles"] == found["listed"] == ["Cats", "Copy"]
    assert found["texts"] == ["so far", "copied"]


def test_what_is_being_written_as_the_page_goes_is_not_lost(tab: Tab, site: str) -> None:
    tab.page.add_init_script(QUIET)
    tab.open(site)
    add(tab, conversation("a", "Kept", ["Hi", "Hello"]))

    tab.page.evaluate(WRITES_FOR_EVER)
    tab.page.evaluate("wgslm.chat.edit(wgslm.chat.messages[1], 'Written as the page goes')")
    tab.page.wait_for_timeout(600)  # longer than the page waits before it writes
    tab.page.reload()

    tab.wait(lambda: bool(tab.messages), "the conversation")
    assert tab.answer["content"] == "Written as the page goes"


def test_a_database_that_is_deleted_meanwhile_is_made_anew(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=4)
    tab.ask("Hello")

    deleted = tab.page.evaluate(
        """() => new Promise((resolve) => {
          const deleting = indexedDB.deleteDatabase("wgslm-conversations");
          deleting.onsuccess = () => resolve("deleted");
          deleting.onblocked = () => resolve("blocked by this page");
        })"""
    )
    tab.page.get_by_role("button", name="New chat").click()
    tab.ask("And now?")
    tab.page.wait_for_timeout(600)  # longer than the page waits before it keeps something
    tab.page.reload()

    assert deleted == "deleted"
    tab.wait(lambda: len(tab.messages) == 2, "what was said since")
