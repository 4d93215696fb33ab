"""What is written to dist/."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from setup_modules import load

archives, bundle = load("archives"), load("bundle")


def test_same_files_make_the_same_archive() -> None:
    one = archives._pack({"a.py": b"a", "b.py": b"b"})
    other = archives._pack({"b.py": b"b", "a.py": b"a"})

    assert one == other
    assert zipfile.ZipFile(io.BytesIO(one)).namelist() == ["a.py", "b.py"]


def test_without_a_browser_the_sources_are_packed_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise archives.steps.SetUpError("a browser is missing")

    monkeypatch.setattr(archives, "STORE", tmp_path)
    monkeypatch.setattr(archives.machine, "ensure_browser", refuse)
    pyodide = {"python_stdlib.zip": archives._pack({"json/__init__.py": b"", "pdb.py": b""})}

    standard, app = archives.python_archives(pyodide)

    assert list(archives._unpack(standard)) == ["json/__init__.py"]
    assert not [path for path in archives._unpack(app) if path.endswith(".pyc")]
    assert "No bytecode" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_build_writes_what_changed_and_removes_what_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "DIST", tmp_path)
    bundle._write({"a/b.js": b"1", "c.js": b"2"})
    (tmp_path / "demo.png").write_bytes(b"kept")
    written = (tmp_path / "c.js").stat().st_mtime_ns

    bundle._write({"c.js": b"2", "d.js": b"3"})

    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.js", "d.js", "demo.png"]
    assert (tmp_path / "c.js").stat().st_mtime_ns == written


def test_page_names_the_embedded_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(bundle, "MODELS", tmp_path)
    site = {"index.html": bundle.NO_MODEL.encode(), "embed.html": b'load("./models/model.gguf")'}

    bundle._embed_model(site)

    pin = f"#sha256={hashlib.sha256(b'GGUF').hexdigest()}"
    assert site == {
        "embed.html": b'load("./models/tiny.gguf")',
        "index.html": f'<meta name="wgslm-default-model" content="models/tiny.gguf{pin}">'.encode(),
        "models/tiny.gguf": b"GGUF",
    }


def test_page_without_a_place_for_the_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(bundle, "MODELS", tmp_path)

    with pytest.raises(SystemExit, match=r"index.html must have"):
        bundle._embed_model({"index.html": b"<html>"})


def test_licences_of_all_that_the_page_takes_are_passed_on() -> None:
    runtime = load("runtime")
    taken = {name: path.read_bytes() for name, path in runtime.ensure_files().items()}
    pins = json.loads(runtime.PINS.read_text())["dependencies"]

    text = bundle._licenses(taken)

    assert len(pins) >= 5
    for package, version in pins.items():
        assert f"{package} {version}".lower() in text.lower()
    assert "Copyright (c) 2006, Ivan Sagalaev" in text  # highlight.js
