"""Run plans on a device: ids in, candidates or logits out."""

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wgslm.errors import LimitError
from wgslm.gpu import Buffer, Device, Job, View
from wgslm.kernels import STEP_IDS, Dispatch, Ref
from wgslm.kernels.top import FOUND_NBYTES, ROOM
from wgslm.plan import Plan
from wgslm.plan.memory import Layout, merged, share
from wgslm.weights import Stored


@dataclass(frozen=True)
class Candidates:
    """The highest logits of a step, highest first; `complete` when no token is missing."""

    ids: tuple[int, ...]
    logits: tuple[float, ...]
    complete: bool


class Executor:
    """Plans of one model bound to a device, with the state that they share."""

    def __init__(
        self, device: Device, plans: Sequence[Plan], weights: Mapping[str, tuple[Stored, ...]]
    ) -> None:
        """Allocate slots and state, and fill tables. `prepare` must follow."""
        self.device = device
        self.plans = tuple(sorted(plans, key=lambda plan: plan.size))
        self._weights = weights
        self._layouts = {plan.size: share(plan) for plan in self.plans}
        self._recordings: dict[int, object] = {}
        self._buffers: list[Buffer] = []
        self._slots: list[Buffer] = []
        self._states: dict[str, Buffer] = {}
        try:
            self._allocate()
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """The most tokens that one step takes."""
        return self.plans[-1].size

    async def prepare(self) -> None:
        """Compile all pipelines and record all plans."""
        programs = [d.program for plan in self.plans for d in plan.dispatches]
        await self.device.compile(list(dict.fromkeys(programs)))
        for plan in self.plans:
            layout = self._layouts[plan.size]
            jobs = [self._job(dispatch, layout) for dispatch in plan.dispatches]
            self._recordings[plan.size] = self.device.record(jobs)
        await self.device.idle()  # in the tab, memory that was not there shows only now

    def submit(self, ids: Sequence[int], position: int, wanted: int = 1) -> Plan:
        """Run one step over `ids`, the first of which is at `position`; read nothing."""
        assert 0 < len(ids) <= self.size, "the caller cuts prompts into steps"
        plan = self._begin(ids, position, wanted)
        self.device.submit(self._recordings[plan.size])
        return plan

    async def profile(self, ids: Sequence[int], position: int) -> tuple[Plan, list[float]]:
        """Run one step as `submit` does, and return the seconds of each of its dispatches."""
        plan = self._begin(ids, position, 1)
        return plan, await self.device.profile(self._recordings[plan.size])

    def _begin(self, ids: Sequence[int], position: int, wanted: int) -> Plan:
        plan = next(plan for plan in self.plans if plan.size >= len(ids))
        header = struct.pack(f"<{STEP_IDS}I", len(ids), position, wanted, 0, 0, 0, 0, 0)
        self.device.write(self._states["step"], 0, header + struct.pack(f"<{len(ids)}I", *ids))
        return plan

    async def candidates(self, plan: Plan, *, everything: bool = False) -> Candidates:
        """Return the step's highest logits: at least as many as it wanted, or all."""
        if everything or plan.vocab <= ROOM:
            return _ranked(enumerate(await self.logits(plan)), complete=True)
        found = await self.device.read(View(self._states["found"], 0, FOUND_NBYTES))
        (count,) = struct.unpack_from("<I", found)
        if count > ROOM:
            return _ranked(enumerate(await self.logits(plan)), complete=True)
        pairs = struct.iter_unpack("<If", memoryview(found)[8 : 8 + 8 * count])
        return _ranked(pairs, complete=False)

    async def logits(self, plan: Plan, rows: int = 1) -> "array[float]":
        """Return the logits of the step's last token, or of its first `rows` tokens."""
        buffer = self._slots[self._layouts[plan.size].place[plan.logits.name]]
        return array("f", await self.device.read(View(buffer, 0, 4 * rows * plan.vocab)))

    def close(self) -> None:
        """Free what was allocated here; the weights belong to the caller."""
        for recording in self._recordings.values():
            self.device.release(recording)
        for buffer in self._buffers:
            self.device.destroy_buffer(buffer)
        self._recordings.clear()
        self._buffers.clear()

    def _allocate(self) -> None:
        for i, nbytes in enumerate(merged(self._layouts.values())):
            self._slots.append(self._create(nbytes, f"activations {i}"))
        self._states["step"] = self._create(4 * (STEP_IDS + self.size), "step")
        for state in {s.name: s for plan in self.plans for s in plan.states}.values():
            self._states[state.name] = self._create(state.nbytes, state.name)
            if state.initial is not None:
                self.device.write(self._states[state.name], 0, state.initial)

    def _create(self, nbytes: int, label: str) -> Buffer:
        if nbytes > self.device.limits.binding_nbytes:
            raise LimitError(
                f"{label} needs {nbytes:,} bytes in one binding; this adapter allows "
                f"{self.device.limits.binding_nbytes:,}. A smaller context would fit"
            )
        buffer = self.device.create_buffer(nbytes, label)
        self._buffers.append(buffer)
        return buffer

    def _job(self, dispatch: Dispatch, layout: Layout) -> Job:
        shader = dispatch.program.source()
        views = tuple(
            self._view(dispatch.bindings[binding.name], layout)
            for binding in shader.bindings
            if binding.access != "uniform"
        )
        return Job(dispatch.program, shader.pack(dispatch.params), views, dispatch.grid)

    def _view(self, ref: Ref, layout: Layout) -> View:
        if ref.kind == "weight":
            return self._weights[ref.name][ref.part].view(ref)
        if ref.kind == "slot":
            buffer = self._slots[layout.place[ref.name]]
        else:
            buffer = self._states[ref.name]
        return View(buffer, 0, buffer.nbytes)


def _ranked(pairs: Iterable[tuple[int, float]], *, complete: bool) -> Candidates:
    """Sort by logit, then by id, so that equal logits rank alike everywhere."""
    ranked = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    return Candidates(tuple(id for id, _ in ranked), tuple(logit for _, logit in ranked), complete)
