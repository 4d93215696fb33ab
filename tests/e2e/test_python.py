"""What runs in the worker: which modules, and how fast they read a large header."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from browser_tab import Tab
from random_model import TINY, metadata, q8_0, random_tensors
from served import Served
from tiny_gguf import write_gguf
from tiny_vocabularies import bpe_metadata, byte_characters

VOCABULARY = 150_000
METADATA_SECONDS = 1.5
TRIES = 3  # the best one counts: other programs only ever make it slower
MODULES = 470
LIBRARIES = {"wgslm", "wgslm_web", "starlette", "anyio", "jinja2", "markupsafe"}
FROM_THE_PAGE = {"__main__", "js", "wgslm_js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core"}
NATIVE_ONLY = ("wgslm.cli", "wgslm.gpu.native", "wgslm.sources.native", "wgslm_web.native")

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_only_what_a_tab_needs_is_imported(tab: Tab, open_site: Served) -> None:
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(max_tokens=4)
    assert tab.ask("Hello")["state"] == "done"

    modules = tab.python("import sys; ' '.join(sys.modules)").split()
    standard = tab.python("' '.join(sys.stdlib_module_names)").split()

    print(f"\n{len(modules)} modules")
    assert {name.split(".")[0] for name in modules} - {*standard, *FROM_THE_PAGE} == LIBRARIES
    assert not {name for name in modules if name.startswith(NATIVE_ONLY)}
    assert len(modules) <= MODULES


@pytest.mark.speed
def test_metadata_of_a_large_vocabulary_is_read_soon(
    tab: Tab, open_site: Served, tmp_path: Path
) -> None:
    open_site.files["/models/wide.gguf"] = write_wide(tmp_path / "wide.gguf")
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.page.evaluate("tests.progress.length = 0")

    for _ in range(TRIES):
        tab.load("models/wide.gguf")
        tab.wait_ready("wide")
        tab.load("models/tiny.gguf")
        tab.wait_ready("tiny")

    # From the first request to the parsed header: more than the reading alone.
    seconds = [p["seconds"] for p in tab.progress if p["stage"] == "tokenizer"][::2]
    print(f"\n{VOCABULARY:,} tokens and their merges: {', '.join(f'{s:.2f} s' for s in seconds)}")
    assert len(seconds) == TRIES
    assert min(seconds) <= METADATA_SECONDS


def write_wide(path: Path) -> Path:
    """Write a model with as many tokens and merges as Qwen2 has, and very short rows."""
    letters = byte_characters()
    pairs = [f"{a} {b}" for a, b in itertools.product(letters, letters)]
    triples = (f"{pair.replace(' ', '')} {c}" for pair, c in itertools.product(pairs, letters))
    merges = [*pairs, *itertools.islice(triples, VOCABULARY - len(pairs) - len(letters) - 1)]
    shape = TINY
    facts = {key: value for key, value in metadata(TINY).items() if "tokenizer" not in key}
    tensors = random_tensors(shape)
    tensors["token_embd.weight"] = q8_0(np.random.default_rng(0), VOCABULARY, shape["dim"])
    return write_gguf(path, {**facts, **bpe_metadata(merges, pre="qwen2")}, tensors)
