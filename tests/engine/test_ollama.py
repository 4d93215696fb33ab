"""Ollama's models on this machine: listed by name, and never anything beside them."""

import os
from pathlib import Path

import pytest

from ollama_store import add_model
from wgslm.errors import SourceError
from wgslm.sources.ollama import blob_path, list_models, store_folder

LIBRARY = "registry.ollama.ai/library"


def test_models_have_the_names_that_ollama_shows(tmp_path: Path) -> None:
    digest = add_model(tmp_path, f"{LIBRARY}/llama3.2/1b", b"one")
    add_model(tmp_path, "registry.ollama.ai/someone/model/latest", b"two")
    add_model(tmp_path, "hf.co/owner/repo/Q8_0", b"three")

    models = list_models(tmp_path)

    assert [model.name for model in models] == [
        "hf.co/owner/repo:Q8_0",
        "llama3.2:1b",
        "someone/model:latest",
    ]
    assert (models[1].digest, models[1].size) == (digest, 3)
    assert models[1].path.read_bytes() == b"one"


HOSTILE = (
    "sha256:../../secret",
    "sha256:" + "A" * 64,
    "sha256:" + "0" * 63,
    "sha256:" + "0" * 64 + "\n",
    "sha512:" + "0" * 64,
    "../../../secret",
    "",
)


@pytest.mark.parametrize("digest", HOSTILE)
def test_a_digest_that_is_none_leads_nowhere(tmp_path: Path, digest: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    add_model(tmp_path / "models", f"{LIBRARY}/evil/latest", b"x", digest)

    assert list_models(tmp_path / "models") == []
    with pytest.raises(SourceError, match="is no digest"):
        blob_path(tmp_path / "models", digest)


@pytest.mark.parametrize(
    "text", ["", "[" * 5000, "[]", '{"layers": 5}', '{"layers": [5]}', '{"layers": []}']
)
def test_a_broken_manifest_hides_only_itself(tmp_path: Path, text: str) -> None:
    add_model(tmp_path, f"{LIBRARY}/good/latest", b"good")
    add_model(tmp_path, f"{LIBRARY}/bad/latest", b"bad")
    (tmp_path / "manifests" / LIBRARY / "bad/latest").write_text(text)

    assert [model.name for model in list_models(tmp_path)] == ["good:latest"]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    digest = add_model(tmp_path / "models", f"{LIBRARY}/evil/latest", b"x")
    blob = blob_path(tmp_path / "models", digest)
    blob.unlink()
    os.symlink(secret, blob)

    assert list_models(tmp_path / "models") == []


def test_a_machine_without_ollama_has_no_models(tmp_path: Path) -> None:
    assert list_models(tmp_path / "none") == []


def test_the_folder_is_where_ollama_says(tmp_path: Path) -> None:
    assert store_folder({"OLLAMA_MODELS": str(tmp_path)}) == tmp_path
    assert store_folder({}).parts[-2:] == (".ollama", "models")
