"""A file of 150 MB passes through the tab without staying in it."""

from pathlib import Path

import pytest

from browser_tab import Tab
from random_model import smollm2_135m, write_random_llama
from served import Served
from tab_heap import Sample, TabHeap

FILE_NBYTES = 150_000_000
SHAPE = {**smollm2_135m(), "vocab": 128_000, "layers": 20}
MOST_NBYTES = 150_000_000  # of Python and all JavaScript; 132 to 141 were seen
BEFORE_HEADER = ("", "opening")

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_a_large_file_with_a_large_vocabulary_needs_little_memory_in_the_tab(
    tab: Tab, open_site: Served, tmp_path: Path
) -> None:
    path = write_random_llama(tmp_path / "large.gguf", SHAPE)
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

    before = min(s.nbytes for s in samples if s.stage in BEFORE_HEADER)
    peak = max(samples, key=lambda sample: sample.nbytes)
    print(
        f"\n{len(samples)} samples: {before / 1e6:.0f} MB before, {peak.nbytes / 1e6:.0f} MB at "
        f"most (wasm {peak.wasm / 1e6:.0f}, JS {peak.js / 1e6:.0f}, stage {peak.stage})"
    )
    assert sum(sample.stage == "weights" for sample in samples) >= 10, "too few to see a peak"
    assert peak.nbytes <= MOST_NBYTES
