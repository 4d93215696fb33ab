"""The set-up that `python build`, `python tests` and `python demo` share.

Knows how to get from any Python >= 3.11 to `.venv` with every pinned package in it. Until then it
runs on the standard library alone; so do its sibling `steps`. Imported from inside this folder,
because `import build.environment` finds PyPA's `build` once that is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

sys.modules["wgslm_build_environment"] = sys.modules[__name__]  # where `load`ed modules look
ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
REQUIREMENTS = BUILD / "requirements.txt"
PACKAGES = VENV / "packages-installed"  # stamps: each holds the hash of what it was made from
PROJECT = VENV / "project-installed"
RESTARTED = "WGSLM_RESTARTED_IN_VENV"  # set between an exec and its enter(), and nowhere else
OLDEST = (3, 11)


def enter() -> None:
    """Go on in the Python of `.venv`, after making it if it is missing or out of date."""
    if sys.version_info < OLDEST:
        sys.exit(f"Python 3.11 or newer is needed; this is Python {sys.version.split()[0]}")
    if not _is_made(PACKAGES) or not _is_made(PROJECT):
        with load("steps").locked(CACHE / "set-up.lock"):
            _set_up()
    is_second_try = os.environ.pop(RESTARTED, None) is not None
    if Path(sys.prefix).resolve() == VENV.resolve():
        return
    if is_second_try:
        sys.exit(
            f"{python()} belongs to {sys.prefix}, not to {VENV}: delete {VENV}, run this again"
        )
    os.environ[RESTARTED] = "1"
    command = [str(python()), *sys.orig_argv[1:]]
    if os.name == "nt":  # exec on Windows gives the prompt back before the program has ended
        sys.exit(subprocess.call(command))
    sys.stdout.flush()
    os.execv(command[0], command)


def load(name: str) -> ModuleType:
    """Load `build/<name>.py`, once."""
    known = f"wgslm_build_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, BUILD / f"{name}.py")
        assert spec and spec.loader, "a .py file always has a loader"
        module = importlib.util.module_from_spec(spec)
        sys.modules[known] = module
        spec.loader.exec_module(module)
    return sys.modules[known]


def python() -> Path:
    """Return the interpreter of `.venv`, whether or not it is there."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _is_made(stamp: Path) -> bool:
    return stamp.is_file() and python().exists() and stamp.read_text() == _wanted(stamp)


def _wanted(stamp: Path) -> str:
    """Hash what a part of `.venv` is made from: this Python, this place, one file."""
    source = REQUIREMENTS if stamp == PACKAGES else ROOT / "pyproject.toml"
    origin = f"{sys.version_info[:2]} {sys.platform} {ROOT}\n".encode()
    return hashlib.sha256(origin + source.read_bytes()).hexdigest()


def _set_up() -> None:
    """Make what is missing. A stamp is written last, so what was interrupted is made anew."""
    steps = load("steps")
    pip = [str(python()), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    if not _is_made(PACKAGES):
        _check_that_venv_works()
        count = sum("==" in line for line in REQUIREMENTS.read_text().splitlines())
        with steps.step("Making .venv"):
            base = getattr(sys, "_base_executable", None) or sys.executable
            steps.run([base, "-m", "venv", "--clear", str(VENV)])
        with steps.step(f"Installing {count} packages into .venv"):
            steps.run([*pip, "--requirement", str(REQUIREMENTS)])
        PACKAGES.write_text(_wanted(PACKAGES))
    if not _is_made(PROJECT):
        with steps.step("Installing wgslm into .venv"):
            steps.run([*pip, "--no-build-isolation", "--no-deps", "--editable", str(ROOT)])
        PROJECT.write_text(_wanted(PROJECT))


def _check_that_venv_works() -> None:
    """Debian and Ubuntu leave ensurepip out of python3; say or run what puts it back."""
    if importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    load("steps").apt_install("Python's venv module", [package])
