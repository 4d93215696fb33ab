"""The page that measures: choices, progress, tables, cancelling, saving."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from bench_page import SECONDS, BenchPage
from served import Served
from tiny_shape import DEEP
from wgslm.bench.random_source import RandomSource
from wgslm.bench.shapes import SHAPES

PHONE_WIDTH = 360
HOST_MS = 0.5  # limit for a step of 28 layers

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


@pytest.fixture
def bench(visitor: BrowserContext, served: Served) -> Iterator[BenchPage]:
    """The page, ready to measure; it must not break its own rules."""
    console: list[str] = []
    page = visitor.new_page()
    page.on("console", lambda message: console.append(message.text))
    page.on("pageerror", lambda error: console.append(f"uncaught: {error}"))
    yield BenchPage(page, served.url)
    wrong = ("uncaught", "Content Security Policy")
    assert [line for line in console if any(word in line for word in wrong)] == []


def test_a_file_is_measured_and_the_figures_can_be_saved(bench: BenchPage) -> None:
    bench.page.get_by_label("Also the time of each kernel").check()
    bench.ask("models/tiny.gguf", pp="4, 8", tg="3", depths="0 5", repeat="1")

    result = bench.result()
    text = bench.saved("Save as Markdown")

    assert result["adapter"]["kind"] == "software"  # SwiftShader
    assert result["host"]["browser"].startswith("Mozilla/")
    (model,) = result["models"]
    names = ["pp4", "pp8", "tg3", "pp4 @ d5", "pp8 @ d5", "tg3 @ d5"]
    assert [test["test"] for test in model["tests"]] == names
    rows = bench.page.get_by_role("region", name="Speed").get_by_role("row").all_inner_texts()
    assert [row.split("\t")[2] for row in rows[1:]] == names
    assert model["kernels"]["step_ms"] > 0
    assert bench.page.get_by_role("region", name="Kernels of one step, tiny").is_visible()
    warning = "software adapter: says nothing about a GPU"
    assert warning in text and bench.page.get_by_text(warning, exact=True).is_visible()


def test_all_shapes_are_offered_and_the_keyboard_reaches_everything(bench: BenchPage) -> None:
    offered = bench.page.get_by_role("group", name="Shapes").get_by_role("checkbox").all()
    assert [box.get_attribute("value") for box in offered] == [shape.name for shape in SHAPES]

    reached = []
    for _ in range(60):
        bench.page.keyboard.press("Tab")
        reached.append(bench.page.evaluate("document.activeElement.id"))

    assert {"models", "pp", "tg", "depths", "repeat", "kernels", "start"} <= set(reached)


def test_cancel_ends_it_and_it_can_be_started_again(bench: BenchPage) -> None:
    bench.ask("models/tiny.gguf", pp="4", tg="3", repeat="100000")
    running = re.compile(r"\d+ %: tiny: pp4, run \d+ of 100000")
    expect(bench.page.get_by_role("status")).to_have_text(running, timeout=SECONDS * 1e3)
    bench.page.get_by_role("button", name="Cancel").click()
    bench.wait("Cancelled")
    expect(bench.page.get_by_role("button", name="Measure")).to_be_focused()

    bench.ask("models/tiny.gguf", pp="4", tg="3", repeat="1")

    bench.wait("Done")
    expect(bench.page.get_by_role("heading", name="Results")).to_be_focused()


def test_a_refusal_is_shown_as_it_is(bench: BenchPage) -> None:
    bench.ask("models/tiny.gguf", pp="many")

    bench.wait("'pp' is ['many']; it must be a list of whole numbers")


def test_kernels_can_be_forced(bench: BenchPage) -> None:
    bench.ask("models/tiny.gguf", pp="4", tg="2", repeat="1", variants="one=rows many=fast")
    names = "tile32, tile64, rows_tile, dp4a"
    bench.wait(f"no variant 'fast' for 'many' on this adapter; there are {names}")
    bench.page.get_by_label("Choose a GPU's kernels by measuring").uncheck()
    bench.ask("models/tiny.gguf", pp="4", tg="2", repeat="1", variants="one=vec16")

    (model,) = bench.result()["models"]

    assert {"role": "one", "variant": "vec16", "why": "forced"} in model["variants"]


def test_a_phone_shows_it_without_scrolling_sideways(bench: BenchPage) -> None:
    bench.page.set_viewport_size({"width": PHONE_WIDTH, "height": 640})
    bench.ask("models/tiny.gguf", pp="4", tg="2", repeat="1")
    bench.wait("Done")

    width = bench.page.evaluate("document.scrollingElement.scrollWidth")

    assert width <= PHONE_WIDTH


@pytest.mark.speed
def test_the_host_spends_little_on_a_step_of_28_layers(
    bench: BenchPage, served: Served, tmp_path: Path
) -> None:
    source = RandomSource(DEEP, "q8_0")
    path = tmp_path / "deep.gguf"
    with ThreadPoolExecutor(1) as other:  # this thread's event loop is Playwright's
        whole = other.submit(asyncio.run, source.read(0, source.size))
    path.write_bytes(whole.result())
    served.files["/models/deep.gguf"] = path
    bench.ask("models/deep.gguf", pp="0", tg="2", repeat="1")

    (model,) = bench.result()["models"]

    print(f"\n{model['host_ms_per_step']:.2f} ms for {model['plans'][0]['dispatches']} dispatches")
    assert 0 < model["host_ms_per_step"] <= HOST_MS
