"""Run what is installed on the same GGUF, side by side: `python tests/bench/peers.py MODEL`.

Ours natively and in Chromium, llama.cpp as llama-bench or llama-cpp-python, and wllama in the same
Chromium. One machine, one run: read the ratios. What is not installed is said, never left out.
"""

import argparse
import asyncio
import importlib
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 3600.0  # for one peer in the browser
NATIVE, TAB = "wgslm", "wgslm in Chromium"  # ours among the peers
CACHE_PLACE = re.compile(r"llama_kv_cache:\s+(\S+) KV buffer size")  # in llama.cpp's log
WLLAMA = "npm install @wllama/wllama, then --wllama node_modules/@wllama/wllama"


@dataclass(frozen=True)
class Figures:
    """One peer's tokens per second."""

    peer: str
    where: str  # adapter or backend
    prefill: float
    decode: float


@dataclass(frozen=True)
class Absent:
    """A peer that could not run here, and why."""

    peer: str
    why: str


@dataclass(frozen=True)
class Asked:
    """What every peer does."""

    model: Path
    pp: int
    tg: int
    repeat: int
    llama_bench: str | None = None
    wllama: Path | None = None


def native(asked: Asked) -> Figures | Absent:
    """Run ours through wgpu-py."""
    from wgslm.bench.report import facts
    from wgslm.bench.suite import Settings, run_suite

    settings = Settings((asked.pp,), (asked.tg,), repeat=asked.repeat)
    suite = run_suite([asked.model], ["f16"], settings, lambda *_: None)
    return ours(NATIVE, facts(asyncio.run(suite)))


def tab(asked: Asked) -> Figures | Absent:
    """Run ours in Chromium, by the bench page."""
    with chromium() as (browser, load):
        from bench_page import BenchPage
        from served import serve

        bundle = load("bundle")
        bundle.build()
        with serve(bundle.DIST, {"/models/model.gguf": asked.model}) as site:
            page = BenchPage(browser.new_page(), site.url, SECONDS)
            lengths = {"pp": str(asked.pp), "tg": str(asked.tg), "repeat": str(asked.repeat)}
            page.ask("models/model.gguf", **lengths)
            return ours(TAB, page.result())


def ours(peer: str, found: Any) -> Figures:
    """Return the figures of a report of ours."""
    prefill, decode = found["models"][0]["tests"]
    adapter = found["adapter"]
    where = f"{adapter['backend']}, {adapter['name']}, {adapter['kind']}"
    return Figures(peer, where, prefill["tok_s"], decode["tok_s"])


def llama_bench(asked: Asked) -> Figures | Absent:
    """Run llama.cpp's own benchmark."""
    program = asked.llama_bench or shutil.which("llama-bench")
    if program is None:
        return Absent("llama-bench", "not installed: not on PATH, and no --llama-bench")
    command = [program, "-m", str(asked.model), "-p", str(asked.pp), "-n", str(asked.tg)]
    command += ["-r", str(asked.repeat), "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Absent("llama-bench", f"ended with {done.returncode}: {last}")
    rows = json.loads(done.stdout)
    prefill = next(row for row in rows if row["n_prompt"] and not row["n_gen"])
    decode = next(row for row in rows if row["n_gen"] and not row["n_prompt"])
    where = f"{prefill['backends']}, {prefill.get('gpu_info') or prefill.get('cpu_info')}"
    return Figures("llama-bench", where, prefill["avg_ts"], decode["avg_ts"])


def llama_cpp_python(asked: Asked) -> Figures | Absent:
    """Run llama.cpp through its Python binding."""
    try:
        llama_cpp = importlib.import_module("llama_cpp")
    except ImportError:
        return Absent("llama-cpp-python", "not installed: no module llama_cpp")
    context = asked.pp + asked.tg + 8
    llm = llama_cpp.Llama(str(asked.model), n_ctx=context, n_gpu_layers=-1, verbose=False)
    prompt = [i * 7919 % llm.n_vocab() for i in range(asked.pp)]
    prefill, decode = [], []
    for _ in range(asked.repeat + 1):
        llm.reset()
        prefill.append(timed(lambda: llm.eval(prompt)))
        decode.append(timed(lambda: [llm.eval([id]) for id in prompt[:1] * asked.tg]))
    where = "GPU" if llama_cpp.llama_supports_gpu_offload() else "CPU"
    speeds = asked.pp / mean(prefill[1:]), asked.tg / mean(decode[1:])
    return Figures("llama-cpp-python", where, *speeds)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def wllama_gpu(asked: Asked) -> Figures | Absent:
    """Run wllama with all layers on WebGPU."""
    return wllama(asked, "wllama, WebGPU", 999)


def wllama_cpu(asked: Asked) -> Figures | Absent:
    """Run wllama in WebAssembly alone."""
    return wllama(asked, "wllama, WebAssembly", 0)


def wllama(asked: Asked, peer: str, layers: int) -> Figures | Absent:
    """Run llama.cpp in Chromium."""
    if asked.wllama is None:
        return Absent(peer, f"not installed: {WLLAMA}")
    files = {
        "/wllama/index.js": asked.wllama / "esm/index.js",
        "/wllama/wllama.wasm": asked.wllama / "esm/wasm/wllama.wasm",
        "/model.gguf": asked.model,
    }
    if missing := [str(path) for path in files.values() if not path.is_file()]:
        return Absent(peer, f"its files are not there: {', '.join(missing)}")
    with chromium() as (browser, load), load("serve").Site(HERE, files) as site:
        page = browser.new_page()
        page.goto(f"{site.url}wllama.html")
        page.wait_for_function("!!window.measure")
        wanted = {"pp": asked.pp, "tg": asked.tg, "repeat": asked.repeat, "layers": layers}
        address = f"{site.url}model.gguf"
        try:
            found = page.evaluate("wanted => measure(wanted)", {**wanted, "model": address})
        except browser_error() as error:
            return Absent(peer, f"failed: {str(error).splitlines()[0]}")
    return wllama_figures(peer, found, must_use_gpu=layers > 0)


def wllama_figures(peer: str, found: Any, *, must_use_gpu: bool) -> Figures | Absent:
    """Return the figures of wllama.html, if what computed them is what was asked for."""
    placed = [match[1] for line in found["said"] if (match := CACHE_PLACE.search(line))]
    place = placed[0] if placed else "an unnamed device"
    if must_use_gpu and place == "CPU":
        return Absent(peer, "it found no GPU that it can use in this browser, and took the CPU")
    prefill = mean(run["prompt_per_second"] for run in found["runs"])
    decode = mean(run["predicted_per_second"] for run in found["runs"])
    where = f"{place}, llama.cpp {found['version']}, {found['threads']} threads"
    return Figures(peer, where, prefill, decode)


@contextmanager
def chromium() -> Iterator[tuple[Any, Callable[[str], Any]]]:
    """Start the machine's Chromium with the GPU it has; yield it and the loader of build/."""
    from playwright.sync_api import sync_playwright

    from setup_modules import load
    from wgslm.gpu.native import open_native

    machine = load("machine")
    device = open_native()
    flags = machine.browser_flags(machine.Adapter(device.adapter.name, device.adapter.kind))
    asyncio.run(device.close())
    with sync_playwright() as playwright:
        path = machine.ensure_browser()
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        context = browser.new_context()
        context.set_default_timeout(SECONDS * 1e3)
        yield context, load
        browser.close()


def browser_error() -> type[Exception]:
    """Return what Playwright raises."""
    from playwright.sync_api import Error

    return Error


PEERS: Sequence[tuple[str, Callable[[Asked], Figures | Absent]]] = (
    ("native", native),
    ("tab", tab),
    ("llama-bench", llama_bench),
    ("llama-cpp-python", llama_cpp_python),
    ("wllama-gpu", wllama_gpu),
    ("wllama-cpu", wllama_cpu),
)


def table(found: Sequence[Figures | Absent]) -> str:
    """Return all figures, and for each peer by how much ours, natively if it ran, is faster."""
    figures = [one for one in found if isinstance(one, Figures)]
    first = next((one for one in figures if one.peer in (NATIVE, TAB)), None)
    lines = [
        "| peer | where | prefill tok/s | decode tok/s | wgslm / peer, prefill | decode |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for one in found:
        if isinstance(one, Absent):
            lines.append(f"| {one.peer} | {one.why} | | | | |")
        else:
            ratios = "- | -"
            if first is not None:
                ratios = f"{first.prefill / one.prefill:.2f} | {first.decode / one.decode:.2f}"
            speeds = f"{one.prefill:.1f} | {one.decode:.1f}"
            lines.append(f"| {one.peer} | {one.where} | {speeds} | {ratios} |")
    return "\n".join(lines)


def enter() -> None:
    """Go on in the Python of `.venv`, which has what ours needs."""
    from setup_modules import load

    load("environment").enter()


def main(argv: Sequence[str] | None = None) -> None:
    """Run every peer in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [name for name, _ in PEERS]
    parser.add_argument("model", type=Path, help="a GGUF file on this machine")
    parser.add_argument("--pp", type=int, default=512, help="tokens of the prompt (512)")
    parser.add_argument("--tg", type=int, default=128, help="tokens to generate (128)")
    parser.add_argument("--repeat", type=int, default=3, help="runs that count (3)")
    parser.add_argument("--only", choices=names, nargs="+", default=names, help="these peers")
    parser.add_argument("--llama-bench", help="path of the program, if not on PATH")
    parser.add_argument("--wllama", type=Path, help=f"folder of the package: {WLLAMA}")
    args = parser.parse_args(argv)
    enter()
    asked = Asked(args.model, args.pp, args.tg, args.repeat, args.llama_bench, args.wllama)
    found = []
    for name, run in PEERS:
        if name in args.only:
            print(f"{name} ...", file=sys.stderr, flush=True)
            found.append(run(asked))
    print(table(found))


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / name) for name in ("engine", "web", "tests")]
    main()
