"""What runs in the worker: which modules, and how fast they read a large header."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from browser_tab import Tab
from hostile_templates import ATTACKS, CODE
from idle import slowdown
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
# Renders templates one after the other; says how long each took and how long its text is, -1 of a
# refused one.
HOSTILE = """
import asyncio, json, time
from wgslm.chat.template import ChatTemplate
from wgslm.errors import TemplateError

def length(source):
    try:
        template = ChatTemplate(source, bos_token="", eos_token="", specials=[])
        said = template.render([{{"role": "user", "content": "Hi"}}])
        return sum(len(segment.text) for segment in said)
    except TemplateError:
        return -1

found = {{}}
for name, source in json.loads({attacks!r}).items():
    begun = time.perf_counter()
    found[name] = [length(source), time.perf_counter() - begun]
    await asyncio.sleep(0)
json.dumps(found)
"""
ATTACK_SECONDS = 3.0  # a second natively; Pyodide takes up to three times as long

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


def test_hostile_templates_are_bounded_in_the_tab_too(tab: Tab, open_site: Served) -> None:
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    attacks = {**ATTACKS, **CODE}

    source = HOSTILE.format(attacks=json.dumps(attacks))
    found = json.loads(tab.worker.evaluate("source => python.runPythonAsync(source)", source))

    slowest = max(found, key=lambda name: found[name][1])
    print(f"\n{len(found)} templates; {slowest!r} took {found[slowest][1]:.2f} s")
    assert found.keys() == attacks.keys()
    assert {name: one for name, one in found.items() if one[0] >= 1000} == {}
    assert found[slowest][1] <= ATTACK_SECONDS * slowdown()
    tab.set(max_tokens=4)
    assert tab.ask("Hello")["state"] == "done"  # the worker lives


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
