"""Browsers that cannot run models, or keep what they should not: the page says so, or copes."""

import json

import pytest
from playwright.sync_api import BrowserContext

from browser_tab import Tab

INSECURE = "Object.defineProperty(window, 'isSecureContext', { value: false })"
NO_WEBGPU = "Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined })"
# What browsers of before 2024 lack, most of them WebGPU with it: they must still be told so.
OLD = f"{NO_WEBGPU}; for (const c of [Map, Object]) delete c.groupBy; delete Promise.withResolvers;"
MESSAGE = {"role": "user", "content": "Hello", "state": "done"}
BAD_SETTINGS = {"temperature": "hot", "top_k": None, "min_p": 7, "system": None, "max_tokens": 4}

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


@pytest.mark.parametrize(
    ("lack", "said", "advice"),
    [
        (INSECURE, "is not secure", "Open http://localhost:"),
        (NO_WEBGPU, "has no WebGPU", "Chrome"),
        (OLD, "has no WebGPU", "Chrome"),
    ],
)
def test_a_browser_that_cannot_run_models_is_told_why(
    tab: Tab, site: str, lack: str, said: str, advice: str
) -> None:
    tab.page.add_init_script(lack)

    tab.open(f"{site}?model=models/tiny.gguf")

    tab.wait(lambda: said in tab.error, "the page to say so", 5)
    assert advice in tab.error
    assert tab.state == "error"
    assert tab.page.workers == []


def test_a_page_that_cannot_start_says_why(visitor: BrowserContext, site: str) -> None:
    lacking, cut = Tab(visitor), Tab(visitor)
    lacking.page.add_init_script("delete window.BroadcastChannel")
    cut.page.route("**/tree.js", lambda route: route.abort())

    for tab, said in ((lacking, "BroadcastChannel is not"), (cut, "one of its scripts did not")):
        tab.open(site)
        tab.wait(lambda tab=tab, said=said: said in tab.error, said, 5)  # type: ignore[misc]
        assert "could not start" in tab.status
        assert tab.state == "error"


@pytest.mark.parametrize(
    ("kept", "settings", "count"),
    [
        ("null", "null", 0),
        ({"messages": [MESSAGE, None, MESSAGE | {"content": None}]}, BAD_SETTINGS, 1),
    ],
)
def test_damaged_storage_does_not_break_the_page(
    tab: Tab, site: str, kept: object, settings: object, count: int
) -> None:
    texts = [value if isinstance(value, str) else json.dumps(value) for value in (kept, settings)]
    tab.page.add_init_script(f"""
        sessionStorage["wgslm.tab"] = '"mine"';
        localStorage["wgslm.conversation.mine"] = {json.dumps(texts[0])};
        localStorage["wgslm.settings"] = {json.dumps(texts[1])};
    """)

    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")

    assert len(tab.messages) == count
    assert tab.page.locator("#setting-temperature").input_value() == "0.8"
    tab.set(max_tokens=4)
    assert tab.ask("Hello")["state"] == "done"


def test_a_browser_that_keeps_nothing_is_told_once(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=4)
    quota = tab.page.context.new_cdp_session(tab.page)
    quota.send("Storage.overrideQuotaForOrigin", {"origin": site.rstrip("/"), "quotaSize": 1})

    tab.ask("Hello")
    tab.wait(lambda: "refuses to keep the conversation" in tab.error, "the page to say so")
    tab.page.get_by_role("button", name="Dismiss").click()

    assert tab.ask("And then?")["state"] == "done"
    tab.page.wait_for_timeout(600)  # longer than the page waits before it keeps something
    assert tab.error == ""
    tab.page.locator("#new-chat").click()
    tab.page.get_by_role("button", name="Hello", exact=True).click()
    tab.wait(lambda: len(tab.messages) == 4, "what the page remembers")
    quota.send("Storage.overrideQuotaForOrigin", {"origin": site.rstrip("/")})
    assert tab.ask("And now?")["state"] == "done"
    tab.page.wait_for_timeout(600)
    tab.page.reload()
    tab.wait(lambda: len(tab.messages) == 6, "all of it, now that there is room again")


def test_a_write_that_begins_before_another_one_is_refused_loses_nothing(
    tab: Tab, site: str
) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    quota = tab.page.context.new_cdp_session(tab.page)
    quota.send("Storage.overrideQuotaForOrigin", {"origin": site.rstrip("/"), "quotaSize": 1})

    tab.page.evaluate(
        """async (message) => {
        const { current } = wgslm.library;
        current.add({ ...message, id: "1", at: 1 });
        const first = current.flush();
        current.set({});
        await Promise.all([first, current.flush()]);
    }""",
        {**MESSAGE, "parent": None},
    )
    tab.page.locator("#new-chat").click()

    tab.page.get_by_role("button", name="Hello", exact=True).click()
    tab.wait(lambda: [m["content"] for m in tab.messages] == ["Hello"], "what the page remembers")


def test_a_message_that_is_deleted_while_it_is_written_stays_deleted(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")

    tab.page.evaluate(
        """async (message) => {
        const { library } = wgslm;
        const second = { ...message, id: "2", parent: "1", at: 2 };
        library.current.add({ ...message, id: "1", at: 1 });
        const writes = [library.current.flush()];
        library.current.add(second);
        writes.push(library.current.flush());
        await Promise.all([...writes, library.drop(second)]);
    }""",
        {**MESSAGE, "parent": None},
    )
    kept = tab.page.evaluate(
        "async () => (await wgslm.library.read(wgslm.library.current.id)).messages"
    )

    assert [message["id"] for message in kept] == ["1"]


def test_each_tab_has_its_own_conversation(visitor: BrowserContext, site: str) -> None:
    first, second = Tab(visitor), Tab(visitor)
    for tab, text in ((first, "I am the first"), (second, "I am the second")):
        tab.open(f"{site}?model=models/tiny.gguf")
        tab.wait_ready("tiny")
        assert tab.messages == []
        tab.set(max_tokens=4)
        tab.ask(text)

    for tab, text in ((first, "I am the first"), (second, "I am the second")):
        tab.page.reload()
        tab.wait_ready("tiny")
        assert tab.messages[0]["content"] == text
    second.page.close()
    third = Tab(visitor)
    third.open(f"{site}?model=models/tiny.gguf")
    third.wait_ready("tiny")

    assert third.messages[0]["content"] == "I am the second"
