"""What `python demo` refuses before it sets anything up."""

import subprocess
import sys

import pytest

from setup_modules import ROOT


@pytest.mark.parametrize("option", ["--ask", "--model"])
@pytest.mark.parametrize("text", ["", " "])
def test_empty_option_is_wrong_usage(option: str, text: str) -> None:
    command = [sys.executable, str(ROOT / "demo"), option, text]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == (
        f"python demo: error: argument {option}: "
        "it is empty; leave the option out to use the default"
    )
