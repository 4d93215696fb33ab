"""A model of real size in the tab of a machine without a GPU: slow, and still of use."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext

from bench_page import BenchPage
from idle import slowdown
from served import Served

LEAST = 2.0  # tokens per second
TOKENS, RUNS = 4, 3  # the best run counts: other programs only ever make it slower
SECONDS = 90.0  # for all of it, on an idle machine
PATIENCE = 900.0  # on a busy one

pytestmark = [pytest.mark.e2e, pytest.mark.gpu, pytest.mark.long]


@pytest.fixture
def bench(visitor: BrowserContext, served: Served) -> Iterator[BenchPage]:
    """The page that measures; it is closed so that its 150 MB do not outlive the test."""
    page = visitor.new_page()
    yield BenchPage(page, served.url, PATIENCE)
    page.close()


def test_135m_parameters_decode_at_two_tokens_a_second(bench: BenchPage) -> None:
    begun, before = time.perf_counter(), slowdown()
    bench.ask(shape="smollm2-135m", quant="q8_0", pp="0", tg=f"{TOKENS}", repeat=f"{RUNS}")

    (model,) = bench.result()["models"]

    spent, factor = time.perf_counter() - begun, (before + slowdown()) / 2
    best = max(model["tests"][0]["samples_tok_s"])
    print(
        f"\n{best:.2f} tok/s, measured in {spent:.0f} s, "
        f"while everything took {factor:.1f} times as long"
    )
    assert model["quant"].upper() == "Q8_0"
    assert best * factor >= LEAST
    assert spent / factor <= SECONDS
