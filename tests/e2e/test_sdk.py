"""The official openai package in the tab, through the service worker, with no server at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from browser_tab import Tab
from relay_site import open_tab, relay_site, stop_service_workers, wait
from scripted_engine import ScriptedEngine
from scripted_host import serving
from served import serve
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

pytestmark = [pytest.mark.e2e, pytest.mark.long]


@pytest.fixture(scope="module")
def package() -> dict[str, Path]:
    """The modules of the package by their paths on a site."""
    try:
        folder = load("runtime").ensure_package("openai")
    except SystemExit as error:
        pytest.skip(str(error))
    modules = [path for path in folder.rglob("*") if path.suffix in (".js", ".mjs")]
    return {f"/openai/{path.relative_to(folder).as_posix()}": path for path in modules}


@pytest.fixture
def scripted(
    visitor: BrowserContext, package: dict[str, Path], tmp_path: Path
) -> Iterator[tuple[Page, Page, ScriptedEngine]]:
    """A tab whose app has a scripted engine, another one with the package, and the engine."""
    engine = ScriptedEngine(words=["word "] * 200, step_seconds=0.02)
    with (
        relay_site(tmp_path, package) as site,
        serving(engine, origins=[site.rstrip("/")]) as app,
    ):
        tab = open_tab(visitor, site, f"model=scripted&app={app}")
        client = open_tab(visitor, site, "resume")
        client.evaluate(CLIENT)
        yield tab, client, engine


@pytest.mark.parametrize("is_killed", [False, True])
def test_sdk_gets_whole_and_streamed_answers(
    scripted: tuple[Page, Page, ScriptedEngine], is_killed: bool
) -> None:
    _, page, _ = scripted
    whole = page.evaluate("ask({ max_tokens: 150 })")

    page.evaluate(f"void ({STREAM})(150)")
    wait(page, "window.pieces?.length > 3")
    if is_killed:
        stop_service_workers(page)
    wait(page, "ended")

    assert whole["model"] == "scripted"
    assert page.evaluate(TEXT) == whole["choices"][0]["message"]["content"] != ""
    assert page.evaluate("pieces.at(-1).usage") == whole["usage"]
    assert [model["id"] for model in page.evaluate("client.models.list()")["data"]] == ["scripted"]


def test_sdk_aborts_and_throws_its_own_types(
    scripted: tuple[Page, Page, ScriptedEngine],
) -> None:
    tab, page, engine = scripted
    page.evaluate(f"void ({STREAM})(200)")
    wait(page, "window.pieces?.length > 3")
    page.evaluate("stream.controller.abort()")
    page.wait_for_timeout(1000)
    assert engine.stopped_early == 1
    aborted = thrown(page, "ask({}, { signal: AbortSignal.timeout(500) })")
    assert aborted["type"] == "APIUserAbortError"

    assert thrown(page, "ask({ model: 'gpt-9' })")["type"] == "NotFoundError"
    wrong = thrown(page, "ask({ temperature: -1 })")
    assert (wrong["type"], wrong["status"], wrong["param"]) == (
        "BadRequestError",
        400,
        "temperature",
    )
    tab.close()
    refused = thrown(page, "ask({})")
    assert (refused["type"], refused["status"]) == ("InternalServerError", 503)
    assert refused["code"] == "no_tab"


@pytest.mark.gpu
def test_sdk_works_in_the_tab_itself(
    tab: Tab, dist: Path, models: dict[str, Path], package: dict[str, Path]
) -> None:
    page = tab.page
    with serve(dist, {**package, "/models/tiny.gguf": models["tiny"]}) as site:
        tab.open(f"{site.url}?model=models/tiny.gguf")
        tab.wait_ready("tiny")
        tab.wait(lambda: bool(page.evaluate("!!navigator.serviceWorker.controller")), "control")
        page.evaluate(CLIENT)
        whole = page.evaluate("ask({ max_tokens: 100 })")["choices"][0]

        page.evaluate(f"void ({STREAM})(100)")
        tab.wait(lambda: page.evaluate("window.pieces?.length ?? 0") > 3, "some pieces")
        stop_service_workers(page)
        tab.wait(lambda: bool(page.evaluate("ended")), "the stream to end")
        assert page.evaluate(TEXT) == whole["message"]["content"] != ""

        page.evaluate(f"void ({STREAM})(2000)")
        tab.wait(lambda: 3 < page.evaluate("pieces.length") < 100, "some pieces")
        page.evaluate("stream.controller.abort()")
        tab.wait(lambda: bool(page.evaluate("tests.isIdle()")), "the app to be idle", 30)
        assert not [path for path, _, _ in site.asked if path.startswith("/v1")], "left the tab"


def thrown(page: Page, expression: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(f"thrown({expression})")
    return found
