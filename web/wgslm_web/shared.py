"""What `wgslm serve` gives to pages that ask: the files of its own model, and Ollama's models."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wgslm.sources.ollama import OllamaModel, list_models
from wgslm.sources.parts import all_parts, part_of
from wgslm_web.gate import ticket_for
from wgslm_web.library import Library
from wgslm_web.refusals import Refusal
from wgslm_web.stream import Payload

ID = re.compile(r"(sha256|path):[0-9a-f]{64}")


class SharedLibrary(Library):
    """A fixed list of files that may be read; an id that is not in it leads nowhere."""

    def __init__(
        self, paths: Sequence[Path] = (), ollama: Path | None = None, key: str | None = None
    ) -> None:
        """Share these files, and the models in this folder of Ollama's.

        With the server's API key, every listed path holds a ticket, so that the key itself is in
        no request for a range (it would need a preflight each) and in no journal.
        """
        self._paths = {f"path:{_hash(str(path.resolve()))}": path for path in paths}
        self._ollama = ollama
        self._key = key
        self._blobs: dict[str, Path] = {}  # Ollama's, by digest, as they were listed last

    async def describe(self) -> Payload:
        """Return what can be asked for: name, size and id of each."""
        own = [
            {
                "id": id,
                "name": path.name,
                "size": path.stat().st_size,
                "from": "wgslm",
                "path": self._place(id, path.name),
            }
            for id, path in self._paths.items()
            if path.is_file()
        ]
        others = [
            {
                "id": one.digest,
                "name": one.name,
                "size": one.size,
                "from": "ollama",
                "path": self._place(one.digest, one.name),
            }
            for one in self._of_ollama()
        ]
        return {"models": [*own, *others]}

    async def blob(self, id: str, name: str = "") -> Path:
        """Return a listed model's file; of a split one the part that the name says."""
        if not ID.fullmatch(id):
            raise Refusal(
                400, f"{id[:80]!r} is no id of a model; /wgslm/models lists them", code="id"
            )
        path = self._paths.get(id) or self._blobs.get(id)
        if path is None:
            self._of_ollama()
            path = self._blobs.get(id)
        if path is not None and name:
            path = self._part(path, name)
        if path is None or not path.is_file():
            raise Refusal(404, f"no model {id} is here; /wgslm/models lists them", code="id")
        return path

    def _part(self, path: Path, name: str) -> Path | None:
        """Return the part of a split model that a name asks for, which is shared too."""
        own, asked = part_of(str(path)), part_of(name)
        if own is None or asked is None:
            return path
        if own.count != asked.count:
            return None
        wanted = Path(replace(own, number=asked.number).location)
        return wanted if wanted in self._paths.values() else None

    def _place(self, id: str, name: str) -> str:
        """Return the path of a file; its name ends in .gguf, and keeps the number of a part."""
        stem = re.sub(r"[^\w.-]+", "-", name.removesuffix(".gguf"))
        ticket = "" if self._key is None else f"{ticket_for(self._key, id)}/"
        return f"/wgslm/blobs/{id}/{ticket}{stem}.gguf"

    def _of_ollama(self) -> list[OllamaModel]:
        found = [] if self._ollama is None else list_models(self._ollama)
        self._blobs = {one.digest: one.path for one in found}
        return found


def files_of(model: str) -> list[Path]:
    """Return the files of a model on this machine; none for a URL."""
    path = Path(model)
    if not path.is_file():
        return []
    part = part_of(str(path))
    return [path] if part is None else [Path(one.location) for one in all_parts(part)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
