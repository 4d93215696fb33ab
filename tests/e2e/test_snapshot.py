"""The picture of Python's memory: made once a tab is idle, started from, dropped when it fails."""

import pytest

from browser_tab import Tab
from served import Served

pytestmark = [pytest.mark.e2e, pytest.mark.gpu, pytest.mark.long]

KEPT = "async () => (await (await caches.open('wgslm-snapshot')).keys()).map(({url}) => url)"
SPOIL = """async () => {
    const cache = await caches.open("wgslm-snapshot");
    for (const one of await cache.keys()) await cache.put(one, new Response("not a memory"));
}"""
MARK = """async () => {
    const cache = await caches.open("wgslm-snapshot");
    await cache.put(new URL("snapshot-starting", location), new Response(""));
}"""
NUMBERS = "import random; [random.random() for _ in range(4)].__repr__()"
IDLE_SECONDS = 120.0


@pytest.fixture
def frozen(tab: Tab, open_site: Served) -> Tab:
    """A tab that has made its snapshot."""
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.wait(lambda: len(kept(tab)) == 1, "the snapshot to be kept", IDLE_SECONDS)
    return tab


def kept(tab: Tab) -> list[str]:
    """Return the addresses of what the site keeps of its Python."""
    found: list[str] = tab.page.evaluate(KEPT)
    return found


def is_thawed(tab: Tab) -> bool:
    """Say whether the Python that runs began with a snapshot."""
    found: bool = tab.page.evaluate("wgslm.boot.isThawed")
    return found


def reload(tab: Tab) -> None:
    """Visit again."""
    tab.page.reload()
    tab.wait_ready("tiny")


def test_next_visit_starts_from_the_snapshot_and_answers_the_same(frozen: Tab) -> None:
    frozen.set(temperature=0, max_tokens=8)
    cold = frozen.ask("Hello")["content"]
    assert not is_thawed(frozen)

    reload(frozen)

    assert is_thawed(frozen)
    frozen.page.locator("#new-chat").click()
    frozen.set(temperature=0, max_tokens=8)
    assert frozen.ask("Hello")["content"] == cold
    assert len(kept(frozen)) == 1, "the mark of a start under way is gone"


def test_random_numbers_are_not_those_of_the_snapshot(frozen: Tab) -> None:
    drawn = []
    for _ in range(2):
        reload(frozen)
        assert is_thawed(frozen)
        drawn.append(frozen.python(NUMBERS))

    assert drawn[0] != drawn[1]


def test_a_snapshot_that_does_not_fit_is_dropped_and_the_page_starts_all_the_same(
    frozen: Tab,
) -> None:
    frozen.page.evaluate(SPOIL)

    reload(frozen)

    assert not is_thawed(frozen)
    assert any("did not start from its snapshot" in line for line in frozen.console)
    assert kept(frozen) == []


def test_a_snapshot_whose_start_never_ended_is_not_tried_again(frozen: Tab) -> None:
    frozen.page.evaluate(MARK)

    reload(frozen)

    assert not is_thawed(frozen)
    assert kept(frozen) == []
