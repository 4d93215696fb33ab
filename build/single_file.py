"""Makes `dist/wgslm.html`: the site in one file that is opened from disk by double click.

index.html with its styles inside, the page's modules joined into one script, and in inert blocks
(zlib, then base64) the workers' script, Pyodide, app.zip and the model. The same site makes the
same bytes: zlib's streams hold no time, and archives keep the order and dates of `archives`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build import environment, modules, steps
else:
    environment = sys.modules["wgslm_build_environment"]
    steps, modules = environment.load("steps"), environment.load("modules")

NAME = "wgslm.html"
SCRIPTS = environment.BUILD / "one_file"
WORKERS = ("worker.js", "engine/sources-keeper.js")
IMPORTED_BY_URL = ("pyodide/pyodide.asm.mjs",)  # pyodide.mjs puts the address together
FETCHED = {
    "pyodide/pyodide.asm.wasm": "application/wasm",  # WebAssembly streams nothing else
    "pyodide/python_stdlib.zip": "application/zip",
    "pyodide/pyodide-lock.json": "application/json",
    "app.zip": "application/zip",
}
# No 'self', which on file:// is nothing or every file. Against the site's policy two things are
# looser: workers come from blob:, and there is one more Trusted Types policy, for their address.
POLICY = (
    "default-src 'none'; script-src '{script}' 'wasm-unsafe-eval'; style-src '{style}'; "
    "connect-src http: https:; worker-src blob:; img-src data: blob:; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; "
    "trusted-types {types} wgslm-file"
)
NOTE = """<p class="note">This page is one file, opened from disk. It works offline but cannot be
installed. Chrome and Edge keep what you write and download in one storage (IndexedDB) for all such
pages, Firefox by the file's place. Models load from your files and from servers that allow every
page to read them; <code>wgslm serve</code> does if it has a key (<code>--api-key</code>).</p>"""
HEAD_NBYTES = 1000
END = b"</html>\n"
OUTSIDE = re.compile(r'\b(?:href|src)="(?!#|data:)[^"]*"')


def page(site: Mapping[str, bytes], before: Path) -> bytes:
    """Return the file that holds the whole site but bench.html; `before`, if the same made it."""
    inputs = f'<meta name="wgslm-inputs" content="{_digest(site)}">\n'
    try:
        made = before.read_bytes()
    except OSError:
        made = b""
    if inputs.encode() in made[:HEAD_NBYTES] and made.endswith(END):  # seconds of packing less
        return made
    return _pack(site, inputs)


def _pack(site: Mapping[str, bytes], inputs: str) -> bytes:
    script = _script("page.js", modules.join(site, ("app.js",)))
    text = site["index.html"].decode()
    sheets = re.findall(r'<link rel="stylesheet" href="\./([\w-]+\.css)">\n', text)
    style = "\n".join([site[name].decode() for name in sheets])
    style += (SCRIPTS / "page.css").read_text()
    if "url(" in style or "@import" in style:
        raise steps.SetUpError("a style sheet takes something from a file, which one file cannot")
    text = re.sub(r'<link rel="(?:stylesheet|manifest|apple-touch-icon)" [^>]*>\n', "", text)
    types = "".join(re.findall(r"; trusted-types ([\w\s-]+)[;\"]", text))
    policy = POLICY.format(script=_hash(script), style=_hash(style), types=types)
    pattern = r'(?<=<meta http-equiv="Content-Security-Policy" content=")[^"]*'
    text = _once(text, pattern, policy)
    name, model = _model(site)
    text = _once(text, r'(?<=<meta name="wgslm-default-model" content=")[^"]*', name)
    scripts = r'(?:<script type="module" src="\./(?:start|app)\.js"></script>\n)+'
    text = _once(text, scripts, f"<style>{style}</style>\n")
    text = _once(text, r' <a href="\./bench\.html">[^<]*</a>', "")
    licences = (
        '<button type="button" class="quiet small" popovertarget="licences">Licences</button>'
    )
    text = _once(text, r'<a href="\./vendor/licenses\.txt">[^<]*</a>', licences)
    text = _once(text, r"(?<=<head>\n)", inputs)
    text = _once(text, r"(?=  </footer>\n</aside>)", f"    {NOTE}\n")
    if outside := OUTSIDE.search(text):
        raise steps.SetUpError(f"index.html has {outside[0]}, which is not in the one file")
    end = "".join([_licences(site), *_parts(site, model), f"<script>{script}</script>\n"])
    return _once(text, r"(?=</body>)", end).encode()


def _script(name: str, joined: str) -> str:
    """Return a classic script: what runs modules, the modules, and what starts them."""
    runs, starts = ((SCRIPTS / file).read_text() for file in ("modules.js", name))
    return f'(() => {{\n"use strict";\n{runs}\n{joined}\n{starts}}})();\n'


def _parts(site: Mapping[str, bytes], model: bytes) -> Iterator[str]:
    """Yield the blocks that the page decodes."""
    worker = _script("worker.js", modules.join(site, (*WORKERS, *IMPORTED_BY_URL)))
    yield _part("worker", worker.encode(), "text/javascript")
    for name, content_type in FETCHED.items():
        content = _stored(site[name]) if name.endswith(".zip") else site[name]
        yield _part(name, content, content_type)
    if model:
        yield _part("model", model, "application/octet-stream")


def _part(name: str, content: bytes, content_type: str) -> str:
    packed = base64.b64encode(zlib.compress(content, 9)).decode()
    kind = f'type="text/plain" data-part="{name}" data-type="{content_type}"'
    return f"<script {kind}>{packed}</script>\n"


def _stored(archive: bytes) -> bytes:
    """Return a zip with the same files uncompressed: the whole packs better than each alone."""
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(stored, "w") as new:
        for entry in old.infolist():
            copy = zipfile.ZipInfo(entry.filename, entry.date_time)
            copy.create_system = 3  # on Windows it would be another
            new.writestr(copy, old.read(entry))
    return stored.getvalue()


def _model(site: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Return the name and the bytes of the embedded model; nothing where there is none."""
    found = [path for path in site if path.startswith("models/")]
    return (Path(found[0]).name, site[found[0]]) if found else ("", b"")


def _licences(site: Mapping[str, bytes]) -> str:
    text = html.escape(site["vendor/licenses.txt"].decode())
    return f'<pre id="licences" popover aria-label="Licences">{text}</pre>\n'


def _digest(site: Mapping[str, bytes]) -> str:
    """Name what goes in, the code that packs it included."""
    code = [SCRIPTS.parent / f"{module}.py" for module in ("single_file", "modules")]
    files = {path.name: path.read_bytes() for path in (*SCRIPTS.iterdir(), *code)}
    digest = hashlib.sha256()
    for name, content in sorted({**site, **files}.items()):
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _hash(text: str) -> str:
    """Name a script or style as a Content-Security-Policy does."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _once(text: str, pattern: str, replacement: str) -> str:
    """Replace what must be there exactly once."""
    changed, count = re.subn(pattern, lambda _: replacement, text)
    if count != 1:
        raise steps.SetUpError(f"index.html must have {pattern!r} once; it has it {count} times")
    return changed
