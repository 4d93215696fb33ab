"""Loads the modules of build/ as the three commands do: by path."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
NAME = "wgslm_build_environment"


def load(name: str) -> ModuleType:
    """Return `build/<name>.py`."""
    if NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(NAME, ROOT / "build/environment.py")
        assert spec and spec.loader, "a .py file always has a loader"
        sys.modules[NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[NAME])
    environment = sys.modules[NAME]
    module = environment if name == "environment" else environment.load(name)
    assert isinstance(module, ModuleType)
    return module
