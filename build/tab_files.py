"""Which Python the tab gets: our modules, the libraries they import, the shaders.

Knows files and names; `bytecode` compiles them, `bundle` packs them. Paths are as in site-packages.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from build import environment
else:
    environment = sys.modules["wgslm_build_environment"]

OURS = ("wgslm", "wgslm_web")
ROOTS = (environment.ROOT / "engine", environment.ROOT / "web")
# module and folder names that mean "not in a tab"
NATIVE = ("native.py", "folder.py", "ollama.py", "shared.py", "cli")
TAB = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_system": "Emscripten",
    "python_full_version": "3.14.2",
    "python_version": "3.14",
    "sys_platform": "emscripten",
    "extra": "",
}
UNUSED_LIBRARIES = ("idna",)  # anyio wants it when it opens a socket, which a tab cannot
UNUSED_FILES = frozenset(
    "anyio/_backends/_trio.py anyio/pytest_plugin.py anyio/to_interpreter.py anyio/to_process.py "
    "starlette/authentication.py starlette/middleware/authentication.py "
    "starlette/middleware/gzip.py starlette/middleware/httpsredirect.py "
    "starlette/middleware/opentelemetry.py starlette/middleware/sessions.py "
    "starlette/middleware/wsgi.py starlette/schemas.py starlette/staticfiles.py "
    "starlette/templating.py starlette/testclient.py".split()
)
LAZY_IMPORTS = ("anyio._backends._asyncio",)  # what the first answer imports, by name
SOURCE_IS_READ = ("anyio",)  # to import lazily; of ours a traceback names files and lines
# Standard modules that do nothing in a tab: sockets, processes, terminals, debuggers, tools for
# Python's own files, and the Python twins of modules that Pyodide has in C.
UNUSED_STANDARD = frozenset(
    "_pydatetime _pydecimal _pyio _pyrepl antigravity bdb cProfile cmd code compileall ctypes "
    "doctest ensurepip filecmp fileinput ftplib getpass idlelib imaplib mailbox modulefinder "
    "multiprocessing netrc nturl2path optparse pdb pickletools plistlib poplib profile pstats pty "
    "py_compile pyclbr pydoc pydoc_data rlcompleter smtplib socketserver sqlite3 symtable tabnanny "
    "this timeit trace tracemalloc tty turtle turtledemo unittest venv wave webbrowser wsgiref xml "
    "xmlrpc zipapp".split()
)
# What text can be in here; the page decodes what people attach.
ENCODINGS = frozenset(
    "__init__ aliases ascii charmap cp437 idna latin_1 punycode raw_unicode_escape unicode_escape "
    "utf_16 utf_16_be utf_16_le utf_32 utf_8 utf_8_sig".split()
)


def our_files() -> dict[str, bytes]:
    """Return our modules that run in a tab, and the shaders inside them."""
    files = {}
    for root in ROOTS:
        for path in sorted(root.rglob("*.py")):
            place = path.relative_to(root)
            if not set(place.parts) & set(NATIVE):
                files[place.as_posix()] = path.read_bytes()
    shaders = environment.ROOT / "shaders"
    for path in sorted(shaders.rglob("*.wgsl")):
        files[f"wgslm/shaders/{path.relative_to(shaders).as_posix()}"] = path.read_bytes()
    return files


def library_files() -> dict[str, bytes]:
    """Return the pure Python of the libraries that the tab needs, as `.venv` has it."""
    files = {}
    for name in libraries():
        for path in metadata.files(name) or ():
            if path.suffix == ".py" and path.as_posix() not in UNUSED_FILES:
                files[path.as_posix()] = Path(str(path.locate())).read_bytes()
    return dict(sorted(files.items()))


def libraries() -> list[str]:
    """Return the names of our dependencies and theirs, as they are for the tab's Python."""
    found: list[str] = []
    waiting = ["wgslm"]
    while waiting:
        for line in metadata.requires(waiting.pop()) or ():
            wanted = Requirement(line)
            name = canonicalize_name(wanted.name)
            applies = wanted.marker is None or wanted.marker.evaluate(dict(TAB))
            if applies and name not in (*found, *UNUSED_LIBRARIES):
                found.append(name)
                waiting.append(name)
    return sorted(found)


def imports(sources: Mapping[str, bytes], libraries: Mapping[str, bytes]) -> list[str]:
    """Return the modules from elsewhere that these sources import, wherever in them they do.

    Only what Pyodide's standard library or `libraries` can answer: not `js`, not `wgpu`.
    """
    answering = sys.stdlib_module_names | {path.split("/")[0] for path in libraries}
    names = set(LAZY_IMPORTS)
    for path, content in sources.items():
        if path.endswith(".py"):
            names |= _imported(ast.parse(content))
    return sorted(name for name in names if name.split(".")[0] in answering)


def is_unused_standard(path: str) -> bool:
    """Say whether this file of Pyodide's standard library can do nothing in a tab."""
    first, *rest = path.removesuffix("c").removesuffix(".py").split("/")
    return first in UNUSED_STANDARD or (first == "encodings" and rest[0] not in ENCODINGS)


def _imported(tree: ast.Module) -> set[str]:
    """Return the names that import statements mention, without those for the type checker only."""
    names: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
        waiting += ast.iter_child_nodes(node)
    return names
