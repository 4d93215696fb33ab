"""A load on a driver that computes wrongly: it is named, and what is right is used, or nothing."""

import asyncio
import re
from pathlib import Path

import pytest

from tiny_models import write_tiny
from wgslm.chat.events import Done
from wgslm.engine import Engine, ModelInfo
from wgslm.errors import DriverError
from wgslm.generate import Options
from wgslm.gpu import Device
from wgslm.kernels.schedule import Role, choose
from wgslm.quants import QUANTS
from wgslm.sampling import Sampling
from wrong_driver import Flaw, spoil

pytestmark = pytest.mark.gpu
Q8_0 = next(quant for quant in QUANTS if quant.name == "q8_0")
PROMPT = [1, 5, 9, 30, 77, 200]
DRAWN = Options(max_tokens=6, sampling=Sampling(temperature=1.0, seed=3))
VALUE = "y[at] = value;", "y[at] = 1.01 * value;"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("model") / "tiny.gguf", "llama", Q8_0)


def answer(path: Path, forced: dict[Role, str] | None = None) -> tuple[tuple[int, ...], ModelInfo]:
    """Return ids and facts of a model loaded now."""

    async def run() -> tuple[tuple[int, ...], ModelInfo]:
        engine = await Engine.load(path, context=96, variants=forced)
        try:
            events = [event async for event in engine.complete(PROMPT, DRAWN)]
            assert isinstance(events[-1], Done)
            return events[-1].ids, engine.info
        finally:
            await engine.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def right(device: Device, path: Path) -> tuple[int, ...]:
    """What the model answers where all is well; then nothing is told."""
    ids, info = answer(path)
    assert info.warnings == ()
    assert [chosen.why for chosen in info.variants] == ["default", "default"]
    return ids


def own(device: Device, role: Role) -> str:
    """What shaders of the adapter's own variant have in their name."""
    variant = choose(device.adapter.kind, device.features).variant(role)
    return dict(variant.bound).get("input", variant.shader).removeprefix("lib/")


@pytest.mark.parametrize("role", ["one", "many"])
def test_a_wrong_variant_is_named_and_another_computes(
    device: Device,
    path: Path,
    right: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
    role: Role,
) -> None:
    part = own(device, role)
    before = choose(device.adapter.kind, device.features).variant(role)
    spoilt = spoil(monkeypatch, Flaw(*VALUE, lambda name: part in name))

    ids, info = answer(path)

    assert ids == right
    assert spoilt
    chosen = next(chosen for chosen in info.variants if chosen.role == role)
    assert chosen.why == "safer" and chosen.variant != before.name
    assert chosen.variant == choose(device.adapter.kind, frozenset()).variant(role).name
    (warning,) = info.warnings
    assert warning.startswith(f"{device.adapter} computes {before.shader}+q8_0")
    found = re.search(r"wrongly: value 0 of its self-test is (\S+), it must be (\S+);", warning)
    # a sum in f32 with a bias, told with seven digits
    assert found and float(found[1]) / float(found[2]) == pytest.approx(1.01, rel=1e-5)
    assert warning.endswith(f"; {chosen.variant} is used instead")


def test_a_model_is_refused_when_no_variant_is_right(
    device: Device, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, Flaw(*VALUE, lambda name: "linear" in name))

    with pytest.raises(DriverError, match=r"computes linear_\S+ wrongly: .* No other kernel") as e:
        answer(path)
    assert str(device.adapter) in str(e.value)


@pytest.mark.usefixtures("device")
def test_a_model_is_refused_when_what_has_no_variants_is_wrong(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flaw = Flaw("y[at] = params.scale", "y[at] = 1.1 * params.scale", lambda n: n == "embed+q8_0")
    spoil(monkeypatch, flaw)

    with pytest.raises(DriverError, match=r"computes embed\+q8_0 wrongly"):
        answer(path)


def test_a_forced_variant_that_is_wrong_is_refused(
    device: Device, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = own(device, "one")
    name = choose(device.adapter.kind, device.features).one.name
    spoil(monkeypatch, Flaw(*VALUE, lambda one: part in one))

    with pytest.raises(DriverError, match=f"one={name}"):
        answer(path, {"one": name})


@pytest.mark.usefixtures("device")
def test_wrong_fused_attention_is_not_used(
    path: Path, right: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    flaw = Flaw("params.scale", "0.5 * params.scale", lambda name: "attention_step" in name)
    spoil(monkeypatch, flaw)

    ids, info = answer(path)

    assert ids == right
    named = [warning.split(" computes ")[1].split()[0] for warning in info.warnings]
    assert set(named) >= {"attention_step_lanes+kv_f16", "attention_step+kv_f16+reduce_tree"}
    assert len(set(named)) == len(named)
    assert info.warnings[-1].endswith("; plain kernels are used instead")


@pytest.mark.usefixtures("device")
def test_the_cpu_draws_where_the_gpu_draws_wrongly(
    path: Path, right: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, Flaw("1664525u", "1664524u", lambda name: name == "sample"))

    ids, info = answer(path)

    assert ids == right
    (warning,) = info.warnings
    assert " computes sample wrongly: " in warning
    assert warning.endswith("; the CPU draws instead")
