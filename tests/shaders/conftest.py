"""Variants that tests of several kernels run through."""

import pytest

from linear_checks import need
from wgslm.gpu import Device
from wgslm.kernels.schedule import SOFTWARE, VARIANTS, Schedule


@pytest.fixture(params=VARIANTS["reduce"], ids=lambda variant: variant.name)
def schedule(request: pytest.FixtureRequest, device: Device) -> Schedule:
    """A schedule for each way to reduce over a workgroup."""
    need(device, request.param)
    return SOFTWARE.using("reduce", request.param)
