"""A notebook of files in one folder."""

import asyncio
import os
import tempfile
from pathlib import Path


class FileNotebook:
    """Each text is a file; a reader sees it whole or not at all."""

    def __init__(self, folder: Path) -> None:
        """Keep texts in a folder, made when there is something to keep."""
        self.folder = folder

    async def read(self, name: str) -> str | None:
        """Return a file's text, or None."""
        try:
            return await asyncio.to_thread((self.folder / name).read_text, "utf-8", "replace")
        except FileNotFoundError:
            return None

    async def write(self, name: str, text: str) -> None:
        """Replace a file."""
        await asyncio.to_thread(self._write, name, text)

    def _write(self, name: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=self.folder, prefix=f"{name}.")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(path, self.folder / name)
        except BaseException:
            os.unlink(path)
            raise
