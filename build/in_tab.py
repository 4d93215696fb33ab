"""Runs in Pyodide: compiles what a boot imports, with the very Python that will run it.

Reads /imports.json; writes /compiled.zip with one .pyc per module, named by its source's path
under standard/ or libraries/.
"""

import importlib
import importlib.util
import json
import marshal
import sys
import zipfile
from pathlib import Path

STANDARD = Path(next(path for path in sys.path if path.endswith(".zip")))
LIBRARIES = Path("/app")
ARCHIVE = Path("/app.zip")  # where the tab imports them from
UNCHECKED_HASH = (1).to_bytes(4, "little") + bytes(8)  # never compared with a source


def main() -> None:
    """Import what our modules import, then compile everything that is loaded."""
    wanted = json.loads(Path("/imports.json").read_text())
    sys.path.insert(0, str(LIBRARIES))
    for name in wanted["imports"]:
        importlib.import_module(name)
    with zipfile.ZipFile("/compiled.zip", "w") as compiled:
        with zipfile.ZipFile(STANDARD) as standard:
            for path in standard.namelist():
                if is_loaded(path):
                    code = bytecode(standard.read(path), str(STANDARD / path), optimize=2)
                    compiled.writestr(f"standard/{path}c", code)
        for path in wanted["files"]:
            is_ours = path.split("/")[0] in wanted["ours"]
            if is_ours or is_loaded(path):
                source = (LIBRARIES / path).read_bytes()
                code = bytecode(source, str(ARCHIVE / path), optimize=0 if is_ours else 2)
                compiled.writestr(f"libraries/{path}c", code)


def is_loaded(path: str) -> bool:
    """Say whether this .py file's module has been imported."""
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return path.endswith(".py") and module in sys.modules


def bytecode(source: bytes, path: str, optimize: int) -> bytes:
    """Return the content of a .pyc file that is used without a look at its source."""
    code = compile(source, path, "exec", dont_inherit=True, optimize=optimize)
    return importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + marshal.dumps(code)


main()
