"""Conversations as the page stores them, for tests that need some without asking a model."""

from collections.abc import Mapping, Sequence

from browser_tab import Tab

QUIET = "window.Worker = class { postMessage() {} terminate() {} }"  # a page without an engine


def conversation(
    id: str, title: str, texts: Sequence[str], more: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Return {facts, messages}: texts in turn of the person and of the model; `more` of answers."""
    messages = [
        {
            "id": f"{id}{i}",
            "parent": f"{id}{i - 1}" if i else None,
            "role": "assistant" if i % 2 else "user",
            "content": text,
            "state": "done",
            "at": i,
            **({"ids": [1], **(more or {})} if i % 2 else {}),
        }
        for i, text in enumerate(texts)
    ]
    facts = {"id": id, "title": title, "leaf": messages[-1]["id"], "settings": {}}
    return {"facts": facts, "messages": messages}


def add(tab: Tab, found: Mapping[str, object]) -> None:
    """Put a conversation into the page's storage and show it."""
    tab.page.wait_for_function("window.wgslm?.library")
    tab.page.evaluate(
        "({ facts, messages }) => wgslm.library.add("
        "{ facts: { changed: Date.now(), ...facts }, messages })",
        found,
    )
    tab.wait(lambda: bool(tab.messages), "the conversation to be shown")
