"""Where this machine's user keeps what may be lost."""

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wgslm.tune.notebook import Notebook


def cache_folder() -> Path:
    """Return the folder of our caches, which may not exist yet."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "wgslm"


def notebook(args: Namespace) -> "Notebook | None":
    """Return where tuning keeps its figures; None with --no-autotune."""
    from wgslm.tune.notebook import open_notebook

    return None if args.no_autotune else open_notebook(cache_folder())
