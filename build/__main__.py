"""Make the static site: `python build` writes dist/.

This folder has no __init__.py, so that `python -m build` keeps meaning PyPA's build.
"""

import argparse
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build import environment
else:
    import environment


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
