"""Variants that tests of several kernels run through."""

from dataclasses import replace

import pytest

from wgslm.gpu import Device
from wgslm.kernels.schedule import SOFTWARE, Schedule


@pytest.fixture(params=["reduce_tree", "reduce_subgroup"])
def schedule(request: pytest.FixtureRequest, device: Device) -> Schedule:
    """A schedule for each way to reduce over a workgroup."""
    if request.param == "reduce_subgroup" and "subgroups" not in device.features:
        pytest.skip("this adapter has no subgroups")
    return replace(SOFTWARE, reduce=request.param)
