"""Chat in a browser tab: `python demo` sets up, builds dist/, serves it and opens the page.

Where there is no display, or with --ask, a headless browser asks one question through the page.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from build import environment, machine, serve
else:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "build"))
    import environment

    del sys.path[0]

QUESTION = "What is wgslm?"
PORT = 8137  # always the same, so that the page finds again what it stored for its origin


def main() -> None:
    """Do the main job with as little as possible to type."""
    arguments = _parser().parse_args()
    environment.enter()
    files, model = _model(arguments.model) if arguments.model else ({}, None)
    adapter = environment.load("machine").try_gpu()
    bundle = environment.load("bundle")
    bundle.build()
    with _site(bundle.DIST, files, arguments.port) as site:
        url = site.url
        if model:
            url += "?model=" + quote(model if "://" in model else site.url + model, safe="")
        if arguments.ask is None and _has_display() and webbrowser.open(url):
            print(f"wgslm is at {url} (Ctrl+C ends it)", flush=True)
            _wait()
        else:
            _ask(url, arguments.ask or QUESTION, adapter, bundle.DIST / "demo.png")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python demo", description=(__doc__ or "").split(":")[0])
    parser.add_argument(
        "--ask",
        type=_filled,
        metavar="TEXT",
        help="ask this in a headless browser, print the answer and end",
    )
    parser.add_argument(
        "--model",
        type=_filled,
        metavar="PATH_OR_URL",
        help="a GGUF file; else the embedded one",
    )
    parser.add_argument(
        "--port", type=int, help=f"serve on this port of 127.0.0.1 (else {PORT} or a free one)"
    )
    return parser


def _filled(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; leave the option out to use the default")
    return text


def _model(location: str) -> tuple[dict[str, Path], str]:
    """Return what to serve for a model, and its address: a URL, or a path on this site."""
    if location.startswith(("http://", "https://")):
        return {}, location
    from wgslm.sources.parts import all_parts, part_of

    part = part_of(location)
    places = [Path(each.location) for each in all_parts(part)] if part else [Path(location)]
    for place in places:
        if not place.is_file():
            sys.exit(f"{place} is no file; --model takes the path or URL of a GGUF file")
    files = {f"/models/{place.name}": place.resolve() for place in places}
    return files, f"models/{quote(Path(location).name)}"


def _site(folder: Path, files: dict[str, Path], port: int | None) -> serve.Site:
    """Listen on the port that was asked for; else on the usual one, or a free one."""
    make = environment.load("serve").Site
    try:
        site: serve.Site = make(folder, files, PORT if port is None else port)
    except (OSError, OverflowError) as error:
        if port is not None:
            sys.exit(f"Port {port} cannot be used: {error}")
        site = make(folder, files, 0)
    return site


def _ask(url: str, question: str, adapter: machine.Adapter | None, picture: Path) -> None:
    machine = environment.load("machine")
    browser, flags = machine.ensure_browser(), machine.browser_flags(adapter)
    if TYPE_CHECKING:
        from demo import page
    else:
        import page
    try:
        page.ask(url, question, browser, flags, picture)
    except page.PageError as error:
        sys.exit(str(error))


def _has_display() -> bool:
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _wait() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
