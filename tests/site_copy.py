"""A copy of dist/ that a test may change, as a web host's next deployment does."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from setup_modules import load

WORKER = "service-worker.js"


class SiteCopy:
    """The files of a site with a small model, in a folder of its own."""

    def __init__(self, folder: Path, dist: Path, model: Path) -> None:
        """Copy `dist`, with `model` in the place of its own."""
        shutil.copytree(dist, folder, ignore=shutil.ignore_patterns("*.gguf", "demo.png"))
        bundle = load("bundle")
        self.folder = folder
        (folder / "models").mkdir(exist_ok=True)
        shutil.copy(model, folder / "models/tiny.gguf")
        page = (bundle.PAGE / "index.html").read_text()
        pin = hashlib.sha256(model.read_bytes()).hexdigest()
        named = bundle.NO_MODEL.replace('""', f'"models/tiny.gguf#sha256={pin}"')
        example = bundle.EXAMPLE.read_text().replace(bundle.ANY_MODEL, '"./models/tiny.gguf"')
        pages = {"index.html": page.replace(bundle.NO_MODEL, named), "embed.html": example}
        self.publish({name: text.encode() for name, text in pages.items()})

    def publish(self, changes: Mapping[str, bytes], *, in_list: bool = True) -> None:
        """Write another version; `in_list` False lists sums of other files than are served."""
        bundle, offline = load("bundle"), load("offline")
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        site = {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}
        site[WORKER] = (bundle.PAGE / WORKER).read_bytes()
        end = b"" if in_list else b"/* as it was meant */"
        sealed = {**site, **{name: content + end for name, content in changes.items()}}
        offline.seal(sealed)
        for name, content in {**sealed, **changes}.items():
            path = self.folder / name
            if not path.is_file() or path.read_bytes() != content:
                path.write_bytes(content)
