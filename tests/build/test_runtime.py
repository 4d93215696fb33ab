"""Pinned files from npm or the CDN."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from setup_modules import ROOT, load

runtime = load("runtime")


@pytest.fixture
def cdn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No npm and an empty cache; a folder stands for the CDN, with one small file to take."""
    content = b"export const x = 1;\n"
    digest = hashlib.sha256(content).hexdigest()
    place = tmp_path / "cdn/pyodide/v314.0.7/full/pyodide.mjs"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    file = runtime.File("pyodide", "pyodide.mjs", digest)
    monkeypatch.setattr(runtime, "CDN", (tmp_path / "cdn").as_uri())
    monkeypatch.setattr(runtime, "STORE", tmp_path / "store")
    monkeypatch.setattr(runtime, "FILES", {"pyodide.mjs": file})
    monkeypatch.setattr(runtime.shutil, "which", lambda name: None)
    return place


def test_files_come_from_the_cdn_where_there_is_no_npm(cdn: Path) -> None:
    files = runtime.ensure_files()

    assert files["pyodide.mjs"].read_bytes() == cdn.read_bytes()


def test_second_time_asks_nobody(cdn: Path) -> None:
    runtime.ensure_files()
    cdn.unlink()

    assert runtime.ensure_files()["pyodide.mjs"].is_file()


def test_damaged_copy_is_fetched_again(cdn: Path) -> None:
    runtime.ensure_files()["pyodide.mjs"].write_bytes(b"damaged")

    assert runtime.ensure_files()["pyodide.mjs"].read_bytes() == cdn.read_bytes()


def test_other_bytes_are_refused(cdn: Path) -> None:
    cdn.write_bytes(b"something else")

    with pytest.raises(SystemExit, match=r"has SHA-256 .*; it must be"):
        runtime.ensure_files()


def test_unreachable_cdn_is_a_sentence(cdn: Path) -> None:
    cdn.unlink()

    with pytest.raises(SystemExit, match=r"could not be fetched .*install npm"):
        runtime.ensure_files()


def test_lock_file_pins_every_npm_package_by_hash_and_names_no_host() -> None:
    lock = json.loads((ROOT / "build/package-lock.json").read_text())

    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())
    for name, version in runtime.versions().items():
        assert packages[f"node_modules/{name}"]["version"] == version


def test_every_python_package_is_pinned() -> None:
    lines = (ROOT / "build/requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    direct = (ROOT / "build/requirements.in").read_text().splitlines()

    assert all(re.match(r"[\w.-]+==[\w.]+( ; .*)?$", line) for line in wanted)
    names = {line.split("==")[0] for line in wanted}
    assert {re.split("==", line)[0].replace("_", "-") for line in direct if line[0] != "#"} <= names
