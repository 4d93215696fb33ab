"""The import rule of the package, checked by import-linter over all modules."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_imports_point_back_along_the_data_flow() -> None:
    beside = Path(sys.executable).with_name("lint-imports")
    command = str(beside) if beside.is_file() else shutil.which("lint-imports")
    if command is None:
        pytest.fail("import-linter is not installed: pip install import-linter")
    paths = os.pathsep.join(("engine", "web"))

    done = subprocess.run(
        [command, "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
