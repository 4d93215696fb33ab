"""What people see: text without control characters, tables, notes, a load's progress."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wgslm.errors import RequestError

if TYPE_CHECKING:
    from wgslm.engine import Progress

CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
CONTROLS |= {ord("\n"): "\n", ord("\t"): "\t", ord("\r"): ""}
STAGES = {
    "opening": "opening",
    "header": "reading the header",
    "tokenizer": "reading the vocabulary",
    "compiling": "preparing the GPU",
    "weights": "loading",
    "ready": "ready",
}


def printable(text: str) -> str:
    """Return a text whose control characters are shown, so that no file can steer a terminal."""
    return text.translate(CONTROLS)


def read_text(text: str) -> str:
    """Return a text as it was typed; "-" stands for what stdin says."""
    return sys.stdin.read() if text == "-" else text


def read_file(path: str) -> str:
    """Return the text of a file in UTF-8, with or without the mark that some editors begin with."""
    try:
        return Path(path).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        raise RequestError(
            f"{path} is no text in UTF-8: byte {error.start:,} is 0x{wrong:02x}", "file"
        ) from error


def write(text: str) -> None:
    """Write a piece of an answer at once; as it is, unless a terminal shows it."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def write_thought(text: str) -> None:
    """Write a piece of what a model thinks, which is no result, at once."""
    sys.stderr.write(printable(text) if sys.stderr.isatty() else text)
    sys.stderr.flush()


def write_json(value: object) -> None:
    """Write a result for programs."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))


def note(text: str) -> None:
    """Tell people something that is no result."""
    print(printable(text), file=sys.stderr, flush=True)


def note_unless_json(text: str, *, is_json: bool) -> None:
    """Tell people something; a program that asked for JSON gets it only on a terminal."""
    if not is_json or sys.stderr.isatty():
        note(text)


def table(rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> str:
    """Return rows as aligned columns; those whose index is in `right` end flush."""
    cells = [[printable(str(cell)).replace("\n", "\\n") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def size(nbytes: float) -> str:
    """Return bytes for people: 1.2 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} {unit}" if unit == "bytes" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} TB"


def count(number: float) -> str:
    """Return a large number for people: 134.5 M."""
    for unit in ("", " k", " M"):
        if number < 1000:
            return f"{number:.4g}{unit}"
        number /= 1000
    return f"{number:.4g} G"


@contextmanager
def load_progress() -> Iterator[Callable[["Progress"], None]]:
    """Show a load's stage, bytes, speed and seconds on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeElapsedColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("opening", total=None)

        def show(progress: "Progress") -> None:
            bar.update(
                task,
                description=STAGES[progress.stage],
                completed=progress.done,
                total=progress.total or None,
            )

        yield show
