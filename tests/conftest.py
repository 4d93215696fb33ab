"""Fixtures that more than one folder of tests needs."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wgslm.errors import NoAdapterError
from wgslm.gpu import Device, open_device


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let somebody look at the page's states: `python tests --screenshots FOLDER -k axe`."""
    parser.addoption("--screenshots", default="", help="folder for pictures of the page's states")
    parser.addoption("--stream-seconds", default="370", help="of the long answer in test_relay.py")


@pytest.fixture(scope="session")
def device() -> Iterator[Device]:
    """The GPU, with its compiled pipelines; a skip without one, a failure under REQUIRE_GPU."""
    try:
        opened = asyncio.run(open_device())
    except NoAdapterError as error:
        if os.environ.get("REQUIRE_GPU"):
            raise
        pytest.skip(str(error))
    yield opened
    asyncio.run(opened.close())


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of recorded references; a visible skip where there is none."""
    folder = os.environ.get("WGSLM_REFERENCE_DATA")
    if not folder:
        pytest.skip("WGSLM_REFERENCE_DATA is not set")
    return Path(folder)
