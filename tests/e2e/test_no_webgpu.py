"""Where models cannot run, the page says why on this browser; another computer can answer."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Playwright

from browser_tab import Tab
from command_line import killed_after, start
from served import Served
from setup_modules import load

NAME = "wgslm.test"  # leads to this machine, but is no name that browsers trust
CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 ({}; rv:{}.0) Gecko/20100101 Firefox/{}.0"
SAFARI = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.0 Safari/605.1.15"
WINDOWS, LINUX, ANDROID = "Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Linux; Android 10; K"
MAC, PHONE = "Macintosh; Intel Mac OS X 10_15_7", "iPhone; CPU iPhone OS 18_6 like Mac OS X"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def plain(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium as people start it, without a flag for WebGPU."""
    machine = load("machine")
    wanted = [flag for flag in machine.browser_flags(None) if flag == "--no-sandbox"]
    flags = [*wanted, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
    browser = playwright.chromium.launch(executable_path=machine.ensure_browser(), args=flags)
    yield browser
    browser.close()


@pytest.fixture
def tab(plain: Browser) -> Iterator[Tab]:
    context = plain.new_context()
    yield Tab(context)
    context.close()


def test_a_chromium_without_its_flags_is_told_of_them(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")

    tab.wait(lambda: "WebGPU" in tab.error or "adapter" in tab.error, "the page to say so")
    print(f"\n{tab.error}")
    on_linux = sys.platform == "linux"
    where = "flags/#enable-unsafe-webgpu" if on_linux else "settings/system"
    assert f"chrome://{where}" in tab.error
    assert tab.state == "error"


def test_an_address_that_is_not_secure_is_told_what_would_be(tab: Tab, served: Served) -> None:
    port = urlsplit(served.url).port
    served.hosts.add(f"{NAME}:{port}")

    tab.open(f"http://{NAME}:{port}/?model=models/tiny.gguf")

    tab.wait(lambda: "is not secure" in tab.error, "the page to say so")
    assert f"http://localhost:{port}/" in tab.error
    assert f"http://{NAME}:{port} at chrome://flags/#unsafely-treat" in tab.error
    assert tab.page.evaluate("isSecureContext") is False
    assert tab.page.workers == []


def test_a_server_on_this_computer_can_answer_instead(
    tab: Tab, served: Served, models: dict[str, Path]
) -> None:
    port = urlsplit(served.url).port
    served.hosts.add(f"{NAME}:{port}")
    origin = f"http://{NAME}:{port}"  # cannot run models, and says so without starting Python
    server = start("serve", models["tiny"], "--port", "0", "--origin", origin)
    try:
        assert server.stderr is not None
        with killed_after(server, 300):
            lines = iter(server.stderr.readline, "")
            found = (re.search(r"listening on (http\S+)/v1", line) for line in lines)
            address = next(match[1] for match in found if match)
        tab.open(f"{origin}/?model=models/tiny.gguf")
        tab.wait(lambda: bool(tab.error), "the page to say what is missing")

        tab.page.get_by_role("button", name="Use a computer with wgslm serve").click()
        tab.page.get_by_label("Address of the server").fill("http://127.0.0.1:9")
        tab.page.get_by_role("button", name="Let it answer").click()
        status = tab.page.locator("#server-status")
        tab.wait(lambda: "does not answer" in status.inner_text(), "a wrong address to be refused")
        assert f"wgslm serve MODEL.gguf --origin {origin}" in status.inner_text()
        tab.page.get_by_label("Address of the server").fill(address)
        tab.page.get_by_role("button", name="Let it answer").click()

        tab.wait(lambda: tab.status == f"Ready: tiny at {address}", "the server to be used")
        assert f"{address} answers" in tab.page.locator("#where").inner_text()
        tab.set(temperature=0, max_tokens=4)
        first, second = tab.ask("Hello"), tab.ask("And then?")
        assert (first["state"], second["state"]) == ("done", "done")
        assert len(second["ids"]) == 4
        assert tab.error == ""
    finally:
        server.kill()
        server.communicate()


@pytest.mark.parametrize(
    ("agent", "touches", "said", "advice"),
    [
        (CHROME.format(WINDOWS, 110), 0, "Chrome 110 on Windows", "with Chrome 113"),
        (CHROME.format(WINDOWS, 140), 0, "Chrome 140 on Windows", "chrome://settings/system"),
        (CHROME.format(WINDOWS, 112) + " Edg/112.0", 0, "Edge 112 on Windows", "with Edge 113"),
        (CHROME.format(LINUX, 140), 0, "Chrome 140 on Linux", "with Chrome 144"),
        (CHROME.format(LINUX, 156), 0, "Chrome 156 on Linux", "#enable-unsafe-webgpu"),
        (CHROME.format(ANDROID, 120), 5, "Chrome 120 on Android", "with Chrome 121"),
        (FIREFOX.format(WINDOWS, 140, 140), 0, "Firefox 140 on Windows", "with Firefox 141"),
        (FIREFOX.format(MAC, 150, 150), 0, "Firefox 150 on macOS", "Macs with Intel processors"),
        (FIREFOX.format(LINUX, 153, 153), 0, "Firefox 153 on Linux", "dom.webgpu.enabled"),
        (SAFARI.format(MAC, 18), 0, "Safari 18 on macOS", "macOS 26"),
        (SAFARI.format(PHONE, 18), 5, "18 on iOS", "iOS 26"),
        (SAFARI.format(MAC, 26), 5, "26 on iOS", "Feature Flags"),  # an iPad calls itself a Mac
        ("Ladybird/1.0 (X11)", 0, "This browser", "current Chrome"),
    ],
)
def test_every_browser_gets_its_own_advice(
    tab: Tab, site: str, agent: str, touches: int, said: str, advice: str
) -> None:
    tab.page.goto(site)

    found = tab.page.evaluate(
        """async (navigator) => {
          const { noWebGpu, thisBrowser } = await import("./support.js");
          return noWebGpu(thisBrowser(navigator));
        }""",
        {"userAgent": agent, "maxTouchPoints": touches},
    )

    assert said in found["message"]
    assert advice in found["hint"]
