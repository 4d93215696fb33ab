"""How the set-up does things and says so: steps with seconds, commands, apt, one at a time.

Standard library only, on every system. Progress goes to stderr.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

TICK_SECONDS = 1.0
LOG_LINES = 25


class SetUpError(SystemExit):
    """Something is missing and could not be installed; uncaught, it ends the program politely."""


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Show `what` and its seconds: a running line in a terminal, else a line at each end."""
    started = time.monotonic()
    ended = threading.Event()
    live = sys.stderr.isatty()

    def say(end: str) -> None:
        seconds = time.monotonic() - started
        print(f"{what} … {seconds:.0f} s", end=end, file=sys.stderr, flush=True)

    def tick() -> None:
        while not ended.wait(TICK_SECONDS):
            say("\r")

    ticker = threading.Thread(target=tick, daemon=True)
    if live:
        ticker.start()
    else:
        print(f"{what} …", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        ended.set()
        if live:
            ticker.join()
        say("\n")


def run(command: Sequence[str], cwd: Path | None = None) -> str:
    """Run a command quietly and return its output; when it fails, raise with its last lines."""
    try:
        done = subprocess.run(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError as error:
        raise SetUpError(f"{command[0]} could not be started: {error}") from error
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-LOG_LINES:])
        raise SetUpError(f"{' '.join(command)}\nfailed with exit code {done.returncode}:\n{tail}")
    return done.stdout


def apt_install(what: str, packages: Sequence[str]) -> None:
    """Install Debian packages when this is root on Debian or Ubuntu, else say what to type."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    typed = f"apt-get install {' '.join(packages)}"
    if not shutil.which("apt-get"):
        raise SetUpError(f"{what} is missing: install it (on Debian or Ubuntu: sudo {typed})")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise SetUpError(f"{what} is missing; run: sudo {typed}")
    os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
    with step(f"Installing {what} ({typed})"):
        run(["apt-get", "update"])
        run(command)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an advisory lock; the system frees it even when this process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        if sys.platform == "win32":
            import msvcrt

            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:  # it gives up after ten tries, one a second
                    continue
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
