"""`python demo` as people type it, where there is no display."""

import subprocess
import sys
from pathlib import Path

import pytest

from setup_modules import ROOT, load

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "demo"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_demo_prints_an_answer_its_speed_and_the_adapter_and_saves_a_picture() -> None:
    picture: Path = load("bundle").DIST / "demo.png"
    picture.unlink(missing_ok=True)

    done = run_demo("--ask", "What is wgslm?")

    assert done.returncode == 0, done.stderr
    question, *answer, last = done.stdout.strip().splitlines()
    assert question == "> What is wgslm?"
    assert "".join(answer).strip()
    speed, _, adapter = last.rpartition(" · ")
    assert "tok/s" in speed and adapter
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_demo_says_what_the_page_says_about_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.gguf").write_text("not a model at all")

    done = run_demo("--ask", "Hello", "--model", str(tmp_path / "notes.gguf"))

    assert done.returncode == 1
    assert "GGUF" in done.stderr
    assert "Traceback" not in done.stderr


def test_demo_refuses_a_path_that_does_not_exist() -> None:
    done = run_demo("--ask", "Hello", "--model", "no/such.gguf")

    assert done.returncode == 1
    assert done.stderr == "no/such.gguf is no file; --model takes the path or URL of a GGUF file\n"
