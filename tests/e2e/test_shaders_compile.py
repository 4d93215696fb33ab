"""Every program that a plan can ask for is accepted by Chromium's Tint, without a warning."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from programs import all_programs
from setup_modules import load
from wgslm.gpu import Program

pytestmark = pytest.mark.e2e


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of Chromium with WebGPU, which needs a secure context: 127.0.0.1 is one."""
    with load("serve").Site(Path(__file__).parent) as site:
        opened = chromium.new_page()
        opened.goto(f"{site.url}compile.html")
        yield opened
        opened.close()


def test_every_program_compiles_in_chromium(page: Page) -> None:
    described = [describe(program) for program in all_programs()]

    assert page.evaluate("programs => refused(programs)", described) == []


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_refusal_is_seen(page: Page, is_whole: bool) -> None:
    broken = {"label": "broken", "code": "nonsense", "constants": {}, "bindings": []}

    (complaint,) = page.evaluate("programs => refused(programs)", [{**broken, "isWhole": is_whole}])

    assert complaint.startswith("broken: ")


def describe(program: Program) -> dict[str, object]:
    """Return a program as compile.html takes it.

    All of them pass Tint's checks; the pipeline is left out where it would take SwiftShader
    minutes in all: bias and residual are tried with the simplest and with a long decoder, and of
    the wide tiles (5 s each) only these two pipelines are made.
    """
    shader = program.source()
    chosen = dict(program.bound).get("quant", "quants/f32") in ("quants/f32", "quants/q6_k")
    constants = dict(program.constants)
    if program.shader in ("linear_tile", "linear_rows_broadcast"):
        is_whole = chosen and constants.keys() >= {"HAS_BIAS", "HAS_RESIDUAL"}
    else:
        is_whole = chosen or not constants
    return {
        "label": f"{shader.name} {constants}",
        "code": shader.directives + shader.text,
        "constants": constants,
        "bindings": [[binding.index, binding.access] for binding in shader.bindings],
        "isWhole": is_whole,
    }
