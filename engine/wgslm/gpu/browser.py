"""WebGPU in the tab: the `Device` over browser.js, which holds the GPU's objects."""

import itertools
import json
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import wgslm_js
from pyodide.ffi import JsException, JsProxy, to_js

import wgslm.errors
from wgslm.errors import DeviceLostError, ShaderError, WgslmError
from wgslm.gpu import (
    ALIGNMENT,
    FEATURES,
    AdapterInfo,
    Buffer,
    Job,
    Limits,
    Program,
    View,
    check_size,
)

MOST_AHEAD = 8  # what a stop string or a cancel throws away; enough to hide a read-back
MOST_AHEAD_SOFTWARE = 2  # the same cores compute and read back
SOFTWARE = ("swiftshader", "llvmpipe", "softwarerasterizer", "basic render")
T = TypeVar("T")


async def open_browser() -> "BrowserDevice":
    """Return the browser's best adapter."""
    return BrowserDevice(await _awaited(wgslm_js.openGpu(to_js(FEATURES))))


class BrowserDevice:
    """A `Device` of navigator.gpu."""

    compiles_aside = True

    def __init__(self, gpu: Any) -> None:
        """Read what the adapter is and allows."""
        self._gpu = gpu
        self._programs: dict[Program, str] = {}
        self._keys = itertools.count()
        info = gpu.info
        words = [
            str(getattr(info, key, "") or "") for key in ("description", "vendor", "architecture")
        ]
        name = words[0] or " ".join(filter(None, words[1:])) or "an unnamed adapter"
        is_software = bool(gpu.isFallback) or any(w in " ".join(words).lower() for w in SOFTWARE)
        self.adapter = AdapterInfo(
            name=name,
            kind="software" if is_software else "gpu",
            backend="WebGPU",
            driver=words[2] if words[2] not in name else "",
        )
        self.most_ahead = MOST_AHEAD_SOFTWARE if is_software else MOST_AHEAD
        self.features = frozenset(FEATURES) & frozenset(gpu.features.to_py())
        self.has_timestamps = bool(gpu.hasTimestamps)
        self.limits = Limits(
            buffer_nbytes=int(gpu.bufferNbytes),
            binding_nbytes=int(gpu.bindingNbytes) // ALIGNMENT * ALIGNMENT,
        )

    def create_buffer(self, nbytes: int, label: str) -> Buffer:
        """Return zeroed memory; exhaustion shows at the next wait."""
        nbytes = max(16, -(-nbytes // 4) * 4)
        check_size(nbytes, label, self.limits)
        return Buffer(label, nbytes, _called(self._gpu.createBuffer, nbytes, label))

    def destroy_buffer(self, buffer: Buffer) -> None:
        """Free memory at once."""
        self._gpu.destroyBuffer(buffer.handle)

    def write(self, buffer: Buffer, offset: int, data: object) -> None:
        """Copy Python bytes, or a Uint8Array that never was in Python and is empty afterwards."""
        _called(
            self._gpu.write,
            buffer.handle,
            offset,
            data if isinstance(data, JsProxy) else to_js(data),
        )

    async def compile(self, programs: Sequence[Program]) -> None:
        """Make pipelines in parallel."""
        missing = [program for program in dict.fromkeys(programs) if program not in self._programs]
        keys = [f"{next(self._keys)}" for _ in missing]
        described = [_describe(program, key) for program, key in zip(missing, keys, strict=True)]
        try:
            await _awaited(self._gpu.compile(json.dumps(described)))
        except ShaderError as error:
            raise _located(missing, str(error)) from error
        self._programs.update(zip(missing, keys, strict=True))

    def record(self, jobs: Sequence[Job]) -> object:
        """Bind every job's views, and pack all params into one buffer."""
        blob = bytearray()
        described = []
        for job in jobs:
            views = [
                (view.buffer.handle, view.offset, -(-view.nbytes // 4) * 4) for view in job.views
            ]
            key = self._programs[job.program]
            described.append((key, len(blob), len(job.params), views, job.grid))
            blob += job.params + bytes(-len(job.params) % ALIGNMENT)
        return _called(self._gpu.record, json.dumps(described), to_js(bytes(blob)))

    def submit(self, *recordings: object) -> None:
        """Run recordings once, one after the other, in one pass."""
        _called(self._gpu.submit, *recordings)

    async def profile(self, *recordings: object) -> list[float]:
        """Run recordings once and return each dispatch's seconds."""
        seconds: Any = await _awaited(self._gpu.profile(*recordings))
        return list(seconds.to_py())

    def release(self, recording: object) -> None:
        """Free the uniforms."""
        self._gpu.release(recording)

    def copy(self, view: View, *recordings: object) -> object:
        """Run recordings, if any, then copy a buffer's bytes as they are then."""
        nbytes = -(-view.nbytes // 4) * 4
        read = self._gpu.read
        return _called(read, view.buffer.handle, view.offset, nbytes, *recordings), view.nbytes

    async def take(self, copy: object) -> bytes:
        """Wait for a copy."""
        assert isinstance(copy, tuple), "made by `copy`"
        promise, nbytes = copy
        data: Any = await _awaited(promise)
        return bytes(data.to_bytes())[:nbytes]

    async def read(self, view: View) -> bytes:
        """Wait for all submitted work, then return a copy of a buffer's bytes."""
        return await self.take(self.copy(view))

    async def idle(self) -> None:
        """Wait for all submitted work."""
        await _awaited(self._gpu.idle())

    async def close(self) -> None:
        """Free everything."""
        self._gpu.close()


def _describe(program: Program, key: str) -> dict[str, object]:
    shader = program.source()
    return {
        "key": key,
        "label": shader.name,
        "code": shader.directives + shader.text,
        "constants": dict(program.constants),
        "bindings": [(binding.index, binding.access) for binding in shader.bindings],
    }


def _located(programs: Sequence[Program], message: str) -> ShaderError:
    """Turn `index|line n: text` into an error that names the shader's file and line."""
    index, _, text = message.partition("|")
    if not index.isdigit():
        return ShaderError(message)
    shader = programs[int(index)].source()
    head, _, reason = text.partition(": ")
    if head.startswith("line ") and 1 <= int(head[5:]) <= len(shader.lines):
        return ShaderError(f"{shader.locate(int(head[5:]))}: {reason}")
    return ShaderError(f"{shader.name}: {text}")


def _called(function: Any, *arguments: object) -> Any:
    try:
        return function(*arguments)
    except JsException as error:
        raise _ours(error) from error


async def _awaited(promise: Awaitable[T]) -> T:
    try:
        return await promise
    except JsException as error:
        raise _ours(error) from error


def _ours(error: Any) -> WgslmError:
    """Return the error of errors.py that the JavaScript side named."""
    kind = getattr(wgslm.errors, str(error.name), None)
    if isinstance(kind, type) and issubclass(kind, WgslmError):
        return kind(str(error.message))
    return DeviceLostError(f"the GPU's driver failed: {error.message}")
