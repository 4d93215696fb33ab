"""The browser and the GPU driver of this machine: finds them, installs them, or says how to.

Run as a program it prints the adapter that the engine chooses, as JSON (OpenGL's, which come with
a browser, are none); that is done in a process of its own because a broken driver can take the
process down with it.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build import environment, steps
else:
    environment = sys.modules.get("wgslm_build_environment")  # absent when run as a program
    steps = environment and environment.load("steps")

OVERRIDE = "WGSLM_BROWSER"
COMMANDS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge",
)  # fmt: skip
FIREFOX_COMMANDS = ("firefox-esr", "firefox")
FIREFOX_PLACES = (
    "/Applications/Firefox.app/Contents/MacOS/firefox",
    "C:/Program Files/Mozilla Firefox/firefox.exe",
)
MAC_APPS = ("Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser")
WINDOWS_PROGRAMS = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
WINDOWS_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
CHECK_SECONDS = 60
KEPT = "adapter.json"  # in .cache/: asking wgpu takes a second or more
# What decides which adapter wgpu sees: the drivers, the devices, and variables that choose.
DRIVERS = (
    "/usr/share/vulkan/icd.d/*", "/usr/local/share/vulkan/icd.d/*", "/etc/vulkan/icd.d/*",
    "/usr/lib*/libvulkan.so*", "/usr/lib/*/libvulkan.so*", "/dev/dri/*", "/dev/nvidia*", "/dev/dxg",
)  # fmt: skip
CHOOSING = ("VK_", "WGPU_", "MESA_", "CUDA_", "NVIDIA_", "GALLIUM_", "LIBGL_")
SOFTWARE_FLAGS = ("--use-webgpu-adapter=swiftshader",)
LINUX_GPU_FLAGS = ("--enable-features=Vulkan", "--ignore-gpu-blocklist")


@dataclass(frozen=True)
class Adapter:
    """What WebGPU runs on; `kind` is "gpu" or "software"."""

    name: str
    kind: str


def ensure_browser() -> Path:
    """Return a Chromium (or Chrome, or Edge) that starts; install one where that is possible."""
    if chosen := os.environ.get(OVERRIDE):
        if _starts(Path(chosen)):
            return Path(chosen)
        raise steps.SetUpError(f"{OVERRIDE} is {chosen!r}, which does not start as a browser")
    if found := next((path for path in _browsers() if _starts(path)), None):
        return found
    if sys.platform == "darwin":
        raise steps.SetUpError("No Chromium here; run: brew install --cask google-chrome")
    if sys.platform == "win32":
        raise steps.SetUpError("No Chromium here; run: winget install Google.Chrome")
    steps.apt_install("a browser", ["chromium"])
    if found := next((path for path in _browsers() if _starts(path)), None):
        return found
    raise steps.SetUpError(
        "apt-get installed chromium, but it does not start (on Ubuntu it is a snap, which needs "
        f"snapd): install Google Chrome, or set {OVERRIDE} to the path of another Chromium"
    )


def ensure_firefox() -> Path:
    """Return a Firefox that starts, which only tests need; install Debian's where possible."""
    if found := _firefox():
        return found
    if sys.platform != "linux":
        raise steps.SetUpError("No Firefox here; get it from https://www.mozilla.org/firefox/")
    steps.apt_install("Firefox", ["firefox-esr"])
    if found := _firefox():
        return found
    raise steps.SetUpError("apt-get installed firefox-esr, but it does not start")


def try_firefox() -> None:
    """Do as `ensure_firefox`; where that fails say why: its tests will skip."""
    try:
        ensure_firefox()
    except steps.SetUpError as error:
        print(f"The tests in Firefox will skip: {error}", file=sys.stderr)


def browser_flags(adapter: Adapter | None) -> list[str]:
    """Return what Chromium needs for WebGPU: the GPU where there is one, else SwiftShader."""
    flags = ["--enable-unsafe-webgpu"]
    if sys.platform == "linux" and os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium refuses to sandbox as root
    if adapter is None or adapter.kind == "software":
        return [*flags, *SOFTWARE_FLAGS]
    return [*flags, *LINUX_GPU_FLAGS] if sys.platform == "linux" else flags


def ensure_gpu() -> Adapter:
    """Return the adapter that Python sees; install Mesa's drivers where there is none."""
    if found := kept_adapter():
        return found
    if sys.platform != "linux":
        raise steps.SetUpError("No WebGPU adapter here, and macOS and Windows bring one: see wgpu")
    steps.apt_install("a Vulkan driver", ["mesa-vulkan-drivers", "libvulkan1"])
    if found := kept_adapter():
        return found
    raise steps.SetUpError(
        "mesa-vulkan-drivers is installed, but wgpu sees no adapter; vulkaninfo may tell why"
    )


def try_gpu() -> Adapter | None:
    """Do as `ensure_gpu`; where that fails say why, and what to type, and go on with None."""
    try:
        return ensure_gpu()
    except steps.SetUpError as error:
        print(f"The page can do without, but not .venv's wgslm: {error}", file=sys.stderr)
        return None


def kept_adapter() -> Adapter | None:
    """Return what `adapter` said, asking again only where drivers or devices have changed."""
    place, key = environment.CACHE / KEPT, _drivers()
    try:
        kept = json.loads(place.read_text())
        if kept["key"] == key:
            return Adapter(kept["name"], kept["kind"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never asked, or interrupted while writing
    if found := adapter():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"key": key, **asdict(found)}))
        return found
    return None


def adapter() -> Adapter | None:
    """Return the adapter that the engine would choose, or None where wgpu sees none for it."""
    command = [str(environment.python()), __file__]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return Adapter(**json.loads(done.stdout)) if done.returncode == 0 else None


def _drivers() -> str:
    """Name what an adapter depends on: packages, drivers, devices, variables, how it is asked."""
    facts = [Path(__file__).read_text(encoding="utf-8")]
    facts += [environment.PACKAGES.read_text() if environment.PACKAGES.is_file() else ""]
    for path in sorted(path for pattern in DRIVERS for path in glob.glob(pattern)):
        is_driver = path.endswith(".json")
        facts.append(f"{path} {os.lstat(path).st_mtime_ns if is_driver else ''}")
    facts += [
        f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(CHOOSING)
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _browsers() -> Iterator[Path]:
    """Yield where a Chromium may be, the likeliest place first."""
    if sys.platform == "darwin":
        for app in MAC_APPS:
            yield Path(f"/Applications/{app}.app/Contents/MacOS/{app}")
    if sys.platform == "win32":
        roots = [os.environ[name] for name in WINDOWS_FOLDERS if name in os.environ]
        yield from (Path(root) / program for root in roots for program in WINDOWS_PROGRAMS)
    yield from (Path(path) for name in COMMANDS if (path := shutil.which(name)))


def _firefox() -> Path | None:
    """Return the first Firefox that starts."""
    paths = [path for name in FIREFOX_COMMANDS if (path := shutil.which(name))]
    return next((path for path in map(Path, (*paths, *FIREFOX_PLACES)) if _starts(path)), None)


def _starts(browser: Path) -> bool:
    """Say whether this browser can be started: Ubuntu's chromium-browser may be an empty shell."""
    if not browser.is_file():
        return False
    if sys.platform == "win32":  # there --version opens a window
        return True
    try:
        command = [str(browser), "--version"]
        done = subprocess.run(command, capture_output=True, timeout=CHECK_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _print_adapter() -> None:
    from wgslm.gpu.native import open_native

    found = open_native().adapter
    print(json.dumps({"name": found.name, "kind": found.kind}))


if __name__ == "__main__":
    _print_adapter()
