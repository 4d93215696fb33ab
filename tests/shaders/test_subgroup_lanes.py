"""How many lanes a subgroup has, as the adapter shows and not as it says."""

import asyncio
import re

import pytest

from twins.subgroup_lanes import subgroup_lanes
from wgslm.gpu import SUBGROUPS, SUBGROUPS_OF_8, Device, probe

pytestmark = pytest.mark.gpu


def test_subgroups_of_llvmpipe_are_as_wide_as_its_vectors(device: Device) -> None:
    bits = re.search(r"llvmpipe .*?(\d+) bits", device.adapter.name)
    if not bits or SUBGROUPS not in device.features:
        pytest.skip("not llvmpipe with subgroups")
    expected = subgroup_lanes(int(bits[1]) // 32)

    assert asyncio.run(probe(device)) == expected
    assert (SUBGROUPS_OF_8 in device.features) == (expected == 8)
