"""What `wgslm serve` gives to pages that ask: the files of its own model, and Ollama's models."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from wgslm.sources.ollama import OllamaModel, list_models
from wgslm.sources.parts import all_parts, part_of
from wgslm_web.library import Library
from wgslm_web.refusals import Refusal
from wgslm_web.stream import Payload

ID = re.compile(r"(sha256|path):[0-9a-f]{64}")


class SharedLibrary(Library):
    """A fixed list of files that may be read; an id that is not in it leads nowhere."""

    def __init__(self, paths: Sequence[Path] = (), ollama: Path | None = None) -> None:
        """Share these files, and the models in this folder of Ollama's."""
        self._paths = {f"path:{_hash(str(path.resolve()))}": path for path in paths}
        self._ollama = ollama

    async def describe(self) -> Payload:
        """Return what can be asked for: name, size and id of each."""
        own = [
            {"id": id, "name": path.name, "size": path.stat().st_size, "from": "wgslm"}
            for id, path in self._paths.items()
            if path.is_file()
        ]
        others = [
            {"id": one.digest, "name": one.name, "size": one.size, "from": "ollama"}
            for one in self._of_ollama()
        ]
        return {"models": [*own, *others]}

    async def blob(self, id: str) -> Path:
        """Return a listed model's file."""
        if not ID.fullmatch(id):
            raise Refusal(
                400, f"{id[:80]!r} is no id of a model; /wgslm/models lists them", code="id"
            )
        known = {**self._paths, **{one.digest: one.path for one in self._of_ollama()}}
        path = known.get(id)
        if path is None or not path.is_file():
            raise Refusal(404, f"no model {id} is here; /wgslm/models lists them", code="id")
        return path

    def _of_ollama(self) -> list[OllamaModel]:
        return [] if self._ollama is None else list_models(self._ollama)


def files_of(model: str) -> list[Path]:
    """Return the files of a model on this machine; none for a URL."""
    path = Path(model)
    if not path.is_file():
        return []
    part = part_of(str(path))
    return [path] if part is None else [Path(one.location) for one in all_parts(part)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
