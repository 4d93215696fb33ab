"""A file of 150 MB passes through the tab without staying in it."""

from pathlib import Path

import pytest

from browser_tab import Tab
from random_model import smollm2_135m, write_random_llama
from served import Served
from tab_heap import Sample, TabHeap

FILE_NBYTES = 150_000_000
GROWTH_NBYTES = 64_000_000
BEFORE_HEADER = ("", "opening")

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_memory_of_the_tab_hardly_grows_while_weights_stream_through(
    tab: Tab, open_site: Served, tmp_path: Path
) -> None:
    path = write_random_llama(tmp_path / "large.gguf", {**smollm2_135m(), "layers": 32})
    assert path.stat().st_size >= FILE_NBYTES
    open_site.files["/models/large.gguf"] = path
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.page.evaluate("tests.progress.length = 0")
    heap = TabHeap(tab)

    samples: list[Sample] = [heap.sample()]
    tab.load("models/large.gguf")
    while tab.status != "Ready: large":
        samples.append(heap.sample())
        assert tab.error == ""

    # The lowest figure before the header is read stands for the moment after it, which is hard to
    # catch; so the growth that is allowed includes the header itself.
    before = min(s.nbytes for s in samples if s.stage in BEFORE_HEADER)
    peak = max(samples, key=lambda sample: sample.nbytes)
    print(
        f"\n{len(samples)} samples: {before / 1e6:.0f} MB before, {peak.nbytes / 1e6:.0f} MB at "
        f"most (wasm {peak.wasm / 1e6:.0f}, JS {peak.js / 1e6:.0f}, stage {peak.stage})"
    )
    assert sum(sample.stage == "weights" for sample in samples) >= 10, "too few to see a peak"
    assert peak.nbytes - before <= GROWTH_NBYTES
