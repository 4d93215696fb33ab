"""What the tab does about its kernels: compiling beside the weights, examining, remembering."""

from typing import Any

import pytest

from browser_tab import Tab
from idle import slowdown
from served import Served

MOST_MS = 100.0
TRIES = 8  # the best one counts: other programs only ever make it slower

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]
# In the worker: every compiler but that of what comes before is held up until the weights of the
# self-test and of the model are on their way; a load in which one waits for the other never ends.
HOLD = """() => {
  const watched = (self.watched = { most: 0, now: 0, writes: 0 });
  let release;
  const written = new Promise((resolve) => (release = resolve));
  const compile = GPUDevice.prototype.createComputePipelineAsync;
  GPUDevice.prototype.createComputePipelineAsync = async function (descriptor) {
    watched.most = Math.max(watched.most, ++watched.now);
    if (!["repack", "subgroup_lanes"].includes(descriptor.label)) await written;
    watched.now--;
    return compile.call(this, descriptor);
  };
  const write = GPUQueue.prototype.writeBuffer;
  GPUQueue.prototype.writeBuffer = function (buffer, ...rest) {
    if (buffer.label.startsWith("staging") && ++watched.writes === 2) release();
    return write.call(this, buffer, ...rest);
  };
}"""
# In Python: the software adapter passes for a GPU whose variants are few and quick to compile.
PRETEND = """
import wgslm.fitting, wgslm.tune
from dataclasses import replace
from wgslm.gpu.browser import BrowserDevice
from wgslm.kernels.schedule import choose, usable

def init(self, gpu, make=BrowserDevice.__init__):
    make(self, gpu)
    self.adapter = replace(self.adapter, kind="gpu")

def few(role, features):
    return tuple(v for v in usable(role, features) if v.name in ("rows", "vec16", "rows_tile"))

BrowserDevice.__init__ = init
wgslm.tune.usable = few
wgslm.fitting.choose = lambda kind, *rest: choose("software", *rest)
"""
# The same for a driver that gets a constant wrong.
SPOIL = """
import wgslm.gpu
from dataclasses import replace

def compose(name, load=wgslm.gpu.load, **bound):
    shader = load(name, **bound)
    if name != "{shader}":
        return shader
    return replace(shader, text=shader.text.replace("{right}", "{wrong}"))

wgslm.gpu.load = compose
"""
TUNED = """
import gc
from wgslm.fitting import Fitting
sum(1 for one in gc.get_objects() if isinstance(one, Fitting) and one._tuning)
"""

TIMED = """
import gc, time
from wgslm.engine import Engine
from wgslm.fitting import _draws, _programs
from wgslm.selftest import SelfTest
(one,) = (o for o in gc.get_objects() if isinstance(o, Engine))
programs = _programs(one._fitting.plans) + _draws(one._fitting.plans)
test = SelfTest(one.device)
begun = time.perf_counter()
assert await test.examine(programs, one._fitting.schedule) == []
seconds = time.perf_counter() - begun
test.close()
seconds * 1e3
"""
EXAMINED = """
import gc
from wgslm.engine import Engine
for one in gc.get_objects():
    if isinstance(one, Engine) and not one._draws.cancelled():  # closed
        await one.wait_for_draws()
"""


def start(tab: Tab, site: Served, python: str = "") -> None:
    """Open the page, change its Python, and load a model with that."""
    tab.open(f"{site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    if python:
        tab.python(python)
    load_again(tab)


def load_again(tab: Tab) -> None:
    tab.page.evaluate("tests.progress.length = 0")
    tab.load("models/tiny.gguf")
    tab.wait(lambda: bool(tab.progress), "the load to begin")
    tab.wait(lambda: tab.state != "loading", "the load to end")


def kernels(tab: Tab) -> str | None:
    return tab.page.locator("#model-adapter").get_attribute("title")


def warnings(tab: Tab) -> list[str]:
    return tab.page.locator("#model-warnings li").all_text_contents()


def asynchronous(tab: Tab, source: str) -> Any:
    return tab.worker.evaluate("source => python.runPythonAsync(source)", source)


def test_pipelines_compile_together_and_beside_the_weights(tab: Tab, open_site: Served) -> None:
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.worker.evaluate(HOLD)
    load_again(tab)

    assert tab.state == "ready"
    watched = tab.worker.evaluate("self.watched")
    assert watched["most"] > 3
    assert watched["writes"] == 2


@pytest.mark.speed
def test_the_self_test_takes_little_time(tab: Tab, open_site: Served) -> None:
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    asynchronous(tab, EXAMINED)
    tries = []
    for _ in range(TRIES):
        before = slowdown()
        milliseconds = asynchronous(tab, TIMED)
        tries.append(milliseconds / ((before + slowdown()) / 2))

    print(f"\nexamined in {min(tries):.0f} ms")
    assert min(tries) <= MOST_MS


def test_a_software_adapter_is_not_tuned(tab: Tab, open_site: Served) -> None:
    start(tab, open_site)

    assert kernels(tab) == "Kernels: one rows (default), many rows_tile (default)"
    assert warnings(tab) == []
    assert tab.python(TUNED) == 0


def test_notes_outlive_the_page(tab: Tab, open_site: Served) -> None:
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    book = "from wgslm.tune.notebook import open_notebook\nbook = open_notebook()\n"
    assert asynchronous(tab, f"{book}await book.read('a') or 'nothing'") == "nothing"
    asynchronous(tab, f"{book}await book.write('a', 'first')\nawait book.write('a', 'second')")

    tab.page.reload()
    tab.wait_ready("tiny")

    assert asynchronous(tab, f"{book}await book.read('a')") == "second"


def test_a_gpu_is_tuned_once(tab: Tab, open_site: Served) -> None:
    start(tab, open_site, PRETEND)
    first = kernels(tab)
    measured = tab.python(TUNED)
    tab.page.reload()
    tab.wait_ready("tiny")
    tab.python(PRETEND)
    load_again(tab)

    assert first and first.count("(tuned)") == 2
    assert kernels(tab) == first
    assert (measured, tab.python(TUNED)) == (1, 0)


def test_a_kernel_that_computes_wrongly_is_shown_and_replaced(tab: Tab, open_site: Served) -> None:
    spoil = SPOIL.format(
        shader="linear_rows", right="y[at] = value;", wrong="y[at] = 1.01 * value;"
    )
    start(tab, open_site, spoil)

    assert tab.state == "ready"
    assert kernels(tab) == "Kernels: one vec64 (safer), many rows_tile (default)"
    (warning,) = warnings(tab)
    assert "swiftshader" in warning.lower()
    assert "computes linear_rows+q8_0+no_second+input_load wrongly: value 0" in warning
    assert warning.endswith("; vec64 is used instead")


def test_a_draw_that_is_found_wrong_after_the_load_is_shown(tab: Tab, open_site: Served) -> None:
    start(tab, open_site, SPOIL.format(shader="sample", right="1664525u", wrong="1664524u"))
    tab.set(max_tokens=2)
    asynchronous(tab, EXAMINED)
    assert tab.ask("Hello")["state"] == "done"
    tab.wait(lambda: bool(warnings(tab)), "the warning")

    assert "computes sample wrongly" in warnings(tab)[0]
    assert warnings(tab)[0].endswith("; the CPU draws instead")


def test_a_model_is_refused_when_nothing_is_right(tab: Tab, open_site: Served) -> None:
    start(tab, open_site, SPOIL.format(shader="embed", right="y[at] = ", wrong="y[at] = 1.1 * "))

    assert "computes embed+q8_0 wrongly" in tab.error
    assert "Update the graphics driver or the browser" in tab.error
