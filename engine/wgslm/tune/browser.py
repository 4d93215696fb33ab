"""A notebook in the browser's cache storage, which file: pages have, too."""

import wgslm_js
from pyodide.ffi import JsException


class CacheNotebook:
    """Each text is a made-up response."""

    async def read(self, name: str) -> str | None:
        """Return a text, or None."""
        try:
            found = await wgslm_js.readNote(name)
        except JsException as error:
            raise OSError(str(error)) from error
        return found if isinstance(found, str) else None

    async def write(self, name: str, text: str) -> None:
        """Keep a text."""
        try:
            await wgslm_js.writeNote(name, text)
        except JsException as error:
            raise OSError(str(error)) from error
