"""The site of dist/ as tests need it: with models beside it, and a log of what was asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from setup_modules import load


@dataclass
class Served:
    """A running site; what is put into `files` later is served too."""

    url: str
    files: dict[str, Path]  # by path: "/models/tiny.gguf"
    hosts: set[str]  # what the site may be called, with the port
    asked: list[tuple[str, str | None, int]] = field(default_factory=list)  # path, Range, status


@contextmanager
def serve(folder: Path, files: Mapping[str, Path]) -> Iterator[Served]:
    """Serve a folder, and files beside it, on a free port of this machine."""
    module = load("serve")
    with module.Site(folder, files) as site:
        served = Served(site.url, site.files, site.hosts)

        class Handler(module.Handler):  # type: ignore[name-defined,misc]
            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                served.asked.append((self.path, self.headers["Range"], int(code)))

        site.RequestHandlerClass = Handler
        yield served
