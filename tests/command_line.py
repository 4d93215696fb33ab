"""Calls the `wgslm` command, in this process or in one of its own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wgslm.cli import main

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """What a call left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The only thing on stdout."""
        return json.loads(self.out)


def call(capsys: pytest.CaptureFixture[str], *argv: object) -> Outcome:
    """Run a command in this process."""
    capsys.readouterr()
    status = main([str(word) for word in argv])
    return Outcome(status, *capsys.readouterr())


def start(*argv: object, **environment: str) -> subprocess.Popen[str]:
    """Start a command in its own process, with pipes."""
    return subprocess.Popen(
        command(*argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environ(**environment),
    )


def command(*argv: object) -> list[str]:
    """Return the words that start a command in its own process."""
    return [sys.executable, "-m", "wgslm", *map(str, argv)]


def environ(**changes: str) -> dict[str, str]:
    """Return an environment in which this checkout is what is run."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("engine", "web"))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1", **changes}


@contextmanager
def killed_after(process: subprocess.Popen[str], seconds: float) -> Iterator[None]:
    """Kill a process that has not said what it should by then, so that reading its pipe ends."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def finish(process: subprocess.Popen[str], timeout: float = 60) -> Outcome:
    """Wait for a process to end."""
    out, err = process.communicate(timeout=timeout)
    return Outcome(process.returncode, out, err)
