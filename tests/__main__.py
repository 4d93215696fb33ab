"""Run every check: `python tests`.

Knows which checks there are and their order; each is a tool of its own that can be run by hand.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build import environment
else:
    from setup_modules import load

    environment = load("environment")

CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
)
HELP = """Without arguments: ruff (rules, then format), mypy, import-linter, then pytest, the
end-to-end tests in Chromium included. With arguments: pytest with those, and nothing else, as in
`python tests -k gguf`; `-m long` runs what takes minutes each and is left out otherwise. Tests
that need a GPU skip where there is none, and fail where CI=true; tests that need the reference
data skip unless WGSLM_REFERENCE_DATA names its folder."""


def main() -> None:
    """Set up, check, and exit with 0 only if everything passed."""
    parser = argparse.ArgumentParser(
        prog="python tests", description=HELP, usage="python tests [-h] [pytest's arguments]"
    )
    _, chosen = parser.parse_known_args()
    environment.enter()
    # A shell's background job ignores Ctrl+C, and so would every program that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    machine = environment.load("machine")
    os.environ[machine.OVERRIDE] = str(machine.ensure_browser())
    machine.try_firefox()
    machine.ensure_gpu()
    if os.environ.get("CI") == "true":
        os.environ["REQUIRE_GPU"] = "1"
    failed = [] if chosen else [check for check in CHECKS if not _passes(check)]
    if not _passes(("pytest", *chosen)):
        failed.append(("pytest",))
    if failed:
        sys.exit("FAILED: " + ", ".join(" ".join(check[:2]) for check in failed))


def _passes(command: tuple[str, ...]) -> bool:
    """Run one tool of `.venv`, with its output as it comes."""
    print("$", *command, flush=True)
    program = environment.python().with_name(command[0])
    return subprocess.run([program, *command[1:]], cwd=environment.ROOT).returncode == 0


if __name__ == "__main__":
    main()
