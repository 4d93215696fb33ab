"""The GPU as the engine sees it: buffers, compiled programs, recorded dispatches, read-back.

Knows bytes and shaders, not models. `native` and `browser` are its two implementations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from wgslm.errors import LimitError
from wgslm.gpu.wgsl import Shader, load

SUBGROUPS = "subgroups"
FEATURES = (SUBGROUPS,)  # optional ones that kernels know to use, by WebGPU's names
SUBGROUPS_OF_8 = "subgroups of 8"  # found by `probe`: 8 lanes are always in one subgroup
ALIGNMENT = 256  # of a binding's offset, on every adapter


@dataclass(frozen=True)
class AdapterInfo:
    """Who computes, for people and for benchmarks."""

    name: str
    kind: Literal["gpu", "software"]
    backend: str  # "Vulkan", "Metal", "D3D12", "WebGPU"
    driver: str

    def __str__(self) -> str:
        """Return one line that never lets a software adapter pass for a GPU."""
        note = ", a software adapter" if self.kind == "software" else ""
        return f"{self.name} ({', '.join(filter(None, (self.backend, self.driver)))}{note})"


@dataclass(frozen=True)
class Limits:
    """What a device allows, in bytes."""

    buffer_nbytes: int
    binding_nbytes: int


DEFAULT_LIMITS = Limits(256 << 20, 128 << 20)  # what WebGPU promises on every adapter


@dataclass(frozen=True, eq=False)
class Buffer:
    """GPU memory. `handle` belongs to the device that made it."""

    label: str
    nbytes: int
    handle: object


@dataclass(frozen=True)
class View:
    """A range of a buffer; `offset` is a multiple of `ALIGNMENT`."""

    buffer: Buffer
    offset: int
    nbytes: int


@dataclass(frozen=True)
class Program:
    """A shader with its abstract imports and `override`s decided: what one pipeline is made of."""

    shader: str
    bound: tuple[tuple[str, str], ...] = ()  # abstract import -> file
    constants: tuple[tuple[str, int | float], ...] = ()  # override -> value

    def source(self) -> Shader:
        """Compose the shader."""
        return load(self.shader, **dict(self.bound))

    def constant(self, name: str) -> int:
        """Return the value of an unsigned `const`, or of an `override` as it is decided here."""
        return int(dict(self.constants).get(name, self.source().constant(name)))


@dataclass(frozen=True)
class Job:
    """One dispatch, ready to be recorded. `views` are the storage bindings, in binding order."""

    program: Program
    params: bytes
    views: tuple[View, ...]
    grid: tuple[int, int, int]


class Device(Protocol):
    """An adapter in use. Work is done in the order of the calls; only what is async waits."""

    adapter: AdapterInfo
    limits: Limits
    features: frozenset[str]  # of FEATURES, and what `probe` found
    compiles_aside: bool  # `compile` lets other work go on meanwhile
    has_timestamps: bool  # `profile` reads the GPU's own clock
    most_ahead: int  # submits that may be under way before the next one makes this thread wait

    def create_buffer(self, nbytes: int, label: str) -> Buffer:
        """Return zeroed memory, or raise `LimitError`."""

    def destroy_buffer(self, buffer: Buffer) -> None:
        """Free memory at once; work that was submitted before still sees it."""

    def write(self, buffer: Buffer, offset: int, data: object) -> None:
        """Copy `data` (bytes, or what `ByteSource.chunk` returned) into a buffer."""

    async def compile(self, programs: Sequence[Program]) -> None:
        """Make pipelines, in parallel where the platform can; `record` needs them."""

    def record(self, jobs: Sequence[Job]) -> object:
        """Make everything that replaying `jobs` needs; nothing is created at replay."""

    def submit(self, *recordings: object) -> None:
        """Run recordings once, one after the other, in one pass."""

    async def profile(self, *recordings: object) -> list[float]:
        """Run recordings once, a pass for each dispatch, and return each one's seconds.

        By the GPU's clock; without `has_timestamps` by this machine's, from its submit to its end.
        """

    def release(self, recording: object) -> None:
        """Free what a recording holds; the buffers that it uses stay."""

    def copy(self, view: View, *recordings: object) -> object:
        """Run recordings, if any, then copy a buffer's bytes as they are then; `take` gets them.

        A copy that nobody takes costs nothing.
        """

    async def take(self, copy: object) -> bytes:
        """Wait for a copy."""

    async def read(self, view: View) -> bytes:
        """Wait for all submitted work, then return a copy of a buffer's bytes."""

    async def idle(self) -> None:
        """Wait for all submitted work; raise what went wrong since the last wait."""

    async def close(self) -> None:
        """Free everything."""


def check_size(nbytes: int, label: str, limits: Limits) -> None:
    """Raise `LimitError` for a buffer that the device would refuse."""
    if nbytes > limits.buffer_nbytes:
        raise LimitError(
            f"{label} needs a buffer of {nbytes:,} bytes; this adapter allows "
            f"{limits.buffer_nbytes:,}. A smaller context or model would fit"
        )


async def open_device(force: str | None = None) -> Device:
    """Return the platform's device. `force` picks an adapter by a part of its name (native)."""
    device = await _open(force)
    if SUBGROUPS in device.features and await probe(device) >= 8:
        device.features |= {SUBGROUPS_OF_8}
    return device


async def probe(device: Device) -> int:
    """Return how many of a workgroup's 8 lanes share a subgroup; adapters' own figures lie.

    wgpu-native 29 says "4 to 128" of lavapipe, whose subgroups have 8 lanes.
    """
    program = Program("subgroup_lanes")
    await device.compile([program])
    buffer = device.create_buffer(16, "subgroup lanes")
    job = Job(program, bytes(4), (View(buffer, 0, 16),), (1, 1, 1))
    recording = device.record([job])
    try:
        device.submit(recording)
        return int.from_bytes(await device.read(View(buffer, 0, 4)), "little")
    finally:
        device.release(recording)
        device.destroy_buffer(buffer)


async def _open(force: str | None) -> Device:
    import sys

    if sys.platform == "emscripten":
        from wgslm.gpu.browser import open_browser

        return await open_browser()
    from wgslm.gpu.native import open_native

    return open_native(force)
