"""What was measured, kept from one start to the next: natively as files, in the tab as its cache.

A record is found by all that its figures depend on, and by nothing else; one that was written by
somebody else or is damaged counts as none.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Protocol

from wgslm.gpu import Device
from wgslm.gpu.wgsl import shader_root
from wgslm.kernels.schedule import PRODUCTS, VARIANTS, Role
from wgslm.weights import Stack


class Notebook(Protocol):
    """Keeps texts by name; both raise `OSError` where that is impossible."""

    async def read(self, name: str) -> str | None:
        """Return a text, or None."""

    async def write(self, name: str, text: str) -> None:
        """Keep a text."""


Record = dict[Role, dict[str, float]]  # seconds by variant, in the order of preference


@dataclass(frozen=True)
class Key:
    """All that measured figures depend on."""

    adapter: str
    kind: str
    backend: str
    driver: str
    features: Sequence[str]
    kernels: str
    matrices: Sequence[str]

    @property
    def name(self) -> str:
        """The record's name."""
        text = json.dumps(asdict(self), sort_keys=True)
        return f"autotune-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def key_of(device: Device, stacks: Sequence[Stack]) -> Key:
    """Return the key for a model's matrices, as they are stored, on a device."""
    adapter = device.adapter
    return Key(
        adapter.name,
        adapter.kind,
        adapter.backend,
        adapter.driver,
        sorted(device.features),
        kernels_version(),
        sorted({f"{s.quant.name} {s.row}x{s.rows}" for s in stacks if not s.is_vector}),
    )


@cache
def kernels_version() -> str:
    """Return a hash of all shaders, and of how variants use them."""
    total = hashlib.sha256(repr(VARIANTS).encode())
    for path in _shaders(shader_root()):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


async def find(notebook: Notebook, key: Key) -> Record:
    """Return what was measured under a key, as far as it makes sense."""
    text = await notebook.read(key.name)
    try:
        found = json.loads(text or "{}")
        if found.get("key") != json.loads(json.dumps(asdict(key))):
            return {}
        return {
            role: _seconds(found["seconds"][role]) for role in PRODUCTS if role in found["seconds"]
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}  # damaged: measured again, and written anew


async def keep(notebook: Notebook, key: Key, record: Mapping[Role, Mapping[str, float]]) -> None:
    """Keep what was measured."""
    text = json.dumps({"key": asdict(key), "seconds": record}, indent=1)
    await notebook.write(key.name, text + "\n")


def open_notebook(folder: Path | None = None) -> Notebook:
    """Return this platform's notebook; natively it needs a folder, which may not exist yet."""
    if sys.platform == "emscripten":
        from wgslm.tune.browser import CacheNotebook

        return CacheNotebook()
    from wgslm.tune.native import FileNotebook

    assert folder is not None, "the command line chooses a folder"
    return FileNotebook(folder)


def _seconds(found: Mapping[str, object]) -> dict[str, float]:
    return {str(name): float(str(spent)) for name, spent in found.items()}


def _shaders(folder: Traversable) -> Iterator[Traversable]:
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.is_dir():
            yield from _shaders(path)
        elif path.name.endswith(".wgsl"):
            yield path
