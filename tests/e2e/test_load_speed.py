"""How fast 150 MB of weights come from loopback to the GPU, with and without keeping them."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from browser_tab import Tab
from cpu_time import CpuTime
from random_model import smollm2_135m, write_random_llama
from served import Served
from tab_store import limit_storage

FILE_NBYTES = 150_000_000
LEAST = 15.0  # MB for each second that all processes together computed, SwiftShader's among them

pytestmark = [pytest.mark.e2e, pytest.mark.gpu, pytest.mark.long]


@pytest.mark.parametrize("keeps", [False, True])
def test_weights_come_quickly_to_the_gpu(
    chromium: Browser, visitor: BrowserContext, served: Served, tmp_path: Path, keeps: bool
) -> None:
    path = write_random_llama(tmp_path / "large.gguf", {**smollm2_135m(), "layers": 32})
    assert path.stat().st_size >= FILE_NBYTES
    served.files["/models/large.gguf"] = path
    tab = Tab(visitor)
    tab.open(f"{served.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    if not keeps:
        limit_storage(tab.page, 1000)
    tab.page.evaluate("tests.progress.length = 0")

    cpu = CpuTime(chromium)
    tab.load("models/large.gguf")
    tab.wait_ready("large")
    spent = cpu.seconds()

    last = [one for one in tab.progress if one["stage"] == "weights"][-1]
    megabytes = last["total"] / 1e6
    each = ", ".join(f"{kind} {seconds:.1f} s" for kind, seconds in spent.items())
    print(
        f"\n{'kept' if keeps else 'not kept'}: {megabytes:.0f} MB of weights, "
        f"{megabytes / last['seconds']:.0f} MB/s by the clock; CPU: {each}"
    )
    assert megabytes / sum(spent.values()) >= LEAST
