"""The keeper by itself, without Python: locks let go in time, handles, storages cleared."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

KEY, OTHER = "a" * 64, "b" * 64
START = """async () => {
  const { Keeper } = await import("./engine/sources-store.js");
  self.keeper = new Keeper();
  self.call = (...all) => keeper.call(...all).catch(({ name, message }) => `${name}: ${message}`);
  return (await keeper.call("open")).kind;
}"""
CLEAR = """(name) => new Promise((resolve) => {
  const deleting = indexedDB.deleteDatabase(name);
  deleting.onsuccess = () => resolve("deleted");
  deleting.onblocked = () => resolve("blocked by what holds it open");
})"""

pytestmark = pytest.mark.e2e


@pytest.fixture
def page(visitor: BrowserContext, site: str) -> Iterator[Page]:
    page = visitor.new_page()
    page.goto(f"{site}style.css")  # anything of this origin
    yield page


def call(page: Page, *asked: object) -> Any:
    return page.evaluate("(asked) => call(...asked)", list(asked))


def put(page: Page, key: str, start: int, text: str) -> str:
    found: str = page.evaluate(
        "([key, at, text]) => call('put', key, at, new TextEncoder().encode(text))",
        [key, start, text],
    )
    return found


def test_a_file_is_written_read_and_found_again(page: Page) -> None:
    assert page.evaluate(START) == "opfs"

    assert call(page, "journal", KEY) is None
    assert call(page, "lock", KEY, 2) is True
    call(page, "begin", KEY, 10, "first line")
    sha256 = put(page, KEY, 0, "hello")
    call(page, "unlock", KEY)

    [first, second] = filter(None, call(page, "journal", KEY).split("\n"))
    assert first == "first line"
    assert sha256 in second
    read = "([key, sha]) => call('get', key, 0, 5, sha).then((b) => new TextDecoder().decode(b))"
    assert page.evaluate(read, [KEY, sha256]) == "hello"
    assert "Damaged" in call(page, "get", KEY, 0, 5, "0" * 64)
    assert [key for key, _ in call(page, "journals")] == [KEY]


def test_a_file_can_be_begun_twice(page: Page) -> None:
    page.evaluate(START)
    assert call(page, "lock", KEY, 2) is True

    first = call(page, "begin", KEY, 10, "line")
    second = call(page, "begin", KEY, 10, "line")  # an open handle would shut this one out

    assert (first, second) == (None, None)


def test_a_lock_that_is_given_up_while_it_is_asked_for_is_free(page: Page) -> None:
    page.evaluate(START)

    granted = page.evaluate(
        """async (key) => {
          const asked = call("lock", key, 1);
          await call("leave", key, 1);
          await asked;
          const { held } = await navigator.locks.query();
          return held.length;
        }""",
        KEY,
    )

    assert granted == 0
    assert call(page, "lock", KEY, 2) is True


def test_who_gives_up_a_request_leaves_the_lock_to_who_has_it(page: Page) -> None:
    page.evaluate(START)
    assert call(page, "lock", KEY, 1) is True

    assert call(page, "lock", KEY, 2) is False
    page.evaluate("(key) => void call('waitLock', key, 3)", KEY)
    for ticket in (2, 3):
        call(page, "leave", KEY, ticket)

    locks = page.evaluate("navigator.locks.query()")
    assert len(locks["held"]) == 1
    assert locks["pending"] == []
    call(page, "leave", KEY, 1)
    assert page.evaluate("navigator.locks.query()")["held"] == []


def test_a_keeper_that_died_refuses_at_once(page: Page) -> None:
    page.evaluate(START)

    page.evaluate("keeper.worker.onerror(new ErrorEvent('error', { message: 'it broke' }))")

    assert call(page, "journals") == "Error: it broke"


def test_a_storage_that_is_cleared_meanwhile_is_made_anew(page: Page) -> None:
    page.route(
        "**/sources-opfs.js",
        lambda route: route.fulfill(
            content_type="text/javascript",
            body="export class OpfsShelf { static async open() { throw new Error('none'); } }",
        ),
    )
    assert page.evaluate(START) == "indexeddb"
    call(page, "lock", KEY, 2)
    call(page, "begin", KEY, 10, "line")
    sha256 = put(page, KEY, 0, "hello")

    assert page.evaluate(CLEAR, "wgslm-models") == "deleted"

    assert call(page, "journals") == []
    assert "NotFoundError" in call(page, "get", KEY, 0, 5, sha256)
    call(page, "begin", OTHER, 10, "line")
    assert put(page, OTHER, 0, "hello") == sha256
    assert [key for key, _ in call(page, "journals")] == [OTHER]
