"""Rules of the house that a machine can check."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from setup_modules import ROOT
from wgslm.quants import QUANTS, Quant

LONGEST = 400
SOURCES = (".py", ".wgsl", ".js", ".css", ".html")
TOP_LEVEL = set("pyproject.toml README.md LICENSE engine shaders web build tests demo".split())
NOT_IN_A_TAB = ("numpy", "gguf", "sentencepiece", "torch", "wgpu", "httpx", "rich", "uvicorn")
NATIVE = ("native.py", "cli")
# Written in pieces, so that this file does not break its own rules.
FORBIDDEN = {
    "a package registry's host": r"py" + r"pi\.org|python" + r"hosted\.org|registry\.npm" + r"js",
    "a path of some machine": r"(?<![\w.])/(work|tmp|root|home|Users)" + r"/\w",
}


def listed() -> list[Path]:
    """Every file that git would commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


FILES = listed()
WGSL = [path for path in FILES if path.suffix == ".wgsl"]
ENGINE = [path for path in FILES if path.suffix == ".py" and ROOT / "engine" in path.parents]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    """The file as text; "" for a binary one."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode()


def test_top_level_holds_what_the_readme_maps() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in FILES}

    assert {entry for entry in found if not entry.startswith(".")} == TOP_LEVEL


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix in SOURCES], ids=name)
def test_file_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    found = [
        f"{name(path)}: {match[0]}"
        for path in FILES
        if (match := re.search(FORBIDDEN[what], text_of(path)))
    ]

    assert found == []


@pytest.mark.parametrize("path", WGSL, ids=name)
def test_shader_opens_with_what_it_computes(path: Path) -> None:
    assert path.read_text().startswith("// ")


@pytest.mark.parametrize("path", [p for p in WGSL if "@compute" in p.read_text()], ids=name)
def test_kernel_names_a_twin_that_exists(path: Path) -> None:
    twins = re.findall(r"^// Twin: (\S+)", path.read_text(), re.M)

    assert twins and all((ROOT / twin).is_file() for twin in twins)


@pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)
def test_quant_has_a_decoder_and_a_twin(quant: Quant) -> None:
    twins = ast.parse((ROOT / "tests/twins/quants.py").read_text())
    functions = {node.name for node in twins.body if isinstance(node, ast.FunctionDef)}

    assert (ROOT / f"shaders/quants/{quant.name}.wgsl").is_file()
    assert quant.name in functions


@pytest.mark.parametrize("path", [p for p in ENGINE if not set(p.parts) & set(NATIVE)], ids=name)
def test_module_of_the_tab_imports_nothing_that_a_tab_lacks(path: Path) -> None:
    imported = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    assert not imported & set(NOT_IN_A_TAB)


def test_build_is_no_package() -> None:
    assert not (ROOT / "build/__init__.py").exists()  # or `python -m build` would mean ours


def test_pytest_enters_the_tests_of_build(pytestconfig: pytest.Config) -> None:
    assert "build" not in pytestconfig.getini("norecursedirs")  # as its own list would have it
