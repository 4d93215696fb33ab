"""Writes `dist/`: a static site that needs nothing but a web server.

index.html, style.css, *.js    web/wgslm_web/page/, the worker among them
engine/gpu-browser.js ...      the .js of engine/wgslm, by folder and name
vendor/                        the page's libraries as ES modules; licenses.txt beside them
pyodide/                       indexURL of loadPyodide
app.zip                        what the tab imports from: our Python, its libraries, the shaders
models/                        the model of demo/model, which index.html then names
wgslm.html                     all of this but bench.html in one file, to be opened from disk
embed.html                     demo/embed.html: the engine in other people's pages
icon-*.png, service-worker.js  made for installing, and for starting without a network
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build import archives, environment, offline, runtime, single_file, steps, tab_files
else:
    environment = sys.modules["wgslm_build_environment"]
    steps = environment.load("steps")
    runtime, tab_files = environment.load("runtime"), environment.load("tab_files")
    archives, single_file = environment.load("archives"), environment.load("single_file")
    offline = environment.load("offline")

DIST = environment.ROOT / "dist"
PAGE = environment.ROOT / "web/wgslm_web/page"
ENGINE = environment.ROOT / "engine/wgslm"
MODELS = environment.ROOT / "demo/model"
EXAMPLE = environment.ROOT / "demo/embed.html"
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
LICENSED = ("marked", "purify", "highlight", "temml")  # <name>.js of the page and its <name>.txt
NO_MODEL = '<meta name="wgslm-default-model" content="">'
ANY_MODEL = '"./models/model.gguf"'  # in the example
LEFT_ALONE = ("demo.png",)  # written by `python demo`


def build() -> None:
    """Make `dist/` hold exactly what the sources say; what has not changed stays untouched."""
    with steps.locked(environment.CACHE / "build.lock"):
        site = site_files()
        site[single_file.NAME] = single_file.page(site, DIST / single_file.NAME)
        _write(site)


def site_files() -> dict[str, bytes]:
    """Return every file of the site by its path in `dist/`."""
    taken = {name: path.read_bytes() for name, path in runtime.ensure_files().items()}
    lock = json.dumps({"info": runtime.LOCK_INFO, "packages": {}}).encode()
    site = {f"pyodide/{name}": taken[name] for name in PYODIDE}
    site["pyodide/pyodide-lock.json"] = lock
    pyodide = {**{name: taken[name] for name in PYODIDE}, "pyodide-lock.json": lock}
    site["pyodide/python_stdlib.zip"], site["app.zip"] = archives.python_archives(pyodide)
    site |= {f"vendor/{name}.js": taken[f"{name}.js"] for name in LICENSED}
    site["vendor/temml.js"] += b"\nexport default temml;\n"  # its small file is a plain script
    site["vendor/licenses.txt"] = _licenses(taken).encode()
    for path in sorted(PAGE.rglob("*")):
        if path.is_file():
            site[path.relative_to(PAGE).as_posix()] = path.read_bytes()
    for path in sorted(ENGINE.glob("*/*.js")):
        site[f"engine/{path.parent.name}-{path.name}"] = path.read_bytes()
    site["embed.html"] = EXAMPLE.read_bytes()
    site |= offline.icons(site["index.html"])
    _embed_model(site)
    offline.seal(site)
    return site


def sizes() -> str:
    """Return a table of what `dist/` holds and what that is over the wire."""
    lines, whole = [f"{'raw':>10} {'gzip':>10}"], [0, 0]
    for path in sorted(path for path in DIST.rglob("*") if path.is_file()):
        name = path.relative_to(DIST).as_posix()
        if name in LEFT_ALONE:
            continue
        content = path.read_bytes()
        is_apart = name.startswith("models/") or name == single_file.NAME
        zipped = len(content) if is_apart else len(gzip.compress(content))
        lines.append(f"{len(content):10,d} {zipped:10,d}  {name}")
        if not is_apart:
            whole = [whole[0] + len(content), whole[1] + zipped]
    lines.append(
        f"{whole[0]:10,d} {whole[1]:10,d}  in all, without the model and {single_file.NAME}"
    )
    return "\n".join(lines)


def _write(wanted: Mapping[str, bytes]) -> None:
    for name, content in wanted.items():
        path = DIST / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in sorted(DIST.rglob("*"), reverse=True):
        name = path.relative_to(DIST).as_posix()
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and name not in wanted and name not in LEFT_ALONE:
            path.unlink()


def _embed_model(site: dict[str, bytes]) -> None:
    """Put the model of demo/model in, if there is one, and let index.html name it."""
    found = sorted(MODELS.glob("*.gguf"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise steps.SetUpError(f"demo/model holds {names}; the page embeds one model")
    if not found:
        print("demo/model holds no .gguf file: the page starts without a model", file=sys.stderr)
        return
    page, url = site["index.html"].decode(), f"models/{found[0].name}"
    if page.count(NO_MODEL) != 1:
        raise steps.SetUpError(f"index.html must have {NO_MODEL!r} once, to be filled in")
    site[url] = found[0].read_bytes()
    pinned = (
        f"{url}#sha256={hashlib.sha256(site[url]).hexdigest()}"  # kept, it is asked for no more
    )
    site["index.html"] = page.replace(NO_MODEL, NO_MODEL.replace('""', f'"{pinned}"')).encode()
    example = site["embed.html"].decode().replace(ANY_MODEL, f'"./{url}"')
    site["embed.html"] = example.encode()


def _licenses(taken: Mapping[str, bytes]) -> str:
    """Return what the licences of the bundled software ask to be passed on."""
    pins = runtime.versions()
    parts = [
        f"Pyodide {pins['pyodide']} is under the Mozilla Public License 2.0; its source is at\n"
        "https://github.com/pyodide/pyodide. CPython, inside it, is under the PSF License; its\n"
        "source is at https://github.com/python/cpython.\n"
    ]
    for name in LICENSED:
        package = runtime.FILES[f"{name}.js"].package
        parts.append(f"{package} {pins[package]}\n\n{taken[f'{name}.txt'].decode()}")
    for library in tab_files.libraries():
        for path in metadata.files(library) or ():
            if "license" in path.name.lower() and path.suffix != ".py":
                text = Path(str(path.locate())).read_text()
                parts.append(f"{library} {metadata.version(library)}\n\n{text}")
    return f"\n{'-' * 78}\n\n".join(parts)
