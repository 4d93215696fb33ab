"""`wgslm bench`: like llama-bench, on a named adapter, from files or from random weights."""

import asyncio
import subprocess
from argparse import Namespace
from pathlib import Path

from wgslm.bench.report import facts, markdown
from wgslm.bench.suite import Settings, run_suite
from wgslm.cli.folders import notebook
from wgslm.cli.knobs import UsageError
from wgslm.cli.loading import locations
from wgslm.cli.terminal import note, printable, write_json
from wgslm.errors import RequestError


def bench(args: Namespace) -> None:
    """Measure everything that was asked for, and print it."""
    is_json = args.json or args.output == "json"
    models = locations(args)
    if not models:
        raise UsageError("there is nothing to measure: name a MODEL, or a --shape")
    try:
        settings = Settings(
            prefill=args.pp,
            decode=args.tg,
            depths=args.depth,
            repeat=args.repeat,
            context=args.context,
            adapter=args.adapter,
            has_kernels=args.kernels,
            variants=dict(args.variant),
            notebook=notebook(args),
        )
    except RequestError as error:
        raise UsageError(str(error)) from error
    found = facts(asyncio.run(run_suite(models, args.kv, settings, Notes())), _commit())
    if is_json:
        write_json(found)
    else:
        print(printable(markdown(found)), end="")


class Notes:
    """Tells people what is being done, once for each thing."""

    def __init__(self) -> None:
        """Begin with nothing told."""
        self._told = ""

    def __call__(self, text: str, done: float) -> None:
        """Tell it unless it was told last."""
        if text != self._told:
            self._told = text
            note(f"[{done:4.0%}] {text}")


def _commit() -> str | None:
    """Return the commit of this checkout, with "+" if files differ; None where there is none."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(root, "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
