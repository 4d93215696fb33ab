"""Where a model's bytes come from: a file, an http(s) URL, a file picked in a page.

A source serves ranges of bytes and knows nothing of what they mean.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Protocol, TypeAlias, runtime_checkable

from wgslm.errors import SourceError
from wgslm.sources.parts import Part, all_parts, part_of, sort_parts
from wgslm.sources.ranges import HEAD_NBYTES
from wgslm.sources.retry import PATIENCE, Patience

__all__ = [
    "HEAD_NBYTES",
    "PATIENCE",
    "ByteSource",
    "Chunk",
    "File",
    "Location",
    "Patience",
    "ask",
    "open_parts",
    "open_source",
]

# What Device.write takes without a copy through Python: natively a memoryview, in the tab a proxy
# of a JavaScript Uint8Array.
Chunk: TypeAlias = object
# A JavaScript File or Blob.
File: TypeAlias = object
Location: TypeAlias = (
    "str | os.PathLike[str] | ByteSource | Sequence[ByteSource] | File | Sequence[File]"
)


@runtime_checkable
class ByteSource(Protocol):
    """One file of a known size, readable by ranges, several at a time."""

    name: str  # shown to people: a path or a URL, without secrets
    size: int  # bytes
    identity: str | None  # ETag or date of the last change; None when nothing tells versions apart

    async def read(self, start: int, stop: int) -> bytes:
        """Return exactly the bytes `start .. stop`."""

    async def chunk(self, start: int, stop: int) -> Chunk:
        """Return exactly the bytes `start .. stop` in the form that `Device.write` takes."""

    async def close(self) -> None:
        """Let go of the file or the connections; chunks already given out stay valid."""


async def open_source(location: Location, patience: Patience = PATIENCE) -> ByteSource:
    """Open one path, http(s) URL, or in the tab one URL or picked File."""
    if sys.platform == "emscripten":
        from wgslm.sources import browser

        return await browser.open_location(location, patience)
    from wgslm.sources import native

    return await native.open_location(location, patience)


async def ask(url: str, patience: Patience = PATIENCE) -> tuple[bytes, str]:
    """Return the body of a small answer, a hub's for example, and its Link header."""
    if sys.platform == "emscripten":
        from wgslm.sources import browser

        return await browser.ask(url, patience)
    from wgslm.sources import native

    return await native.ask(url, patience)


async def open_parts(location: Location, patience: Patience = PATIENCE) -> list[ByteSource]:
    """Open every file of a model in order, given any part of a split one or all picked Files.

    A source stands for itself, and so do several.
    """
    if isinstance(location, ByteSource):
        return [location]
    if isinstance(location, list) and all(isinstance(one, ByteSource) for one in location):
        return list(location)
    if not isinstance(location, str | os.PathLike):
        return await _open_picked(location, patience)
    text = os.fspath(location)
    part = part_of(text)
    if part is None:
        return [await open_source(text, patience)]
    return await _open_all([(other, other.location) for other in all_parts(part)], patience)


async def _open_picked(picked: object, patience: Patience) -> list[ByteSource]:
    """Open picked Files: one whole model, or all parts of a split one in any order."""
    files = list(picked) if hasattr(picked, "__iter__") else [picked]
    named = [(str(getattr(file, "name", "picked file")), file) for file in files]
    return await _open_all(sort_parts(named), patience)


async def _open_all(
    locations: Sequence[tuple[Part | None, object]], patience: Patience
) -> list[ByteSource]:
    """Open the files in order; if one cannot be opened, close the others and say which."""
    sources: list[ByteSource] = []
    async with AsyncExitStack() as opened:
        for part, location in locations:
            try:
                source = await open_source(location, patience)
            except SourceError as error:
                if part is None:
                    raise
                raise SourceError(
                    f"part {part.number} of {part.count} of this split model cannot be read: "
                    f"{error}"
                ) from error
            opened.push_async_callback(source.close)
            sources.append(source)
        opened.pop_all()
    return sources
