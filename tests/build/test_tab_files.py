"""Which Python goes into the tab."""

from setup_modules import load

tab_files = load("tab_files")


def test_tab_gets_our_modules_and_shaders_and_nothing_native() -> None:
    files = tab_files.our_files()

    assert "wgslm/quants.py" in files
    assert "wgslm/gpu/browser.py" in files
    assert "wgslm/shaders/quants/q8_0.wgsl" in files
    assert not [path for path in files if "native" in path or "/cli/" in path or "page" in path]


def test_tab_gets_the_pure_python_of_the_libraries() -> None:
    files = tab_files.library_files()

    assert tab_files.libraries() == [
        "anyio",
        "jinja2",
        "markupsafe",
        "starlette",
        "typing-extensions",
    ]
    assert "markupsafe/_native.py" in files
    assert all(path.endswith(".py") for path in files)


def test_imports_are_those_that_the_tab_can_answer() -> None:
    source = b"""
import json, wgpu
from typing import TYPE_CHECKING
from . import here
if TYPE_CHECKING:
    import sqlite3
def lazily():
    from starlette.routing import Route
    from js import fetch
"""

    found = tab_files.imports({"wgslm/x.py": source}, {"starlette/routing.py": b""})

    assert found == ["json", "starlette.routing", "typing"]


def test_nothing_that_our_modules_import_is_left_out_of_the_standard_library() -> None:
    ours, libraries = tab_files.our_files(), tab_files.library_files()

    left_out = [
        name
        for name in tab_files.imports(ours, libraries)
        if tab_files.is_unused_standard(name.replace(".", "/"))
    ]

    assert left_out == []
