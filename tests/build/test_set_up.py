"""The set-up's decisions: what is out of date, what is missing, what to type."""

import os
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from setup_modules import load

environment, steps, machine = load("environment"), load("steps"), load("machine")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder whose .venv counts as made."""
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_text("first")
    venv = tmp_path / ".venv"
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", venv)
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements.txt")
    monkeypatch.setattr(environment, "PACKAGES", venv / "packages-installed")
    monkeypatch.setattr(environment, "PROJECT", venv / "project-installed")
    environment.python().parent.mkdir(parents=True)
    environment.python().touch()
    for stamp in (environment.PACKAGES, environment.PROJECT):
        stamp.write_text(environment._wanted(stamp))
    return tmp_path


def test_finished_set_up_is_left_alone(made: Path) -> None:
    assert environment._is_made(environment.PACKAGES)
    assert environment._is_made(environment.PROJECT)


def test_new_pins_ask_for_new_packages_only(made: Path) -> None:
    (made / "requirements.txt").write_text("second")

    assert not environment._is_made(environment.PACKAGES)
    assert environment._is_made(environment.PROJECT)


def test_new_pyproject_asks_for_the_project_only(made: Path) -> None:
    (made / "pyproject.toml").write_text("second")

    assert environment._is_made(environment.PACKAGES)
    assert not environment._is_made(environment.PROJECT)


def test_another_python_asks_for_everything(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.sys, "version_info", (3, 99, 0))

    assert not environment._is_made(environment.PACKAGES)
    assert not environment._is_made(environment.PROJECT)


def test_copied_folder_asks_for_everything(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ROOT", made / "copy")
    (made / "copy").mkdir()
    (made / "copy/pyproject.toml").write_text("first")

    assert not environment._is_made(environment.PACKAGES)
    assert not environment._is_made(environment.PROJECT)


def test_interrupted_set_up_starts_over(made: Path) -> None:
    environment.PACKAGES.unlink()

    assert not environment._is_made(environment.PACKAGES)


def test_symlinked_venv_is_entered_once(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.VENV.rename(made / "elsewhere")
    environment.VENV.symlink_to(made / "elsewhere")
    monkeypatch.setattr(environment.sys, "prefix", str(environment.VENV))
    monkeypatch.setattr(environment.os, "execv", lambda *_: pytest.fail("started again"))

    environment.enter()


@pytest.mark.skipif(os.name != "posix", reason="Windows starts a child instead")
def test_venv_that_leads_elsewhere_is_refused_at_the_second_try(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[str] = []
    monkeypatch.setenv(environment.RESTARTED, "")
    monkeypatch.delenv(environment.RESTARTED)
    monkeypatch.setattr(environment.os, "execv", lambda path, _: starts.append(path))

    environment.enter()
    with pytest.raises(SystemExit, match=r"delete .*\.venv, run this again"):
        environment.enter()

    assert starts == [str(environment.python())]
    assert environment.RESTARTED not in os.environ


def test_failed_command_shows_its_last_lines(tmp_path: Path) -> None:
    script = tmp_path / "fails.py"
    script.write_text("print('the reason')\nraise SystemExit(7)\n")

    with pytest.raises(SystemExit, match=r"(?s)failed with exit code 7:\nthe reason"):
        steps.run([sys.executable, str(script)])


def test_missing_command_is_a_sentence() -> None:
    with pytest.raises(SystemExit, match="no-such-program could not be started"):
        steps.run(["no-such-program"])


def test_without_root_the_command_to_type_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps.shutil, "which", lambda name: "apt-get")
    monkeypatch.setattr(steps.os, "geteuid", lambda: 1000, raising=False)

    with pytest.raises(SystemExit) as refusal:
        steps.apt_install("a browser", ["chromium"])

    assert str(refusal.value) == "a browser is missing; run: sudo apt-get install chromium"


def test_root_on_debian_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(steps.shutil, "which", lambda name: "apt-get")
    monkeypatch.setattr(steps.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(steps, "run", commands.append)

    steps.apt_install("a browser", ["chromium"])

    assert [command[:2] for command in commands] == [["apt-get", "update"], ["apt-get", "install"]]
    assert commands[1][-1] == "chromium"


def test_lock_lets_one_in_at_a_time(tmp_path: Path) -> None:
    inside: list[str] = []

    def enter(name: str) -> None:
        with steps.locked(tmp_path / "lock"):
            inside.append(name)
            time.sleep(0.05)
            inside.append(name)

    threads = [threading.Thread(target=enter, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert inside in (["a", "a", "b", "b"], ["b", "b", "a", "a"])


def test_chosen_browser_that_does_not_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(machine.OVERRIDE, "/no/such/browser")

    with pytest.raises(SystemExit, match="WGSLM_BROWSER is '/no/such/browser'"):
        machine.ensure_browser()


def test_shell_without_a_browser_behind_it_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(machine.OVERRIDE, raising=False)
    shell, browser = tmp_path / "chromium", tmp_path / "google-chrome"
    shell.write_text("#!/bin/sh\nexit 1\n")
    browser.write_text("#!/bin/sh\nexit 0\n")
    shell.chmod(0o755)
    browser.chmod(0o755)
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.shutil, "which", lambda name: str(tmp_path / name))

    assert machine.ensure_browser() == browser


@pytest.fixture
def asked(made: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often wgpu was asked, on a machine with one driver: icd.json."""
    asked: list[str] = []

    def answer() -> object:
        asked.append("wgpu")
        return machine.Adapter("llvmpipe", "software")

    (made / "icd.json").touch()
    monkeypatch.setattr(environment, "CACHE", made / ".cache")
    monkeypatch.setattr(machine, "DRIVERS", (str(made / "*.json"),))
    monkeypatch.setattr(machine, "adapter", answer)
    return asked


def test_adapter_is_asked_for_once(asked: list[str]) -> None:
    first, second = machine.ensure_gpu(), machine.ensure_gpu()

    assert first == second == machine.Adapter("llvmpipe", "software")
    assert asked == ["wgpu"]


def test_new_driver_is_asked_about(asked: list[str], made: Path) -> None:
    machine.ensure_gpu()
    (made / "other.json").touch()

    machine.ensure_gpu()

    assert len(asked) == 2


def test_chosen_driver_is_asked_about(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    machine.ensure_gpu()
    monkeypatch.setenv("VK_DRIVER_FILES", "icd.json")

    machine.ensure_gpu()

    assert len(asked) == 2


@pytest.mark.parametrize("broken", ["", "[]", '{"key": "other"}'])
def test_broken_record_of_the_adapter_is_made_anew(
    asked: list[str], made: Path, broken: str
) -> None:
    (made / ".cache").mkdir()
    (made / ".cache" / machine.KEPT).write_text(broken)

    machine.ensure_gpu()
    machine.ensure_gpu()

    assert asked == ["wgpu"]


def test_missing_driver_is_said_and_stops_no_page(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "adapter", lambda: None)
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(steps.shutil, "which", lambda name: "apt-get")
    monkeypatch.setattr(steps.os, "geteuid", lambda: 1000, raising=False)

    assert machine.try_gpu() is None

    typed = "sudo apt-get install mesa-vulkan-drivers libvulkan1"
    assert capsys.readouterr().err.endswith(f"a Vulkan driver is missing; run: {typed}\n")


@pytest.mark.parametrize(("kind", "software"), [("gpu", False), ("software", True), (None, True)])
def test_page_gets_swiftshader_only_without_a_gpu(kind: str | None, software: bool) -> None:
    adapter = SimpleNamespace(kind=kind) if kind else None

    assert ("--use-webgpu-adapter=swiftshader" in machine.browser_flags(adapter)) == software


@pytest.mark.skipif(sys.platform != "linux", reason="Vulkan's loader is told by variables here")
def test_adapters_of_opengl_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.setenv(name, str(tmp_path / "none.json"))

    assert machine.adapter() is None
