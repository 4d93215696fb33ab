"""`python -m wgslm` is the `wgslm` command."""

import sys

from wgslm.cli import main

if __name__ == "__main__":
    sys.exit(main())
