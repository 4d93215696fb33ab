"""WebGPU outside the browser, through wgpu-py."""

import asyncio
import contextlib
import os
import re
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import wgpu
from wgpu.backends.wgpu_native import ffi, lib
from wgpu.backends.wgpu_native.extras import set_instance_extras

from wgslm.errors import DeviceLostError, LimitError, NoAdapterError, ShaderError
from wgslm.gpu import ALIGNMENT, AdapterInfo, Buffer, Job, Limits, Program, View, check_size
from wgslm.gpu.threads import ended, in_threads
from wgslm.gpu.wgsl import Binding

MOST_AHEAD = 8  # what a stop string or a cancel throws away; enough to hide a read-back
MOST_AHEAD_SOFTWARE = 1  # lavapipe's submit waits for the one before (measured, Mesa 22.3)
PATIENCE_SECONDS = 120.0  # a GPU that is silent for longer counts as lost
STAGING = wgpu.BufferUsage.MAP_READ | wgpu.BufferUsage.COPY_DST
TIMESTAMPS = "timestamp-query"
MOST_TIMED = 2048  # dispatches: a query set has two entries for each, and 4096 in all
USAGE = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_DST | wgpu.BufferUsage.COPY_SRC
BINDING_TYPE = {
    "uniform": "uniform",
    "storage, read": "read-only-storage",
    "storage, read_write": "storage",
}
LIMITS = (
    "max-buffer-size",
    "max-storage-buffer-binding-size",
    "max-compute-workgroup-storage-size",
    "max-compute-invocations-per-workgroup",
    "max-compute-workgroup-size-x",
)


Step = tuple[wgpu.GPUComputePipeline, wgpu.GPUBindGroup, tuple[int, int, int]]  # the last: grid


@dataclass(frozen=True)
class Recording:
    """Dispatches with everything bound; `params` is the memory of their uniforms."""

    steps: tuple[Step, ...]
    params: wgpu.GPUBuffer


@dataclass(frozen=True)
class Copy:
    """Bytes on their way back; `staging` is lent until they are taken, or given up with it."""

    staging: wgpu.GPUBuffer
    nbytes: int


def open_native(force: str | None = None) -> "NativeDevice":
    """Return this machine's best adapter, or the first whose name contains `force`."""
    adapters = _adapters()
    if force is not None:
        named = [a for a in adapters if force.lower() in f"{_name(a)} {_kind(a)}".lower()]
        if not named:
            known = ", ".join(sorted({_name(adapter) for adapter in adapters})) or "none"
            raise NoAdapterError(f"no adapter's name contains {force!r}; there are: {known}")
        return NativeDevice(named[0])
    if not adapters:
        raise NoAdapterError(
            "there is no WebGPU adapter: install a Vulkan driver (Debian, Ubuntu: "
            "apt install mesa-vulkan-drivers libvulkan1)"
        )
    order = {"DiscreteGPU": 0, "IntegratedGPU": 1, "VirtualGPU": 2}
    return NativeDevice(min(adapters, key=lambda a: order.get(str(a.info["adapter_type"]), 3)))


def _adapters() -> list[wgpu.GPUAdapter]:
    """Return all adapters; OpenGL is left out: it lacks what compute needs."""
    with _no_device_select():
        try:
            set_instance_extras(backends=["Vulkan", "Metal", "DX12"])
        except RuntimeError:
            pass  # the instance exists already, with these settings or the embedding program's
    adapters = wgpu.gpu.enumerate_adapters_sync()
    return [adapter for adapter in adapters if adapter.info["backend_type"] != "OpenGL"]


@contextlib.contextmanager
def _no_device_select() -> Iterator[None]:
    """Leave Mesa's device-select layer out of the Vulkan instance that is made meanwhile.

    It orders adapters by what the desktop shows; we order them ourselves. Without a desktop it
    writes "XDG_RUNTIME_DIR is invalid" to stderr at every look (Mesa 22.3; may go once a
    wgpu-native with a way to refuse layers is out).
    """
    switch = "NODEVICE_SELECT"  # read by the Vulkan loader, only while an instance is made
    before = os.environ.get(switch)
    os.environ[switch] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[switch]
        else:
            os.environ[switch] = before


def _name(adapter: wgpu.GPUAdapter) -> str:
    return str(adapter.info["device"] or adapter.info["description"])


def _kind(adapter: wgpu.GPUAdapter) -> str:
    return "software" if adapter.info["adapter_type"] == "CPU" else "gpu"


class NativeDevice:
    """A `Device` of wgpu-py."""

    compiles_aside = False

    def __init__(self, adapter: wgpu.GPUAdapter) -> None:
        """Ask for all that the adapter can do."""
        limits = {name: adapter.limits[name] for name in LIMITS}
        # naga's name for WebGPU's "subgroups"; it knows the functions without an `enable`
        features = ["subgroup"] if "subgroup" in adapter.features else []
        self.features = frozenset({"subgroups"} if features else ())
        self.has_timestamps = TIMESTAMPS in adapter.features
        features += [TIMESTAMPS] if self.has_timestamps else []
        self._device = adapter.request_device_sync(
            required_limits=limits, required_features=features
        )
        self._queue = self._device.queue
        self.adapter = AdapterInfo(
            name=_name(adapter),
            kind="software" if _kind(adapter) == "software" else "gpu",
            backend=str(adapter.info["backend_type"]),
            driver=str(adapter.info["description"]),
        )
        self.limits = Limits(
            buffer_nbytes=limits["max-buffer-size"],
            binding_nbytes=limits["max-storage-buffer-binding-size"] // ALIGNMENT * ALIGNMENT,
        )
        self.most_ahead = MOST_AHEAD_SOFTWARE if self.adapter.kind == "software" else MOST_AHEAD
        self._stagings: dict[int, list[wgpu.GPUBuffer]] = {}  # idle ones by size
        self._fence = self.create_buffer(4, "fence")
        self._layouts: dict[tuple[Binding, ...], wgpu.GPUBindGroupLayout] = {}
        self._pipelines: dict[Program, wgpu.GPUComputePipeline] = {}

    def create_buffer(self, nbytes: int, label: str) -> Buffer:
        """Return zeroed memory."""
        nbytes = max(16, -(-nbytes // 4) * 4)
        check_size(nbytes, label, self.limits)
        try:
            handle = self._device.create_buffer(size=nbytes, usage=USAGE, label=label)
        except wgpu.GPUError as error:
            raise LimitError(f"{label}: the adapter has no {nbytes:,} bytes left") from error
        return Buffer(label, nbytes, handle)

    def destroy_buffer(self, buffer: Buffer) -> None:
        """Free memory at once."""
        _gpu(buffer).destroy()

    def write(self, buffer: Buffer, offset: int, data: object) -> None:
        """Copy bytes into a buffer."""
        assert isinstance(data, (bytes, bytearray, memoryview)), "native chunks are bytes-like"
        tail = len(data) % 4
        if tail:  # a write is a whole number of u32
            data = bytes(data) + bytes(4 - tail)
        with _lost():
            self._queue.write_buffer(_gpu(buffer), offset, data)

    async def compile(self, programs: Sequence[Program]) -> None:
        """Make pipelines in threads: a driver's compiler uses none of Python's lock."""
        missing = [one for one in dict.fromkeys(programs) if one not in self._pipelines]
        for program in missing:
            self._layout(program.source().bindings)  # here, so that threads only look it up
        await in_threads(self._compile, missing)

    def _compile(self, program: Program) -> None:
        self._pipelines[program] = self._pipeline(program)

    def record(self, jobs: Sequence[Job]) -> Recording:
        """Bind every job's views, and pack all params into one buffer."""
        blob = bytearray()
        offsets: list[int] = []
        for job in jobs:
            offsets.append(len(blob))
            blob += job.params + bytes(-len(job.params) % ALIGNMENT)
        params = self._device.create_buffer_with_data(
            data=bytes(blob) or bytes(ALIGNMENT), usage=wgpu.BufferUsage.UNIFORM
        )
        steps = tuple(
            (self._pipelines[job.program], self._bind(job, params, offset), job.grid)
            for job, offset in zip(jobs, offsets, strict=True)
        )
        return Recording(steps, params)

    def submit(self, *recordings: object) -> None:
        """Run recordings once, one after the other, in one pass."""
        with _lost():
            encoder = self._device.create_command_encoder()
            _replay(encoder, recordings)
            self._queue.submit([encoder.finish()])

    def release(self, recording: object) -> None:
        """Free the uniforms."""
        _recording(recording).params.destroy()

    async def profile(self, *recordings: object) -> list[float]:
        """Run recordings once and return each dispatch's seconds."""
        steps = [
            (step, recording.params)
            for recording in map(_recording, recordings)
            for step in recording.steps
        ]
        seconds: list[float] = []
        if self.has_timestamps:
            for first in range(0, len(steps), MOST_TIMED):
                timed = [step for step, _ in steps[first : first + MOST_TIMED]]
                seconds += await self._timestamps(timed)
            return seconds
        for step, params in steps:
            begun = time.perf_counter()
            self.submit(Recording((step,), params))
            await self.idle()
            seconds.append(time.perf_counter() - begun)
        return seconds

    async def _timestamps(self, steps: Sequence[Step]) -> list[float]:
        count = 2 * len(steps)
        queries = self._device.create_query_set(type="timestamp", count=count)
        usage = wgpu.BufferUsage.QUERY_RESOLVE | wgpu.BufferUsage.COPY_SRC
        resolved = self._device.create_buffer(size=8 * count, usage=usage)
        with _lost():
            encoder = self._device.create_command_encoder()
            for index, step in enumerate(steps):
                marks = {
                    "query_set": queries,
                    "beginning_of_pass_write_index": 2 * index,
                    "end_of_pass_write_index": 2 * index + 1,
                }
                compute = encoder.begin_compute_pass(timestamp_writes=marks)
                _encode(compute, step)
                compute.end()
            encoder.resolve_query_set(queries, 0, count, resolved, 0)
            self._queue.submit([encoder.finish()])
        ticks = array("Q", await self.take(self._copy(resolved, 0, 8 * count)))
        resolved.destroy()
        queries.destroy()
        # wgpu-native 29 gives the driver's ticks, where WebGPU promises nanoseconds
        tick = lib.wgpuQueueGetTimestampPeriod(self._queue._internal) * 1e-9
        return [(ticks[i + 1] - ticks[i]) * tick for i in range(0, count, 2)]

    def copy(self, view: View, *recordings: object) -> Copy:
        """Run recordings, if any, then copy a buffer's bytes as they are then."""
        return self._copy(_gpu(view.buffer), view.offset, view.nbytes, *recordings)

    def _copy(self, buffer: wgpu.GPUBuffer, offset: int, wanted: int, *recordings: object) -> Copy:
        nbytes = -(-wanted // 4) * 4
        idle = self._stagings.setdefault(nbytes, [])
        with _lost():
            staging = idle.pop() if idle else self._device.create_buffer(size=nbytes, usage=STAGING)
            encoder = self._device.create_command_encoder()
            if recordings:
                _replay(encoder, recordings)
            encoder.copy_buffer_to_buffer(buffer, offset, staging, 0, nbytes)
            self._queue.submit([encoder.finish()])
        return Copy(staging, wanted)

    async def take(self, copy: object) -> bytes:
        """Wait for a copy in a thread, so that a server answers others meanwhile.

        Only now: while wgpu-native 29 waits for a mapping, a submit waits too (wgpu #9470).
        A cancelled one ends when the thread does: whatever follows, `close` above all, must
        not find it still waiting for the GPU (it would wait for ever).
        """
        assert isinstance(copy, Copy), "made by `copy`"
        thread = asyncio.ensure_future(asyncio.to_thread(_mapped, copy.staging))
        try:
            await asyncio.wait({thread}, timeout=PATIENCE_SECONDS)
        except asyncio.CancelledError:
            await ended([thread], PATIENCE_SECONDS)
            raise
        if not thread.done():
            raise DeviceLostError(f"the GPU did not answer within {PATIENCE_SECONDS:.0f} s")
        with _lost():
            data = thread.result()[: copy.nbytes]
        self._stagings[copy.staging.size].append(copy.staging)
        return data

    async def read(self, view: View) -> bytes:
        """Wait for all submitted work, then return a copy of a buffer's bytes."""
        return await self.take(self.copy(view))

    async def idle(self) -> None:
        """Wait for all submitted work."""
        await self.read(View(self._fence, 0, 4))  # wgpu-py 0.32: on_submitted_work_done is broken

    async def close(self) -> None:
        """Free everything."""
        self._pipelines.clear()
        self._layouts.clear()
        self._device.destroy()

    def _bind(self, job: Job, params: wgpu.GPUBuffer, offset: int) -> wgpu.GPUBindGroup:
        bindings = job.program.source().bindings
        views = iter(job.views)
        entries = []
        for binding in bindings:
            if binding.access == "uniform":
                resource = {"buffer": params, "offset": offset, "size": len(job.params)}
            else:
                view = next(views)
                resource = {
                    "buffer": _gpu(view.buffer),
                    "offset": view.offset,
                    "size": -(-view.nbytes // 4) * 4,
                }
            entries.append({"binding": binding.index, "resource": resource})
        return self._device.create_bind_group(layout=self._layout(bindings), entries=entries)

    def _layout(self, bindings: tuple[Binding, ...]) -> wgpu.GPUBindGroupLayout:
        if bindings not in self._layouts:
            entries = [
                {
                    "binding": binding.index,
                    "visibility": wgpu.ShaderStage.COMPUTE,
                    "buffer": {"type": BINDING_TYPE[binding.access]},
                }
                for binding in bindings
            ]
            self._layouts[bindings] = self._device.create_bind_group_layout(entries=entries)
        return self._layouts[bindings]

    def _pipeline(self, program: Program) -> wgpu.GPUComputePipeline:
        shader = program.source()
        try:
            module = self._device.create_shader_module(label=shader.name, code=shader.text)
            layout = self._device.create_pipeline_layout(
                bind_group_layouts=[self._layout(shader.bindings)]
            )
            stage = {
                "module": module,
                "entry_point": "main",
                "constants": dict(program.constants),
            }
            return self._device.create_compute_pipeline(layout=layout, compute=stage)
        except wgpu.GPUError as error:
            found = re.search(r"wgsl:(\d+):", str(error))
            where = shader.locate(int(found[1])) if found else shader.name
            raise ShaderError(f"{where}: {error}") from error


def _encode(compute: wgpu.GPUComputePassEncoder, step: Step) -> None:
    """Append a dispatch, past wgpu-py, whose calls watch for errors: 1.05 ms a step, not 1.3.

    Those of a pass come when its encoder is finished.
    """
    pipeline, group, grid = step
    handle = compute._internal
    lib.wgpuComputePassEncoderSetPipeline(handle, pipeline._internal)
    lib.wgpuComputePassEncoderSetBindGroup(handle, 0, group._internal, 0, ffi.NULL)
    lib.wgpuComputePassEncoderDispatchWorkgroups(handle, *grid)


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    """Turn a refusal to work into `DeviceLostError`: what is sent was checked when recorded."""
    try:
        yield
    except (wgpu.GPUError, RuntimeError) as error:
        raise DeviceLostError(f"the GPU is gone or refused a command: {error}") from error


def _recording(recording: object) -> Recording:
    assert isinstance(recording, Recording), "made by `record`"
    return recording


def _replay(encoder: wgpu.GPUCommandEncoder, recordings: Sequence[object]) -> None:
    compute = encoder.begin_compute_pass()
    for recording in map(_recording, recordings):
        for step in recording.steps:
            _encode(compute, step)
    compute.end()


def _mapped(staging: wgpu.GPUBuffer) -> bytes:
    """Wait until a staging buffer holds what was copied, and return it."""
    staging.map_async("READ_NOSYNC").sync_wait()  # as `read_buffer`: what it holds was submitted
    data = bytes(staging.read_mapped())
    staging.unmap()
    return data


def _gpu(buffer: Buffer) -> wgpu.GPUBuffer:
    """Return the handle that this module put there."""
    return buffer.handle
