"""The comparison with others: their figures as they print them, absence in plain words, ratios."""

import importlib.util
import json
import os
import stat
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
ROWS = [  # as llama-bench -o json writes them, without what is not read here
    {"backends": "Vulkan", "gpu_info": "Some GPU", "n_prompt": 64, "n_gen": 0, "avg_ts": 500.5},
    {"backends": "Vulkan", "gpu_info": "Some GPU", "n_prompt": 0, "n_gen": 16, "avg_ts": 50.0},
]


@pytest.fixture(scope="module")
def peers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("peers", HERE / "peers.py")
    assert spec and spec.loader
    sys.modules["peers"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def asked(peers: ModuleType, **more: Any) -> Any:
    return peers.Asked(Path("model.gguf"), 64, 16, 2, **more)


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test_llama_bench_is_read_from_its_json(peers: ModuleType, tmp_path: Path) -> None:
    program = tmp_path / "llama-bench"
    program.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/argv\necho '{json.dumps(ROWS)}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)

    found = peers.llama_bench(asked(peers, llama_bench=str(program)))

    assert found == peers.Figures("llama-bench", "Vulkan, Some GPU", 500.5, 50.0)
    assert (tmp_path / "argv").read_text() == "-m model.gguf -p 64 -n 16 -r 2 -o json\n"


def test_what_is_not_installed_is_said(
    peers: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "llama_cpp", None)

    found = [
        peers.llama_bench(asked(peers)),
        peers.llama_cpp_python(asked(peers)),
        peers.wllama_gpu(asked(peers)),
        peers.wllama_cpu(asked(peers, wllama=tmp_path)),
    ]

    first, second, third, fourth = [one.why for one in found]
    assert first == "not installed: not on PATH, and no --llama-bench"
    assert second == "not installed: no module llama_cpp"
    assert third.startswith("not installed: npm install @wllama/wllama")
    assert fourth.startswith("its files are not there: ")
    assert all(why in peers.table(found) for why in (first, second, third, fourth))


def test_wllama_on_the_cpu_is_no_figure_of_a_gpu(peers: ModuleType) -> None:
    runs = [{"prompt_per_second": 10.0, "predicted_per_second": 4.0}] * 2
    said = ["something else", "llama_kv_cache:        CPU KV buffer size =     1.00 MiB"]
    found = {"runs": runs, "threads": 1, "version": "b1", "said": said}

    as_cpu = peers.wllama_figures("wllama", found, must_use_gpu=False)
    as_gpu = peers.wllama_figures("wllama", found, must_use_gpu=True)

    assert as_cpu == peers.Figures("wllama", "CPU, llama.cpp b1, 1 threads", 10.0, 4.0)
    assert isinstance(as_gpu, peers.Absent) and "took the CPU" in as_gpu.why


def report(prefill: float, decode: float) -> Any:
    """What is read of `wgslm bench`'s figures."""
    adapter = {"backend": "Vulkan", "name": "Some GPU", "kind": "gpu"}
    tests = [{"tok_s": prefill}, {"tok_s": decode}]
    return {"adapter": adapter, "models": [{"tests": tests}]}


def test_ratios_are_ours_to_theirs(peers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    found = report(300.0, 30.0)
    monkeypatch.setattr("wgslm.bench.suite.run_suite", nothing)
    monkeypatch.setattr("wgslm.bench.report.facts", lambda _: found)
    figures = [peers.native(asked(peers)), peers.Figures("other", "there", 100.0, 60.0)]

    *_, ours, other = peers.table(figures).splitlines()

    assert ours == "| wgslm | Vulkan, Some GPU, gpu | 300.0 | 30.0 | 1.00 | 1.00 |"
    assert other == "| other | there | 100.0 | 60.0 | 3.00 | 0.50 |"


async def nothing(*_: object) -> None:
    """Measure nothing."""


def test_where_ours_ran_in_the_tab_only_ratios_are_to_that(peers: ModuleType) -> None:
    ours = peers.ours(peers.TAB, report(50.0, 10.0))

    *_, row = peers.table([ours, peers.Figures("other", "there", 100.0, 5.0)]).splitlines()

    assert row == "| other | there | 100.0 | 5.0 | 0.50 | 2.00 |"


def test_without_a_figure_of_ours_there_is_no_ratio(peers: ModuleType) -> None:
    *_, row = peers.table([peers.Figures("llama-bench", "there", 100.0, 60.0)]).splitlines()

    assert row == "| llama-bench | there | 100.0 | 60.0 | - | - |"
