"""Where the reference data is."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def reference_data() -> Path:
    """Return the folder of reference data, or skip."""
    folder = os.environ.get("WGSLM_REFERENCE_DATA")
    if not folder:
        pytest.skip("WGSLM_REFERENCE_DATA is not set")
    return Path(folder)
