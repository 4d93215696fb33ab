"""Packs the tab's Python: its standard library, and everything else as one app.zip.

One archive instead of wheels: one request, nothing to resolve, room for bytecode, and markupsafe
has no pure-Python wheel to take. Kept in .cache/ by what it was made from.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build import bytecode, environment, machine, steps, tab_files
else:
    environment = sys.modules["wgslm_build_environment"]
    steps, machine = environment.load("steps"), environment.load("machine")
    tab_files, bytecode = environment.load("tab_files"), environment.load("bytecode")

STORE = environment.CACHE / "python"
KEPT = 4
OLD = (1980, 1, 1, 0, 0, 0)  # the same bytes from the same files, whenever they are packed
CODE = ("archives.py", "bytecode.py", "tab_files.py", "in_tab.py", "in_tab.js")  # what decides them


def python_archives(pyodide: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """Return the standard library's archive and app.zip, with bytecode if there is a Chromium."""
    ours, libraries = tab_files.our_files(), tab_files.library_files()
    kept = STORE / _key(pyodide, {**libraries, **ours})
    if not kept.is_dir():
        try:
            browser = machine.ensure_browser()
        except steps.SetUpError as error:
            print(f"No bytecode, so the page starts 1-2 s later. {error}", file=sys.stderr)
            return _pack(_used(_unpack(pyodide["python_stdlib.zip"]))), _pack({**libraries, **ours})
        standard, app = _compiled(pyodide, ours, libraries, browser)
        _keep(kept, _pack(_used(standard)), _pack(app))
    return (kept / "python_stdlib.zip").read_bytes(), (kept / "app.zip").read_bytes()


def _compiled(
    pyodide: Mapping[str, bytes],
    ours: Mapping[str, bytes],
    libraries: Mapping[str, bytes],
    browser: Path,
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files of both archives, with bytecode for what a boot imports."""
    standard, app = _unpack(pyodide["python_stdlib.zip"]), {**libraries, **ours}
    wanted = {
        "imports": tab_files.imports(ours, libraries),
        "ours": tab_files.OURS,
        "files": [path for path in app if path.endswith(".py")],
    }
    inputs = {**pyodide, "app.zip": _pack(app), "imports.json": json.dumps(wanted).encode()}
    for name, code in bytecode.compile_in_tab(inputs, browser).items():
        kind, _, path = name.partition("/")
        source = path.removesuffix("c")
        if kind == "standard":
            del standard[source]
            standard[path] = code
        else:
            if path.split("/")[0] not in tab_files.SOURCE_IS_READ:
                del app[source]
            app[path] = code
    return standard, app


def _used(standard: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        path: content
        for path, content in standard.items()
        if not tab_files.is_unused_standard(path)
    }


def _unpack(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {name: packed.read(name) for name in packed.namelist() if name[-1] != "/"}


def _pack(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(path, OLD)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=9)
    return packed.getvalue()


def _key(*groups: Mapping[str, bytes]) -> str:
    """Name what goes in, the code that packs it included."""
    code = {name: (environment.BUILD / name).read_bytes() for name in CODE}
    digest = hashlib.sha256()
    for group in (*groups, code):
        for name, content in sorted(group.items()):
            digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def _keep(kept: Path, standard: bytes, app: bytes) -> None:
    """Store both archives at once, and forget the oldest pairs."""
    part = kept.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)
    (part / "python_stdlib.zip").write_bytes(standard)
    (part / "app.zip").write_bytes(app)
    part.replace(kept)
    pairs = sorted(STORE.iterdir(), key=lambda path: path.stat().st_mtime)
    for old in pairs[:-KEPT]:
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
