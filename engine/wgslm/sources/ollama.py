"""The models that Ollama has on this machine: manifests by name, blobs by digest; only read.

Names and digests are untrusted: a manifest is a file that anything may have written.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wgslm.errors import SourceError
from wgslm.sources.plain_json import parse_json

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
MODEL_LAYER = "application/vnd.ollama.image.model"
HOST, NAMESPACE, TAG = "registry.ollama.ai", "library", "latest"
MOST_MANIFEST = 1 << 20
MOST_MANIFESTS = 10_000


@dataclass(frozen=True)
class OllamaModel:
    """A model as Ollama calls it, and where its GGUF lies."""

    name: str  # "llama3.2:1b", "someone/model:latest", "hf.co/owner/repo:Q8_0"
    digest: str
    size: int
    path: Path


def store_folder(environment: Mapping[str, str]) -> Path:
    """Return where Ollama keeps its models: OLLAMA_MODELS, or its default."""
    chosen = environment.get("OLLAMA_MODELS")
    return Path(chosen) if chosen else Path(os.path.expanduser("~")) / ".ollama/models"


def blob_path(folder: Path, digest: str) -> Path:
    """Return where a blob lies; refuse what is no digest."""
    if not DIGEST.fullmatch(digest):
        raise SourceError(f"{digest[:80]!r} is no digest; those are sha256: and 64 hex digits")
    return folder / "blobs" / digest.replace(":", "-")


def list_models(folder: Path) -> list[OllamaModel]:
    """Return every model whose blob is there, by name; a manifest that lies is left out."""
    found = [_read(folder, path) for path in _manifests(folder / "manifests")]
    return sorted((model for model in found if model is not None), key=lambda model: model.name)


def _manifests(folder: Path) -> Iterator[Path]:
    """Yield host/namespace/model/tag files, none of them a link."""
    for count, path in enumerate(sorted(folder.glob("*/*/*/*"))):
        if count >= MOST_MANIFESTS:
            return
        parts = path.relative_to(folder).parts
        is_plain = path.is_file() and not path.is_symlink()
        if is_plain and all(SEGMENT.fullmatch(part) for part in parts):
            yield path


def _read(folder: Path, manifest: Path) -> OllamaModel | None:
    try:
        if manifest.stat().st_size > MOST_MANIFEST:
            return None
        about = parse_json(manifest.read_bytes(), manifest.name)
        digest = _model_digest(about)
        path = blob_path(folder, digest)
        if path.is_symlink() or not path.is_file():
            return None
        return OllamaModel(_name_of(manifest), digest, path.stat().st_size, path)
    except (SourceError, OSError):
        return None


def _model_digest(manifest: object) -> str:
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and layer.get("mediaType") == MODEL_LAYER:
            return str(layer.get("digest"))
    raise SourceError("the manifest names no model")


def _name_of(manifest: Path) -> str:
    """Return the name as `ollama list` shows it: without what is the default."""
    host, namespace, model, tag = manifest.parts[-4:]
    if host != HOST:
        return f"{host}/{namespace}/{model}:{tag}"
    return f"{model}:{tag}" if namespace == NAMESPACE else f"{namespace}/{model}:{tag}"
