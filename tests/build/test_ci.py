"""What `.ci/run` makes mandatory before it hands over to `python tests`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from setup_modules import ROOT

SHOW = """import os, sys
print(os.environ["WGSLM_REFERENCE_DATA"], os.environ["REQUIRE_GPU"], *sys.argv[1:])
"""
pytestmark = pytest.mark.skipif(os.name != "posix", reason="CI's script is for bash")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose tests only show what they were given."""
    folder = tmp_path / "checkout"
    (folder / ".ci").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "tests/__main__.py").write_text(SHOW)
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    return folder


def ci(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = ["bash", str(checkout / ".ci/run"), *arguments]
    return subprocess.run(command, cwd="/", env=kept, capture_output=True, text=True, timeout=60)


def test_ci_requires_a_gpu_and_names_the_reference_data_absolutely(checkout: Path) -> None:
    data = checkout.parent / "shared/data"
    data.mkdir(parents=True)

    done = ci(checkout, "-k", "gguf")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{data} 1 -k gguf\n"


def test_ci_without_the_reference_data_fails_with_a_sentence(checkout: Path) -> None:
    done = ci(checkout)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "The reference data is absent: ../shared/data must be a folder, and is not\n"
    )
