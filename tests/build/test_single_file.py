"""wgslm.html from a small site: what is in it, and that it is the same each time."""

import base64
import hashlib
import io
import re
import zipfile
import zlib
from pathlib import Path

import pytest

from setup_modules import load

single_file = load("single_file")
HTML = """<html>
<head>
<meta http-equiv="Content-Security-Policy" content="script-src 'self'; trusted-types one two">
<meta name="wgslm-default-model" content="models/m.gguf">
<link rel="icon" href="data:image/svg+xml,x">
<link rel="manifest" href="./manifest.webmanifest">
<link rel="stylesheet" href="./style.css">
<script type="module" src="./start.js"></script>
<script type="module" src="./app.js"></script>
</head>
<body>
<aside>
  <footer>
    <p>Hello. <a href="./bench.html">Measure</a> <a href="./vendor/licenses.txt">Licences</a></p>
  </footer>
</aside>
</body>
</html>
"""


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("a.py", (1980, 1, 1, 0, 0, 0)), b"a" * 100)
    return packed.getvalue()


@pytest.fixture
def site() -> dict[str, bytes]:
    return {
        "index.html": HTML.encode(),
        "app.js": b'import { carriedModel } from "./carried.js";\nconsole.log(carriedModel);',
        "carried.js": b"export const carriedModel = null;",
        "style.css": b"body { color: red }\n",
        "worker.js": b"",
        "engine/sources-keeper.js": b"",
        "pyodide/pyodide.asm.mjs": b"",
        "pyodide/pyodide.asm.wasm": b"\0asm",
        "pyodide/python_stdlib.zip": archive(),
        "pyodide/pyodide-lock.json": b"{}",
        "app.zip": archive(),
        "models/m.gguf": b"GGUF",
        "vendor/licenses.txt": b"<MIT>",
    }


def made(site: dict[str, bytes], before: Path = Path("nothing")) -> str:
    return bytes(single_file.page(site, before)).decode()


def parts(text: str) -> dict[str, bytes]:
    """Return what the page would decode."""
    found = re.findall(r'data-part="([^"]+)" data-type="[^"]+">([^<]*)</script>', text)
    return {name: zlib.decompress(base64.b64decode(packed)) for name, packed in found}


def test_same_site_makes_the_same_bytes(site: dict[str, bytes]) -> None:
    assert made(site) == made(dict(reversed(site.items())))
    assert made(site) != made({**site, "style.css": b""})


def test_policy_names_the_one_script_and_the_one_style(site: dict[str, bytes]) -> None:
    text = made(site)
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)

    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)

    assert policy and len(script) == len(style) == 1
    rules = dict(rule.split(" ", 1) for rule in policy[1].split("; "))
    assert rules["script-src"] == f"'{digest(script[0])}' 'wasm-unsafe-eval'"
    assert rules["style-src"] == f"'{digest(style[0])}'"
    assert rules["trusted-types"] == "one two wgslm-file"
    assert rules["require-trusted-types-for"] == "'script'"
    assert rules["default-src"] == "'none'"


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_parts_are_what_the_site_has(site: dict[str, bytes]) -> None:
    found = parts(made(site))

    assert found["pyodide/pyodide.asm.wasm"] == b"\0asm"
    assert found["model"] == b"GGUF"
    with zipfile.ZipFile(io.BytesIO(found["app.zip"])) as app:
        assert app.read("a.py") == b"a" * 100
        assert app.infolist()[0].compress_type == zipfile.ZIP_STORED
    assert '"engine/sources-keeper.js"' in found["worker"].decode()


def test_nothing_in_it_points_outside(site: dict[str, bytes]) -> None:
    text = made(site)

    assert re.findall(r'(?:href|src)="([^"]*)"', text) == ["data:image/svg+xml,x"]
    assert "&lt;MIT&gt;" in text
    assert 'content="m.gguf"' in text


def test_link_that_one_file_cannot_follow_is_refused(site: dict[str, bytes]) -> None:
    site["index.html"] = site["index.html"].replace(b"Hello.", b'<a href="./more.html">More</a>')

    with pytest.raises(SystemExit, match=r'href="\./more\.html", which is not in the one file'):
        made(site)


def test_site_without_a_model_makes_a_page_without_one(site: dict[str, bytes]) -> None:
    del site["models/m.gguf"]

    text = made(site)

    assert "model" not in parts(text)
    assert '<meta name="wgslm-default-model" content="">' in text


def test_what_the_same_site_made_before_is_taken_if_it_is_whole(
    site: dict[str, bytes], tmp_path: Path
) -> None:
    before = tmp_path / "wgslm.html"
    text = made(site)
    changed = text.replace("Hello", "Kept")
    before.write_text(changed)

    assert made(site, before) == changed
    before.write_text(changed[:-1])
    assert made(site, before) == text
