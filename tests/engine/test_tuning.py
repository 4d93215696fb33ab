"""Variants chosen by measuring: the fastest, within a second, once per adapter and kernels."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loaded import loaded
from tiny_models import write_tiny
from wgslm.fitting import Chosen, Fitting
from wgslm.gpu import Device, Job, Program
from wgslm.kernels.schedule import GPU, PRODUCTS, VARIANTS, Role, usable
from wgslm.quants import QUANTS
from wgslm.tune import BUDGET_SECONDS, fastest
from wgslm.tune.native import FileNotebook
from wrong_driver import Flaw, spoil

pytestmark = pytest.mark.gpu
Q8_0 = next(quant for quant in QUANTS if quant.name == "q8_0")


class Clocked:
    """Lets a device's runs of products take as long as a test says, by a clock of its own.

    What is timed is not run, only counted; everything else is real.
    """

    def __init__(self, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch what `device` records and submits; it says that it is a GPU."""
        self.now = 0.0
        self.runs: list[tuple[str, float]] = []  # variant, seconds
        self.seconds: Callable[[str], float] = lambda name: 0.01
        self._record, self._submit = device.record, device.submit
        self._variants: dict[int, str] = {}
        self._kept: list[object] = []  # so that ids stay theirs
        monkeypatch.setattr(device, "record", self.record)
        monkeypatch.setattr(device, "submit", self.submit)
        monkeypatch.setattr(device, "adapter", replace(device.adapter, kind="gpu"))

    def record(self, jobs: Sequence[Job]) -> object:
        """Note which variant a recording is of, if it is the tuning's."""
        recording = self._record(jobs)
        if any(view.buffer.label.startswith("tuning") for job in jobs for view in job.views):
            (name,) = {name_of(job.program) for job in jobs}
            self._variants[id(recording)] = str(name)
            self._kept.append(recording)
        return recording

    def submit(self, *recordings: object) -> None:
        """Let time pass, or run them."""
        for recording in recordings:
            if name := self._variants.get(id(recording)):
                self.runs.append((name, self.seconds(name)))
                self.now += self.seconds(name)
        if not any(id(recording) in self._variants for recording in recordings):
            self._submit(*recordings)


def name_of(program: Program) -> str | None:
    """Return the name of the variant of a product that a program is of."""
    for variant in (v for role in PRODUCTS for v in VARIANTS[role]):
        if (
            program.shader == variant.shader
            and set(variant.bound) <= set(program.bound)
            and set(variant.constants) <= set(program.constants)
            and (variant.constants or program.shader != "linear_tile" or not _lanes(program))
        ):
            return variant.name
    return None


def _lanes(program: Program) -> bool:
    return "LANES" in dict(program.constants)


def names(device: Device, role: Role) -> list[str]:
    return [variant.name for variant in usable(role, device.features)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "tiny.gguf", "llama", Q8_0)


@pytest.fixture
def clocked(device: Device, monkeypatch: pytest.MonkeyPatch) -> Clocked:
    return Clocked(device, monkeypatch)


@asynccontextmanager
async def fitted(
    device: Device,
    path: Path,
    folder: Path,
    clocked: Clocked | None = None,
    forced: dict[Role, str] | None = None,
) -> AsyncIterator[Fitting]:
    """Fit a model to a device as a load does."""
    async with loaded(device, path) as model:
        notebook = FileNotebook(folder)
        arguments = {"clock": lambda: clocked.now} if clocked else {}
        fitting = Fitting(device, model.header, 96, "f32", forced, notebook, **arguments)
        try:
            await fitting.begin()
            await fitting.compile()
            await _all_compiled(fitting)
            await fitting.settle(model.weights)
            yield fitting
        finally:
            await fitting.close()


async def _all_compiled(fitting: Fitting) -> None:
    """Wait for the candidates, so that which of them compete is no matter of luck."""
    if fitting._tuning and fitting._tuning._preparing:
        await asyncio.wait({fitting._tuning._preparing})


def fit(*arguments: object) -> Fitting:
    """Return what a fitting came to."""

    async def run() -> Fitting:
        async with fitted(*arguments) as fitting:  # type: ignore[arg-type]
            return fitting

    return asyncio.run(run())


def variants(fitting: Fitting) -> dict[Role, str]:
    return {chosen.role: chosen.variant for chosen in fitting.chosen}


@pytest.mark.parametrize("one", ["vec16", "rows"])
@pytest.mark.parametrize("many", ["tile64", "rows_tile"])
def test_the_fastest_is_chosen_and_dispatched(
    device: Device, path: Path, tmp_path: Path, clocked: Clocked, one: str, many: str
) -> None:
    clocked.seconds = lambda name: 0.001 if name in (one, many) else 0.002

    fitting = fit(device, path, tmp_path, clocked)

    assert fitting.chosen == (Chosen("one", one, "tuned"), Chosen("many", many, "tuned"))
    assert {name for name, _ in clocked.runs} == {*names(device, "one"), *names(device, "many")}
    for plan in fitting.plans:
        dispatched = {name_of(dispatch.program) for dispatch in plan.dispatches} - {None}
        assert dispatched == ({one} if plan.size == 1 else {one, many})


def test_among_equals_the_adapters_own_is_chosen(
    device: Device, path: Path, tmp_path: Path, clocked: Clocked
) -> None:
    clocked.seconds = lambda name: 0.00100 if name in ("vec16", "rows_tile") else 0.00102

    fitting = fit(device, path, tmp_path, clocked)

    assert variants(fitting) == {"one": GPU.one.name, "many": GPU.many.name}


def test_the_first_of_equals_is_the_fastest_in_any_order_of_times() -> None:
    assert fastest({"a": 1.02, "b": 1.0, "c": 0.995}) == "a"
    assert fastest({"a": 1.2, "b": 1.0, "c": 0.995}) == "b"
    assert fastest({}) is None


@pytest.mark.parametrize("seconds", [0.04, 0.15, 0.4, 3.0])
def test_the_budget_is_kept_by_running_less(
    device: Device, path: Path, tmp_path: Path, clocked: Clocked, seconds: float
) -> None:
    clocked.seconds = lambda name: seconds

    fitting = fit(device, path, tmp_path, clocked)

    # a first run of each role may take what it takes
    assert sum(spent for _, spent in clocked.runs) <= max(BUDGET_SECONDS, 2 * seconds) + 1e-9
    assert variants(fitting) == {"one": GPU.one.name, "many": GPU.many.name}


def test_the_second_start_measures_nothing(
    device: Device, path: Path, tmp_path: Path, clocked: Clocked
) -> None:
    clocked.seconds = lambda name: 0.001 if name in ("vec32", "rows_tile") else 0.002
    first = fit(device, path, tmp_path, clocked)
    clocked.runs.clear()

    second = fit(device, path, tmp_path, clocked)

    assert clocked.runs == []
    assert (
        second.chosen
        == first.chosen
        == (
            Chosen("one", "vec32", "tuned"),
            Chosen("many", "rows_tile", "tuned"),
        )
    )


@pytest.mark.parametrize("what", ["driver", "name", "features", "shader", "model"])
def test_what_figures_depend_on_is_measured_anew(
    device: Device,
    path: Path,
    tmp_path: Path,
    clocked: Clocked,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    fit(device, path, tmp_path, clocked)
    clocked.runs.clear()
    if what == "driver":
        monkeypatch.setattr(device, "adapter", replace(device.adapter, driver="another"))
    elif what == "name":
        monkeypatch.setattr(device, "adapter", replace(device.adapter, name="another"))
    elif what == "features":
        monkeypatch.setattr(device, "features", frozenset())
    elif what == "shader":
        monkeypatch.setattr("wgslm.tune.notebook.kernels_version", lambda: "another")
    else:
        path = write_tiny(tmp_path / "other.gguf", "gpt2", Q8_0)

    fit(device, path, tmp_path, clocked)

    assert clocked.runs
    assert len(list(tmp_path.glob("autotune-*.json"))) == 2


def test_the_version_of_the_kernels_is_that_of_every_shader(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from wgslm.tune.notebook import kernels_version

    (tmp_path / "lib").mkdir()
    shader = tmp_path / "lib/some.wgsl"
    monkeypatch.setattr("wgslm.tune.notebook.shader_root", lambda: tmp_path)
    found = []
    for text in ("const A = 1u;", "const A = 2u;", "const A = 1u;"):
        shader.write_text(text)
        kernels_version.cache_clear()
        found.append(kernels_version())
    kernels_version.cache_clear()

    assert found[0] != found[1]
    assert found[0] == found[2]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: "{",
        lambda text: "[" * 100_000,
        lambda text: "[]",
        lambda text: text.replace("vec", "vac"),
        lambda text: text.replace('"driver"', '"drover"'),
        lambda text: json.dumps({**json.loads(text), "seconds": {"one": 7, "many": {}}}),
        lambda text: json.dumps({**json.loads(text), "seconds": {"one": {"vec64": "soon"}}}),
    ],
)
def test_a_damaged_record_is_measured_anew_and_mended(
    device: Device,
    path: Path,
    tmp_path: Path,
    clocked: Clocked,
    damage: Callable[[str], str],
) -> None:
    clocked.seconds = lambda name: 0.001 if name.startswith("vec") else 0.002
    fit(device, path, tmp_path, clocked)
    (record,) = tmp_path.glob("autotune-*.json")
    record.write_text(damage(record.read_text()))
    clocked.runs.clear()

    fit(device, path, tmp_path, clocked)
    assert clocked.runs
    clocked.runs.clear()

    fit(device, path, tmp_path, clocked)
    assert clocked.runs == []


def test_a_folder_that_cannot_be_written_is_told(
    device: Device, path: Path, tmp_path: Path, clocked: Clocked
) -> None:
    folder = tmp_path / "file"
    folder.write_text("not a folder")

    fitting = fit(device, path, folder / "below", clocked)

    assert [chosen.why for chosen in fitting.chosen] == ["tuned", "tuned"]
    assert any("cannot be kept" in warning for warning in fitting.warnings)


def test_a_forced_variant_is_not_measured(
    device: Device, path: Path, tmp_path: Path, clocked: Clocked
) -> None:
    fitting = fit(device, path, tmp_path, clocked, {"one": "vec16"})

    assert fitting.chosen[0] == Chosen("one", "vec16", "forced")
    assert fitting.chosen[1].why == "tuned"
    assert {name for name, _ in clocked.runs} == set(names(device, "many"))


def test_a_software_adapter_keeps_its_own(
    device: Device, path: Path, tmp_path: Path, clocked: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "adapter", replace(device.adapter, kind="software"))

    fitting = fit(device, path, tmp_path, clocked)

    assert [chosen.why for chosen in fitting.chosen] == ["default", "default"]
    assert clocked.runs == []
    assert not list(tmp_path.glob("autotune-*"))


def test_the_fastest_is_not_used_when_it_computes_wrongly(
    device: Device,
    path: Path,
    tmp_path: Path,
    clocked: Clocked,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clocked.seconds = lambda name: 0.001 if name == "rows_tile" else 0.002
    flaw = Flaw("y[at] = value;", "y[at] = 1.01 * value;", lambda n: "linear_rows_tile" in n)
    monkeypatch.setattr(device, "_pipelines", {})  # of the tests before, compiled without it
    spoil(monkeypatch, flaw)

    fitting = fit(device, path, tmp_path, clocked)

    assert fitting.chosen[1] == Chosen("many", GPU.many.name, "safer")
    assert "linear_rows_tile+q8_0 wrongly" in fitting.warnings[0]


def test_a_variant_that_does_not_compile_is_told_and_does_not_compete(
    device: Device,
    path: Path,
    tmp_path: Path,
    clocked: Clocked,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "_pipelines", {})
    spoil(monkeypatch, Flaw("y[at] = value;", "y[at] = valu;", lambda n: "linear_rows_tile" in n))

    fitting = fit(device, path, tmp_path, clocked)

    assert "rows_tile" not in {name for name, _ in clocked.runs}
    assert "rows_tile does not compile: shaders/lib/linear_many.wgsl:" in fitting.warnings[0]
    assert [chosen.why for chosen in fitting.chosen] == ["tuned", "tuned"]


def test_by_real_time_a_slow_variant_is_not_chosen(
    device: Device, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lavapipe takes four times as long for `vec64` as for `rows`, and 0.1 s for a first run."""
    if device.adapter.kind != "software":
        pytest.skip("which variant is slow is known of software adapters")
    monkeypatch.setattr(device, "adapter", replace(device.adapter, kind="gpu"))
    monkeypatch.setattr("wgslm.tune.BUDGET_SECONDS", 60.0)

    fitting = fit(device, path, tmp_path)

    assert fitting.chosen[0].variant in ("rows", "rows_spread")
    assert fitting.chosen[0].why == "tuned"
