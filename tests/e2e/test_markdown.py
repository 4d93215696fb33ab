"""What a model writes, drawn: the same however it arrives, harmless, and never a long task."""

import random
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from browser_tab import Tab
from e2e.test_responsive import main_thread_tasks
from hostile_markdown import HEAVY, HOSTILE
from stored import QUIET, add, conversation

BLOCKED_MS = 50.0
TRACED = ["devtools.timeline", "disabled-by-default-devtools.timeline"]
PROSE = """# Title

[r]: https://a.example/r

Some *text* with `code`, a [link](https://a.example/x) and more. 日本語 and عربي.

1. one
2. two
   - inner

   more of two

| a | b |
|--:|---|
| 1 | x $y_1$ |
| 2 | z |

```python
def f(x):
    return "<b>" + x
```

> quoted
> twice

$$\\frac{1}{2}$$

Costs $5 and $6; \\(a+b\\) is a sum. See the [reference][r].
"""
LONG_CODE = (
    "```python\n" + "".join(f"x{i} = {i}  # line {i}\n" for i in range(400)) + "```\n\nAfter it."
)
LONG_LINE = "```js\n" + "".join(f"f({i}) + " for i in range(500)) + "0\nend()\n```\n"
LONG_TABLE = "| n | square |\n|---|---|\n" + "".join(f"| {i} | {i * i} |\n" for i in range(300))
LONG_LIST = "".join(f"{i}. item {i}\n" for i in range(1, 300))
# Draws the text as it grows by these steps, and waits for what is loaded when it is first needed.
DRAW = """async ([text, steps]) => {
  const { MarkdownView } = await import("./markdown.js");
  const place = document.createElement("div");
  place.className = "body";
  document.querySelector("#log").replaceChildren(place);
  const view = new MarkdownView(place);
  const idle = () => new Promise((resolve) => setTimeout(resolve, 10));
  for (const end of steps) {
    const part = text.slice(0, end);
    while (!view.update(part)) await idle();
    if (steps.length < 50) await idle();
  }
  await Promise.all([import("./vendor/highlight.js"), import("./vendor/temml.js")]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  return { html: place.innerHTML, text: place.textContent };
}"""

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def draw(page: Page, text: str, steps: list[int] | None = None) -> dict[str, Any]:
    """Draw a text at once, or as it grows; return its HTML and its text."""
    found: dict[str, Any] = page.evaluate(DRAW, [text, steps or [len(text)]])
    return found


@pytest.fixture
def quiet(tab: Tab, site: str) -> Tab:
    """The page without an engine."""
    tab.page.add_init_script(QUIET)
    tab.open(site)
    draw(tab.page, "```js\n1\n```\n\n$x$")  # loads what these need
    return tab


@pytest.mark.parametrize(
    "text",
    [PROSE, LONG_CODE, LONG_LINE, LONG_TABLE, LONG_LIST],
    ids=["prose", "code", "line", "table", "list"],
)
def test_a_text_that_grows_says_the_same_as_a_whole_one(quiet: Tab, text: str) -> None:
    chance = random.Random(7)
    steps = sorted({len(text), *(chance.randrange(len(text)) for _ in range(400))})

    whole = draw(quiet.page, text)
    grown = draw(quiet.page, text, steps)

    assert grown["text"].split() == whole["text"].split()
    if text is PROSE:  # longer ones are cut where the draws happened to be
        assert grown["html"] == whole["html"]


def test_a_line_that_was_drawn_in_parts_is_one_line(quiet: Tab) -> None:
    grown = draw(quiet.page, LONG_LINE, [*range(0, len(LONG_LINE), 97), len(LONG_LINE)])

    assert LONG_LINE.removeprefix("```js\n").removesuffix("\n```\n") in grown["text"]


def test_tables_code_and_formulas_are_drawn_as_such(quiet: Tab) -> None:
    draw(quiet.page, PROSE)
    log = quiet.page.locator("#log")

    expect(log.locator("td.x, td[align=right]")).to_have_count(2)
    expect(log.locator(".code .hljs-keyword").first).to_have_text("def")
    expect(log.locator("math mfrac")).to_have_count(1)
    expect(log.locator("math")).to_have_count(3)
    expect(log.get_by_text("Costs $5 and $6")).to_be_visible()
    expect(log.get_by_role("link", name="reference")).to_have_attribute(
        "href", "https://a.example/r"
    )


def test_text_is_shown_as_it_is_where_the_libraries_do_not_come(tab: Tab, site: str) -> None:
    tab.page.add_init_script(QUIET)
    tab.page.route("**/render.js", lambda route: route.abort())
    tab.open(site)

    add(tab, conversation("x", "Cats", ["?", "Yes, **a cat**."]))

    expect(tab.shown.locator(".body")).to_have_text("Yes, **a cat**.")


def test_quotes_in_quotes_end_at_a_depth(quiet: Tab) -> None:
    draw(quiet.page, "> " * 25 + "deep")

    quotes = quiet.page.locator("#log blockquote")
    expect(quotes).to_have_count(20)
    expect(quotes.last).to_have_text("> > > > > deep")


def test_a_long_code_block_is_one_block_that_is_copied_whole(quiet: Tab) -> None:
    draw(quiet.page, LONG_CODE, list(range(0, len(LONG_CODE) + 97, 97)))
    quiet.page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    expect(quiet.page.locator("#log .code")).to_have_count(1)
    quiet.page.get_by_role("button", name="Copy the code").click()
    expect(quiet.page.locator(".copy-code")).to_have_text("Copied")

    copied = quiet.page.evaluate("navigator.clipboard.readText()")
    assert copied == "".join(f"x{i} = {i}  # line {i}\n" for i in range(400)).rstrip("\n")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_markdown_is_shown_and_does_nothing(quiet: Tab, name: str) -> None:
    asked: list[str] = []
    quiet.page.on("request", lambda request: asked.append(request.url))
    text = HOSTILE[name]

    for steps in ([len(text)], list(range(0, len(text) + 1, 3))):
        draw(quiet.page, text, steps)
        quiet.page.wait_for_timeout(100)

    assert quiet.page.evaluate("window.hacked") is None
    assert [url for url in asked if "/vendor/" not in url] == []
    assert harm(quiet.page) == []
    expect(quiet.page.locator("#prompt")).to_be_visible()


@pytest.mark.parametrize(
    "harm",
    ["document.body.innerHTML = '<b>'", "eval('1')", "new Function('1')", "new Worker('x.js')"],
)
def test_the_page_makes_no_html_and_no_code_from_text(tab: Tab, site: str, harm: str) -> None:
    opened = tab.page.context.new_page()  # its console may complain
    opened.goto(site)

    # In a task of the page itself: what the debugger evaluates directly is above the policy.
    later = f"""() => new Promise((resolve, reject) => setTimeout(() => {{
      try {{ {harm}; resolve(); }} catch (error) {{ reject(error); }}
    }}))"""

    with pytest.raises(Error, match=r"TrustedHTML|TrustedScriptURL|unsafe-eval|TrustedScript"):
        opened.evaluate(later)


@pytest.mark.parametrize("name", HEAVY)
def test_no_text_blocks_the_page(quiet: Tab, chromium: Browser, site: str, name: str) -> None:
    text = HEAVY[name]
    chromium.start_tracing(page=quiet.page, categories=TRACED)
    quiet.page.evaluate("fetch('./index.html')")  # by which the trace knows the page's thread
    draw(quiet.page, text, [*range(0, len(text), max(1, len(text) // 40)), len(text)])
    tasks = main_thread_tasks(chromium.stop_tracing(), site)

    print(f"\n{name}: the longest of {len(tasks)} tasks took {max(tasks):.0f} ms")
    assert max(tasks) <= BLOCKED_MS


def test_thinking_is_folded_away_and_the_answer_is_not(quiet: Tab) -> None:
    split = "([text]) => import('./thinking.js').then(({ splitThinking }) => splitThinking(text))"
    cases = {
        "<think>\nA cat?</think>\n\nYes.": ("A cat?", "Yes.", False),
        "<think>\nStill at it</thi": ("\nStill at it", "", True),
        "<thi": ("", "", False),
        "Thoughts end with </think>, see?": ("", "Thoughts end with </think>, see?", False),
        "<b>bold</b>": ("", "<b>bold</b>", False),
        "": ("", "", False),
    }
    for text, (thought, said, is_thinking) in cases.items():
        found = quiet.page.evaluate(split, [text])
        assert found == {"thought": thought, "said": said, "isThinking": is_thinking}, text

    deltas = [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "A "},
        {"reasoning_content": "cat?"},
        {"content": "Yes"},
        {"content": "."},
    ]
    late = [
        {"content": "A cat?"},
        {"content": "\n\n", "content_was_reasoning": True},
        {"content": "Yes"},
    ]
    grow = (
        "([deltas]) => import('./thinking.js')"
        ".then(({ grown }) => deltas.reduce((content, delta) => grown(content, delta), ''))"
    )
    assert quiet.page.evaluate(grow, [deltas]) == "<think>A cat?\n</think>\n\nYes."
    assert quiet.page.evaluate(grow, [late]) == "<think>A cat?\n</think>\n\nYes"

    add(quiet, conversation("x", "Cats", ["?", "<think>It is a *cat*.</think>Yes, **a cat**."]))
    expect(quiet.shown.locator(".body")).to_have_text("Yes, a cat.")
    expect(quiet.shown.locator(".thought")).to_be_hidden()
    quiet.shown.get_by_text("Thoughts").click()
    expect(quiet.shown.locator(".thought em")).to_have_text("cat")


def harm(page: Page) -> list[str]:
    """Return the tags and attributes in the conversation that no answer may have."""
    found: list[str] = page.evaluate("""() => {
      const never = "script img iframe object embed style link meta base form input svg video";
      const isBad = (element, { name, value }) =>
        name.startsWith("on") || ["id", "src", "srcdoc"].includes(name) ||
        (name === "href" && !/^(https?:|mailto:)/.test(value)) ||
        (name === "style" && /position|url/.test(value));
      return [...document.querySelectorAll("#log *")].flatMap((element) => [
        ...(never.split(" ").includes(element.localName) ? [element.localName] : []),
        ...[...element.attributes].filter((one) => isBad(element, one)).map((one) => one.value),
      ]);
    }""")
    return found
