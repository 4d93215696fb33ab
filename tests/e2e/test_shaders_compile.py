"""Every program that a plan can ask for is accepted by Chromium's Tint, without a warning."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from programs import QUANT_8, SWIFTSHADER, all_programs, tiny_plan
from setup_modules import load
from tiny_models import ARCHITECTURES
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
    described = [describe(program, is_whole=False) for program in sources()]

    assert page.evaluate("programs => refused(programs)", described) == []


def test_what_this_browser_runs_compiles_up_to_pipelines(page: Page) -> None:
    described = [describe(program, is_whole=True) for program in pipelines(own_programs())]

    assert page.evaluate("programs => refused(programs)", described) == []


@pytest.mark.long
def test_every_choice_compiles_up_to_a_pipeline(page: Page) -> None:
    described = [describe(program, is_whole=True) for program in pipelines(all_programs())]

    assert page.evaluate("programs => refused(programs)", described) == []


def test_nothing_is_left_out() -> None:
    texts = {program.source().text for program in sources()}
    made = pipelines(all_programs())

    assert texts == {program.source().text for program in all_programs()}
    for program in all_programs():
        alike = [other for other in made if other.shader == program.shader]
        assert choices(program) <= set().union(*map(choices, alike))
    assert len(made) < len(texts) / 5


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_refusal_is_seen(page: Page, is_whole: bool) -> None:
    broken = {"label": "broken", "code": "nonsense", "constants": {}, "bindings": []}

    (complaint,) = page.evaluate("programs => refused(programs)", [{**broken, "isWhole": is_whole}])

    assert complaint.startswith("broken: ")


def sources() -> list[Program]:
    """Return one program for each text: Tint checks a module without its constants."""
    return list({program.source().text: program for program in all_programs()}.values())


def own_programs() -> list[Program]:
    """Return what models of common formats ask for on SwiftShader, which is Chromium's here."""
    found = [Program("repack"), Program("copy")]
    for architecture in ARCHITECTURES:
        for size in (1, 16):
            plan = tiny_plan(architecture, QUANT_8, SWIFTSHADER, size)
            found += [dispatch.program for dispatch in (*plan.dispatches, *plan.candidates)]
    return list(dict.fromkeys(found))


def pipelines(programs: Sequence[Program]) -> list[Program]:
    """Return few programs to compile up to a pipeline, the shortest texts of their shader.

    SwiftShader takes 0.1 to 9 s for each and Tint has checked all texts before; so every constant
    and every file that a schedule chooses is in one of them, but not every mixture.
    """
    chosen: list[Program] = []
    for shader in dict.fromkeys(program.shader for program in programs):
        alike = [program for program in programs if program.shader == shader]
        alike.sort(key=lambda program: len(program.source().text))
        left = set().union(*map(choices, alike))
        while left:
            chosen.append(max(alike, key=lambda program: len(choices(program) & left)))
            left -= choices(chosen[-1])
    return chosen


def choices(program: Program) -> set[object]:
    """Return what a schedule or a plan decides of a program; the data's formats are texts only."""
    files = {bound for bound in program.bound if bound[0] not in ("quant", "second", "kv")}
    return {program.shader, *files, *program.constants}


def describe(program: Program, *, is_whole: bool) -> dict[str, object]:
    """Return a program as compile.html takes it."""
    shader = program.source()
    constants = dict(program.constants)
    return {
        "label": f"{shader.name} {constants}",
        "code": shader.directives + shader.text,
        "constants": constants,
        "bindings": [[binding.index, binding.access] for binding in shader.bindings],
        "isWhole": is_whole,
    }
