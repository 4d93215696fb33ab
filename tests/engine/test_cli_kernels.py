"""The command line's say in which kernels run, and what it tells of them."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from command_line import call
from tiny_models import write_tiny
from wgslm.cli.folders import cache_folder
from wgslm.gpu import AdapterInfo, Device
from wgslm.kernels.schedule import ROLES, VARIANTS, Role, choose
from wgslm.quants import QUANTS
from wrong_driver import Flaw, spoil

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("device")]
Capture = pytest.CaptureFixture[str]
COMMANDS = {
    "run": ("-p", "Hello", "--max-tokens", "2"),
    "chat": (),
    "serve": ("--port", "0"),
    "bench": ("--pp", "0", "--tg", "2", "--repeat", "1"),
    "explain": (),
    "logits": ("--ids", "1,5"),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("cli") / "tiny.gguf", "llama", QUANTS[0])


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The user's cache, empty."""
    monkeypatch.setenv(
        "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", f"{tmp_path}"
    )
    return cache_folder()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every device says that it is a GPU, and its tuning is soon over."""
    make = AdapterInfo.__init__

    def init(self: AdapterInfo, **facts: Any) -> None:
        make(self, **{**facts, "kind": "gpu"})

    monkeypatch.setattr(AdapterInfo, "__init__", init)
    monkeypatch.setattr("wgslm.tune.BUDGET_SECONDS", 0.01)


def line_of(chosen: dict[Role, tuple[str, str]]) -> str:
    return ", ".join(f"{role} {name} ({why})" for role, (name, why) in chosen.items())


@pytest.mark.parametrize(
    ("command", "role"),
    [*((command, "one") for command in COMMANDS), *(("explain", role) for role in ROLES[1:])],
)
def test_an_unknown_variant_is_refused_with_the_list(
    capsys: Capture, model: Path, device: Device, command: str, role: Role
) -> None:
    outcome = call(capsys, command, model, *COMMANDS[command], "--variant", f"{role}=fast")

    variants = (variant for variant in VARIANTS[role] if variant.needs <= device.features)
    names = ", ".join(variant.name for variant in variants)
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1] == (
        f"wgslm {command}: no variant 'fast' for {role!r} on this adapter; there are {names}"
    )


def test_a_role_that_does_not_exist_is_wrong_usage(capsys: Capture, model: Path) -> None:
    outcome = call(capsys, "run", model, "-p", "Hello", "--variant", "few=vec64")

    assert outcome.status == 2
    assert "ROLE=NAME would be right, ROLE one of one, many, attention," in outcome.err


@pytest.mark.parametrize("command", ["run", "explain", "bench"])
def test_the_kernels_are_shown_with_the_reason(
    capsys: Capture, model: Path, device: Device, command: str
) -> None:
    forced = "--variant", "one=rows"
    outcome = call(capsys, command, model, *COMMANDS[command], *forced)

    many = choose(device.adapter.kind, device.features).many.name
    assert outcome.status == 0
    assert line_of({"one": ("rows", "forced"), "many": (many, "default")}) in (
        outcome.out + outcome.err
    )


@pytest.mark.usefixtures("gpu")
def test_a_gpu_is_tuned_once_and_explain_shows_it(
    capsys: Capture, model: Path, cache: Path
) -> None:
    before = call(capsys, "explain", model, "--json").json["variants"]
    outcome = call(capsys, "run", model, *COMMANDS["run"])
    (record,) = cache.glob("autotune-*.json")
    written = record.stat().st_mtime_ns
    after = call(capsys, "explain", model, "--json").json["variants"]
    again = call(capsys, "run", model, *COMMANDS["run"])

    assert [chosen["why"] for chosen in before] == ["default", "default"]
    assert [chosen["why"] for chosen in after] == ["tuned", "tuned"]
    assert "(tuned)" in outcome.err and "(tuned)" in again.err
    assert record.stat().st_mtime_ns == written
    assert json.loads(record.read_text())["key"]["kind"] == "gpu"


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("command", ["run", "bench"])
def test_no_autotune_measures_and_keeps_nothing(
    capsys: Capture, model: Path, cache: Path, command: str
) -> None:
    outcome = call(capsys, command, model, *COMMANDS[command], "--no-autotune")

    assert outcome.status == 0
    assert "one vec64 (default), many tile32 (default)" in outcome.out + outcome.err
    assert not cache.exists()


def test_a_wrong_driver_is_told_also_beside_json(
    capsys: Capture, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, Flaw("1664525u", "1664524u", lambda name: name == "sample"))

    outcome = call(capsys, "run", model, *COMMANDS["run"], "--json")

    assert outcome.status == 0 and outcome.json["ids"]
    assert outcome.err.startswith("warning: ")
    assert "computes sample wrongly" in outcome.err
    assert "; the CPU draws instead\n" in outcome.err
