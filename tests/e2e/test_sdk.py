"""The official openai package in the tab, through the service worker, with no server at all."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser_tab import Tab
from served import Served, serve
from setup_modules import load

CLIENT = """async () => {
  window.openai = await import("/openai/index.mjs");
  window.client = new openai.OpenAI({
    baseURL: location.origin + "/v1", apiKey: "none", dangerouslyAllowBrowser: true, maxRetries: 0,
  });
  const messages = [{ role: "user", content: "Hello" }];
  const hello = { model: "default", messages, temperature: 0 };
  window.ask = (more, options) => client.chat.completions.create({ ...hello, ...more }, options);
  window.thrown = (promise) => promise.then(() => null, (error) => ({
    type: Object.keys(openai).find((name) => error.constructor === openai[name]),
    status: error.status ?? null, code: error.code ?? null, param: error.param ?? null,
  }));
}"""
STREAM = """async (tokens) => {
  window.pieces = [];
  window.ended = false;
  const stream_options = { include_usage: true };
  window.stream = await ask({ stream: true, max_tokens: tokens, stream_options });
  for await (const chunk of stream) pieces.push(chunk);
  window.ended = true;
}"""
TEXT = "pieces.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join('')"

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


@pytest.fixture(scope="module")
def sdk_site(dist: Path, models: dict[str, Path]) -> Iterator[Served]:
    """The site with the package beside it."""
    try:
        package = load("runtime").ensure_package("openai")
    except SystemExit as error:
        pytest.skip(str(error))
    modules = {f"/openai/{p.relative_to(package).as_posix()}": p for p in package.rglob("*.mjs")}
    with serve(dist, {**modules, "/models/tiny.gguf": models["tiny"]}) as site:
        yield site


@pytest.fixture
def client(tab: Tab, sdk_site: Served) -> Tab:
    """A tab with the model and the package, which asks through the service worker."""
    tab.open(f"{sdk_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.wait(lambda: bool(tab.page.evaluate("!!navigator.serviceWorker.controller")), "control")
    tab.page.evaluate(CLIENT)
    return tab


def test_sdk_works_in_the_tab(client: Tab, sdk_site: Served) -> None:
    page = client.page
    sdk_site.asked.clear()

    whole = page.evaluate("ask({ max_tokens: 12 })")
    page.evaluate(STREAM, 12)
    pieces = page.evaluate("pieces")

    answer = whole["choices"][0]
    assert whole["model"] == "tiny" and answer["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == 12
    assert page.evaluate(TEXT) == answer["message"]["content"] != ""
    assert len(pieces) > 3 and pieces[-1]["usage"] == whole["usage"]
    assert [model["id"] for model in page.evaluate("client.models.list()")["data"]] == ["tiny"]
    assert thrown(client, "ask({ model: 'gpt-9' })")["type"] == "NotFoundError"
    wrong = thrown(client, "ask({ temperature: -1 })")
    assert (wrong["type"], wrong["status"], wrong["param"]) == (
        "BadRequestError",
        400,
        "temperature",
    )
    assert not [path for path, _, _ in sdk_site.asked if path.startswith("/v1")], "left the tab"


def test_sdk_aborts_and_outlives_the_service_worker(client: Tab) -> None:
    page = client.page
    whole = page.evaluate("ask({ max_tokens: 100 })")["choices"][0]["message"]["content"]

    page.evaluate("tokens => void (window.run = (" + STREAM + ")(tokens))", 100)
    client.wait(lambda: page.evaluate("window.pieces?.length ?? 0") > 3, "some pieces")
    devtools = page.context.new_cdp_session(page)
    devtools.send("ServiceWorker.enable")
    devtools.send("ServiceWorker.stopAllWorkers")
    client.wait(lambda: bool(page.evaluate("window.ended")), "the stream to end")
    assert page.evaluate(TEXT) == whole

    page.evaluate("void (" + STREAM + ")(2000)")
    client.wait(lambda: 3 < page.evaluate("pieces.length") < 100, "some pieces")
    page.evaluate("stream.controller.abort()")
    wait_idle(client)
    aborted = thrown(client, "ask({ max_tokens: 2000 }, { signal: AbortSignal.timeout(300) })")
    assert aborted["type"] == "APIUserAbortError"
    wait_idle(client)


def test_sdk_hears_in_its_own_type_that_no_tab_has_a_model(client: Tab) -> None:
    client.page.evaluate("wgslm.host.kill('a test says so')")

    refused = thrown(client, "ask({ max_tokens: 4 })")

    assert (refused["type"], refused["status"]) == ("InternalServerError", 503)
    assert refused["code"] == "no_tab"


def thrown(tab: Tab, expression: str) -> dict[str, Any]:
    found: dict[str, Any] = tab.page.evaluate(f"thrown({expression})")
    return found


def wait_idle(tab: Tab) -> None:
    begun = time.monotonic()
    tab.wait(lambda: bool(tab.page.evaluate("tests.isIdle()")), "the app to be idle")
    assert time.monotonic() - begun < 20
