"""The command line: results on stdout, everything else on stderr, one line per error.

A command's module is imported when it runs, so that `wgslm --help` is quick.
"""

import importlib
import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from wgslm.cli.arguments import parse
from wgslm.cli.knobs import UsageError
from wgslm.errors import WgslmError

DONE, FAILED, USAGE = 0, 1, 2
INTERRUPTED = 130  # as a shell reports SIGINT
NO_READER = 141  # as a shell reports SIGPIPE: `wgslm run ... | head`
# What may be missing where only the engine was installed.
OPTIONAL = (
    "jinja2",
    "wgpu",
    "httpx",
    "uvicorn",
    "starlette",
    "rich",
    "prompt_toolkit",
    "wgslm_web",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (default: the process's) names; return its exit status."""
    _tolerate_any_text()
    try:
        status = _status(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_stdout()
        return NO_READER


def _status(argv: Sequence[str]) -> int:
    command = "wgslm"
    try:
        args = parse(argv)
        command = f"wgslm {args.command}"
        _command(args.command)(args)
        return DONE
    except SystemExit as stop:  # argparse: 0 after --help, 2 after its own message
        return stop.code if isinstance(stop.code, int) else FAILED
    except BrokenPipeError:
        raise
    except UsageError as error:
        _complain(command, f"{error} (see {command} --help)")
        return USAGE
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in OPTIONAL:
            raise
        _complain(command, f"{error.name} is not installed; pip install 'wgslm[native]' brings it")
        return FAILED
    except (WgslmError, OSError) as error:
        _complain(command, str(error))
        return FAILED


def _command(name: str) -> Callable[[Namespace], None]:
    function: Callable[[Namespace], None]
    function = getattr(importlib.import_module(f"wgslm.cli.{name}"), name)
    return function


def _complain(command: str, message: str) -> None:
    from wgslm.cli.terminal import printable

    print(f"{command}: {printable(' '.join(message.split()))}", file=sys.stderr)


def _tolerate_any_text() -> None:
    """Escape what a stream's encoding cannot write, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")


def _drop_stdout() -> None:
    """Send what is still buffered nowhere: the interpreter would flush it at exit and complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass  # stdout is no file of the system's
