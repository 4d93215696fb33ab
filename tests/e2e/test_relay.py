"""Any page of the origin may ask /v1/: the service worker finds a tab with a model.

The tabs here have an app that only counts, so that minutes of an answer cost nothing. The longest
one takes six; `--stream-seconds` makes it shorter.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from relay_site import SECONDS, relay_site, stop_service_workers, wait
from relay_site import open_tab as relay_tab

ECHO = """async ([path, init]) => {
  const response = await fetch(path, init);
  return { status: response.status, body: await response.json() };
}"""

pytestmark = [pytest.mark.e2e, pytest.mark.long]


Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def site_of_tabs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The small site."""
    with relay_site(tmp_path_factory.mktemp("relay"), {}) as url:
        yield url


@pytest.fixture
def open_tab(visitor: BrowserContext, site_of_tabs: str) -> Open:
    """Opens a tab; what is in its query says what it is."""
    return lambda query: relay_tab(visitor, site_of_tabs, query)


def ask(page: Page, path: str, **init: object) -> Any:
    return page.evaluate(ECHO, [path, init])


def listen(page: Page, path: str) -> None:
    page.evaluate("path => void listen(path)", path)


def counted(to: int) -> str:
    return "".join(f"data: {number}\n\n" for number in range(to))


def test_request_reaches_the_app_of_the_tab_whole(open_tab: Open) -> None:
    tab = open_tab("model=a")

    found = ask(
        tab, "/v1/echo?x=1%202", method="POST", body="{é", headers={"authorization": "Bearer none"}
    )

    assert found["status"] == 200
    assert found["body"]["method"] == "POST" and found["body"]["body"] == "{é"
    assert found["body"]["path"] == "/v1/echo?x=1%202"
    headers = dict(found["body"]["headers"])
    assert headers["authorization"] == "Bearer none" and "origin" not in headers
    assert ask(tab, "/v1/missing") == {"status": 404, "body": {"error": {"message": "no"}}}


def test_the_tab_that_has_the_model_answers(open_tab: Open) -> None:
    bare = open_tab("")

    def model(page: Page, wanted: str) -> Any:
        body = json.dumps({"model": wanted})
        return ask(page, "/v1/echo", method="POST", body=body)["body"]["model"]

    refused = ask(bare, "/v1/echo")
    assert refused["status"] == 503
    assert refused["body"]["error"]["message"].startswith("no tab of this site has a model")
    loading = open_tab("loading")
    assert "still loading" in ask(bare, "/v1/echo")["body"]["error"]["message"]
    busy, other = open_tab("model=a&busy"), open_tab("model=b")

    assert model(bare, "a") == "a"  # by its name, though it is busy
    assert model(bare, "default") == "b"  # else the one that is free
    assert model(busy, "default") == "a"  # or the asking tab itself
    other.close()
    assert model(bare, "default") == "a"
    assert model(bare, "c") == "a"  # whose app says that there is no c
    busy.close()
    loading.close()
    assert ask(bare, "/v1/echo")["status"] == 503


def test_answer_comes_piece_by_piece_and_ends_when_nobody_listens(open_tab: Open) -> None:
    tab, bare = open_tab("model=a"), open_tab("")

    listen(bare, "/v1/count?to=5&ms=200")
    wait(bare, "heard.end")
    assert bare.evaluate("heard.text") == counted(5)
    first, *_, last = bare.evaluate("heard.times")
    assert last - first > 500

    bare.evaluate("stop = new AbortController()")
    bare.evaluate("void listen('/v1/count?to=9999&ms=20', stop.signal)")
    wait(bare, "heard.text.length > 80")
    bare.evaluate("stop.abort()")
    wait(tab, "aborted === 1")
    assert "AbortError" in bare.evaluate("heard.end")


def test_answer_outlives_a_service_worker_that_is_stopped(open_tab: Open) -> None:
    tab, other = open_tab("model=a&resume"), open_tab("resume")

    for page in (tab, other):
        listen(page, "/v1/count?to=60&ms=50")
    for page in (tab, other, tab):
        wait(page, "heard.text.length > 100")
        stop_service_workers(tab)
        page.wait_for_timeout(500)

    for page in (tab, other):
        wait(page, "heard.end")
        assert page.evaluate("heard.end") == "whole"
        assert page.evaluate("heard.text") == counted(60)
    assert tab.evaluate("aborted") == 0


def test_a_client_that_cannot_resume_hears_of_it_and_the_app_stops(open_tab: Open) -> None:
    tab, bare = open_tab("model=a"), open_tab("")
    listen(bare, "/v1/count?to=9999&ms=20")
    wait(bare, "heard.text.length > 50")

    stop_service_workers(tab)

    wait(bare, "heard.end")
    assert bare.evaluate("heard.end") != "whole"
    wait(tab, "aborted === 1", 40)  # ten seconds later: somebody might have gone on with it
    assert ask(bare, "/v1/echo")["status"] == 200


def test_a_tab_closed_in_the_middle_is_an_error_event(open_tab: Open) -> None:
    tab, bare = open_tab("model=a"), open_tab("")
    listen(bare, "/v1/count?to=9999&ms=20")
    wait(bare, "heard.text.length > 50")

    tab.close()

    wait(bare, "heard.end")
    assert "the tab that was answering was closed" in bare.evaluate("heard.text")


def test_long_answer_is_whole_without_any_resuming(
    open_tab: Open, request: pytest.FixtureRequest
) -> None:
    seconds = float(request.config.getoption("--stream-seconds"))
    open_tab("model=a")
    bare = open_tab("")

    listen(bare, f"/v1/count?to={int(seconds)}&ms=1000")

    wait(bare, "heard.end", seconds * 3 + SECONDS)
    assert bare.evaluate("heard.end") == "whole"
    assert bare.evaluate("heard.text") == counted(int(seconds))
