"""Make the static site: `python build` writes dist/.

This folder has no __init__.py, so that `python -m build` keeps meaning PyPA's build.
"""

import argparse
import importlib.util
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build import environment
else:
    name = "wgslm_build_environment"
    place = Path(__file__).resolve().parents[1] / "build/environment.py"
    spec = importlib.util.spec_from_file_location(name, place)
    environment = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(environment)


def main() -> None:
    """Set up, build, and show what it weighs."""
    argparse.ArgumentParser(
        prog="python build", description="Write the static site: dist/"
    ).parse_args()
    environment.enter()
    started = time.monotonic()
    bundle = environment.load("bundle")
    environment.load("machine").try_gpu()
    bundle.build()
    print(bundle.sizes())
    print(f"dist/ is ready ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    main()
