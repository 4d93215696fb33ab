"""A folder as Ollama writes it: manifests and blobs."""

import hashlib
import json
from pathlib import Path

MEDIA_TYPE = "application/vnd.ollama.image.model"


def add_model(folder: Path, name: str, body: bytes, digest: str | None = None) -> str:
    """Add `host/namespace/model/tag`; return the blob's digest, or the one that was told."""
    true = f"sha256:{hashlib.sha256(body).hexdigest()}"
    told = true if digest is None else digest
    blob = folder / "blobs" / true.replace(":", "-")
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(body)
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": true, "size": 3},
        {"mediaType": MEDIA_TYPE, "digest": told, "size": len(body)},
    ]
    manifest = folder / "manifests" / name
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return told
