"""Uses the page as a person would: waits for the model, asks, reads the answer as it grows.

Knows these of the page's elements: #status, #load-text, #error-text, #error-hint, #prompt, #send,
#stats, .message.
"""

import sys
import time
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, ViewportSize, sync_playwright

LOAD_SECONDS = 600.0  # without any progress
ANSWER_SECONDS = 180.0  # without a change of the answer
POLL_MS = 50
VIEW: ViewportSize = {"width": 1200, "height": 800}


class PageError(Exception):
    """The page said that something is wrong, or nothing at all for too long."""


def ask(url: str, question: str, browser: Path, flags: list[str], picture: Path) -> None:
    """Open the page in a headless browser, print the answer to one question, keep a picture."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=flags)
        page = chromium.new_page(viewport=VIEW)
        log: list[str] = []
        page.on("console", lambda message: log.append(message.text))
        page.on("pageerror", lambda error: log.append(str(error)))
        try:
            page.goto(url)
            _wait_until_ready(page)
            print(f"> {question}", flush=True)
            _print_answer(page, question)
            print(
                f"\n{_text(page, '#stats')} · {page.locator('body').get_attribute('data-adapter')}"
            )
        except Error as error:
            raise PageError(f"The browser failed: {error}\n" + "\n".join(log[-10:])) from error
        finally:
            if not page.is_closed():
                page.screenshot(path=picture)
            chromium.close()


def _wait_until_ready(page: Page) -> None:
    """Show #status while it changes, until the model is loaded."""
    shown, changed = "", time.monotonic()
    while (state := page.locator("#status").get_attribute("data-state")) != "ready":
        if state in ("error", "idle"):  # idle: the page has no model to load
            raise PageError(_complaint(page))
        text = _text(page, "#load-text") or _text(page, "#status")
        if text != shown:
            shown, changed = text, time.monotonic()
            print(text, file=sys.stderr, flush=True)
        if time.monotonic() - changed > LOAD_SECONDS:
            raise PageError(f"The page has said {shown!r} for {LOAD_SECONDS:.0f} s")
        page.wait_for_timeout(POLL_MS)


def _print_answer(page: Page, question: str) -> None:
    page.locator("#prompt").fill(question)
    page.locator("#send").click()
    answer = page.locator(".message[data-role=assistant]").last
    shown, changed = "", time.monotonic()
    while True:
        state = answer.get_attribute("data-state")  # before the text: what comes after is complete
        text = answer.locator(".body").inner_text()
        if text != shown:
            shown, changed = _print_more(shown, text), time.monotonic()
        if state == "done":
            print()
            return
        if state != "streaming":
            print()
            raise PageError(f"{_text(answer, '.note')} {_complaint(page)}".strip())
        if time.monotonic() - changed > ANSWER_SECONDS:
            raise PageError(f"The answer has not grown for {ANSWER_SECONDS:.0f} s")
        page.wait_for_timeout(POLL_MS)


def _print_more(shown: str, text: str) -> str:
    """Print what came; from its beginning where formatting has changed what was there."""
    more = text[len(shown) :] if text.startswith(shown) else f"\n{text}"
    print(more, end="", flush=True)
    return text


def _complaint(page: Page) -> str:
    """Return what the page says is wrong, and what it says to do about it."""
    said = [_text(page, "#error-text"), _text(page, "#error-hint")]
    return " ".join(filter(None, said)) or _text(page, "#status")


def _text(place: Page | Locator, selector: str) -> str:
    found = place.locator(selector)
    return " ".join(found.first.inner_text().split()) if found.count() else ""
