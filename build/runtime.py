"""What `dist/` takes from others: Pyodide and the page's libraries, pinned byte for byte.

They come from npm (`package-lock.json` pins the packages) or, where there is no npm, from the CDN
that Pyodide documents. The checksums here hold for both.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build import environment, steps
else:
    environment = sys.modules["wgslm_build_environment"]
    steps = environment.load("steps")

PINS = environment.BUILD / "package.json"
STORE = environment.CACHE / "npm"
CDN = "https://cdn.jsdelivr.net"
TIMEOUT_SECONDS = 60
# What loadPyodide checks in its lock file; the list of a few hundred packages there is not for us.
LOCK_INFO = {
    "abi_version": "2026_0",
    "arch": "wasm32",
    "platform": "emscripten_5_0_3",
    "python": "3.14.2",
}


@dataclass(frozen=True)
class File:
    """One file of an npm package: where it is in the package, and its checksum."""

    package: str
    path: str
    sha256: str

    def url(self, version: str) -> str:
        """Return the file's place on the CDN."""
        if self.package == "pyodide":
            return f"{CDN}/pyodide/v{version}/full/{self.path}"
        return f"{CDN}/npm/{self.package}@{version}/{self.path}"


FILES: Mapping[str, File] = {
    "pyodide.mjs": File(
        "pyodide", "pyodide.mjs",
        "6f1d60f7bf529beb300f0f47983c921d3982363640ba20af0e38efdddbc66109",
    ),
    "pyodide.asm.mjs": File(
        "pyodide", "pyodide.asm.mjs",
        "f7cdc8ece80678ceb712f8e65ebe6d3a83203a180c399865f49612a051693635",
    ),
    "pyodide.asm.wasm": File(
        "pyodide", "pyodide.asm.wasm",
        "cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6",
    ),
    "python_stdlib.zip": File(
        "pyodide", "python_stdlib.zip",
        "fa1957e5777068fc4f7437f96d860ae2fbe9c19732ba06c84e004ec16dd7dd7a",
    ),
    "marked.js": File(
        "marked", "lib/marked.esm.js",
        "5371fea86fd0656b4fc7bea7c94c663109d82789b69433eeee78d42895aa44de",
    ),
    "marked.txt": File(
        "marked", "LICENSE",
        "8e3a3f82f59a60958f56ca08f445647c32a4733dc7ca6c2c46f6eb898471ab9c",
    ),
    "purify.js": File(
        "dompurify", "dist/purify.es.mjs",
        "1a06b721ad8b46d6174b21f22ea70290aaf3e5a81d65af3b7178113953f7c9b1",
    ),
    "purify.txt": File(
        "dompurify", "LICENSE",
        "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30",
    ),
    "highlight.js": File(
        "@highlightjs/cdn-assets", "es/highlight.min.js",
        "1ed8fc5256b738b8875b74e4d3f0754f60d6411fb034d618dfbc4e6e6c9999d7",
    ),
    "highlight.txt": File(
        "@highlightjs/cdn-assets", "LICENSE",
        "6c081431591d9df696c82dc598fe1423765b8a299b200ed00b281afd0f64c490",
    ),
    "temml.js": File(
        "temml", "dist/temml.min.js",
        "1ab19148afe0dbc836b7a74f344071b3f3a70a7a8259ae4049e76894fcdf8d95",
    ),
    "temml.txt": File(
        "temml", "LICENSE",
        "12b4e5592a12baaf50637881f2cb9d66667b26b8d51a73cd8f0d6bcefe176ab6",
    ),
}  # fmt: skip

# What only the tests take.
TEST_FILES: Mapping[str, File] = {
    "axe.js": File(
        "axe-core", "axe.min.js",
        "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
    ),
}  # fmt: skip


def ensure_files(files: Mapping[str, File] | None = None) -> dict[str, Path]:
    """Return every file (of FILES, if not told) by its name here, each with the right checksum."""
    wanted = FILES if files is None else files
    if not all(_is_right(name, file) for name, file in wanted.items()):
        STORE.mkdir(parents=True, exist_ok=True)
        with steps.locked(STORE.with_suffix(".lock")):
            _from_npm(wanted) if shutil.which("npm") else _from_cdn(wanted)
    return {name: STORE / name for name in wanted}


def ensure_package(name: str) -> Path:
    """Return the folder of a whole npm package that only tests take, as the lock file pins it."""
    folder = STORE / "node_modules" / name
    manifest = folder / "package.json"
    is_there = manifest.is_file() and json.loads(manifest.read_text())["version"]
    if is_there != versions()[name]:
        if not shutil.which("npm"):
            raise steps.SetUpError(f"npm is missing, through which the tests take {name}")
        STORE.mkdir(parents=True, exist_ok=True)
        with steps.locked(STORE.with_suffix(".lock")):
            _npm_install(["--include=dev"])
    return folder


def versions() -> dict[str, str]:
    """Return the pinned version of each package."""
    pins = json.loads(PINS.read_text())
    return {**pins["dependencies"], **pins["devDependencies"]}


def _is_right(name: str, file: File) -> bool:
    path = STORE / name
    return path.is_file() and _digest(path.read_bytes()) == file.sha256


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _from_npm(files: Mapping[str, File]) -> None:
    """Let npm install the locked packages and take our files; a build needs none of the tests'."""
    _npm_install(["--omit=dev"] if set(files) <= set(FILES) else ["--include=dev"])
    for name, file in files.items():
        source = STORE / "node_modules" / file.package / file.path
        _keep(name, file, source.read_bytes(), f"npm's {file.package}/{file.path}")


def _npm_install(options: list[str]) -> None:
    """Install the locked packages, without running their scripts."""
    npm = str(shutil.which("npm"))
    for name in (PINS.name, "package-lock.json"):
        shutil.copyfile(PINS.parent / name, STORE / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *options]
    with steps.step("Getting Pyodide and the page's libraries through npm"):
        steps.run(command, cwd=STORE)


def _from_cdn(files: Mapping[str, File]) -> None:
    for name, file in files.items():
        url = file.url(versions()[file.package])
        with steps.step(f"Getting {url}"):
            try:
                with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
                    content = response.read()
            except (urllib.error.URLError, OSError) as error:
                raise steps.SetUpError(
                    f"{url} could not be fetched ({error}); check the network, "
                    "or install npm (Node.js 18 or newer) and run this again"
                ) from error
        _keep(name, file, content, url)


def _keep(name: str, file: File, content: bytes, origin: str) -> None:
    digest = _digest(content)
    if digest != file.sha256:
        raise steps.SetUpError(
            f"{origin} has SHA-256 {digest}; it must be {file.sha256} "
            f"(pinned in {Path(__file__).name})"
        )
    part = STORE / f"{name}.part"
    part.write_bytes(content)
    part.replace(STORE / name)
