"""Run plans on a device: ids in, drawn ids, candidates or logits out."""

import math
import struct
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from wgslm.errors import LimitError
from wgslm.gpu import Buffer, Device, Job, View
from wgslm.kernels import STEP_IDS, Dispatch, Ref
from wgslm.kernels.sample import RESULT, Settings, pack_history
from wgslm.kernels.top import FOUND_NBYTES, ROOM
from wgslm.plan import Plan
from wgslm.plan.memory import Layout, merged, share
from wgslm.weights import Stored

Part = Literal["draw", "candidates"]  # what may follow a step's logits
PIECES = 8  # at most, that a step is recorded in: a prompt's submit may take some of them


@dataclass(frozen=True)
class Drawn:
    """How many ids the GPU has drawn, why it draws no more (0: it does), and the last of them."""

    count: int
    done: int
    id: int


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
        self.can_draw = False
        self.read_seconds = 0.0  # what a read-back takes when the GPU has nothing to do
        self.plans = tuple(sorted(plans, key=lambda plan: plan.size))
        self._weights = weights
        self._layouts = {plan.size: share(plan) for plan in self.plans}
        self._bodies: dict[int, list[object]] = {}  # of each size, in pieces
        self._recordings: dict[tuple[int, Part], object] = {}
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

    async def prepare(self, *, draws: bool = True) -> None:
        """Compile pipelines and record plans.

        Without `draws` the GPU cannot draw ids until `prepare_draws` is done; the CPU can.
        """
        await self._compile([d for plan in self.plans for d in (*plan.body, *plan.candidates)])
        for plan in self.plans:
            self._bodies[plan.size] = [self._recorded(piece, plan) for piece in _pieces(plan)]
            if plan.candidates:
                self._recordings[plan.size, "candidates"] = self._recorded(plan.candidates, plan)
        await self.device.idle()  # in the tab, memory that was not there shows only now
        self.read_seconds = min([await self._timed_read() for _ in range(3)])
        if draws:
            await self.prepare_draws()

    async def prepare_draws(self) -> None:
        """Compile and record what draws on the GPU."""
        drawing = [plan for plan in self.plans if plan.candidates]
        await self._compile([plan.dispatches[-1] for plan in drawing])
        for plan in drawing:
            self._recordings[plan.size, "draw"] = self._recorded(plan.dispatches[-1:], plan)
        self.can_draw = True

    async def _compile(self, dispatches: Sequence[Dispatch]) -> None:
        await self.device.compile(list(dict.fromkeys(d.program for d in dispatches)))

    def _recorded(self, dispatches: Sequence[Dispatch], plan: Plan) -> object:
        layout = self._layouts[plan.size]
        return self.device.record([self._job(dispatch, layout) for dispatch in dispatches])

    def submit(
        self, ids: Sequence[int], position: int, then: Part | None = None, wanted: int = 1
    ) -> Plan:
        """Run one step over `ids`, the first of which is at `position`; read nothing.

        `then` it draws the next id, or collects at least `wanted` candidates.
        """
        plan = self.write(ids, position, wanted)
        self.submit_pieces(plan, 0, self.pieces(plan), then)
        return plan

    def write(self, ids: Sequence[int], position: int, wanted: int = 1) -> Plan:
        """Say what the next step is over, and return its plan; its pieces must follow."""
        assert 0 < len(ids) <= self.size, "the caller cuts prompts into steps"
        plan = next(plan for plan in self.plans if plan.size >= len(ids))
        header = struct.pack(f"<{STEP_IDS}I", len(ids), position, wanted, 0, 0, 0, 0, 0)
        self.device.write(self._states["step"], 0, header + struct.pack(f"<{len(ids)}I", *ids))
        return plan

    def pieces(self, plan: Plan) -> int:
        """Return how many pieces of about as many dispatches each a step can be submitted in."""
        return len(self._bodies[plan.size])

    def submit_pieces(self, plan: Plan, start: int, stop: int, then: Part | None = None) -> None:
        """Run some pieces of the step that was written; behind the last one, what follows."""
        assert start < stop, "a submit has something to do"
        pieces = self._bodies[plan.size]
        follows = [self._recordings[plan.size, then]] if then and stop == len(pieces) else []
        self.device.submit(*pieces[start:stop], *follows)

    async def profile(self, ids: Sequence[int], position: int) -> tuple[Plan, list[float]]:
        """Run one step that draws, and return the seconds of each of its dispatches."""
        plan = self.write(ids, position)
        chain = self._chain(plan, "draw" if plan.candidates else None)
        return plan, await self.device.profile(*chain)

    def begin(self, settings: Settings, history: Sequence[int]) -> None:
        """Say how the following steps draw, and which ids came before."""
        self.device.write(self._states["sampling"], 0, settings.pack())
        self.device.write(self._states["sampled"], 0, pack_history(history))

    def advance(self, submits: int = 1) -> object:
        """Run one step over the id that the step before drew, and copy what it draws.

        A device that takes long is given it in some submits, at most; none is waited for.
        """
        assert self.plans[0].size == 1, "a step over one id"
        chain = self._chain(self.plans[0], "draw")
        size = math.ceil(len(chain) / submits)
        while len(chain) > size:
            self.device.submit(*chain[:size])
            del chain[:size]
        return self.device.copy(self._result, *chain)

    def copy_drawn(self) -> object:
        """Copy what the last submitted step drew; `drawn` waits for it."""
        return self.device.copy(self._result)

    async def drawn(self, copy: object) -> Drawn:
        """Return what a step drew."""
        return Drawn(*RESULT.unpack(await self.device.take(copy)))

    async def candidates(self, plan: Plan) -> Candidates:
        """Return the step's highest logits: at least as many as it wanted."""
        if plan.vocab <= ROOM:
            return _all_ranked(await self.logits(plan))
        found = await self.device.read(View(self._states["found"], 0, FOUND_NBYTES))
        (count,) = struct.unpack_from("<I", found)
        if count > ROOM:
            return _all_ranked(await self.logits(plan))
        pairs = struct.iter_unpack("<If", memoryview(found)[8 : 8 + 8 * count])
        return _ranked(pairs)

    async def logits(self, plan: Plan, rows: int = 1) -> "array[float]":
        """Return the logits of the step's last token, or of its first `rows` tokens."""
        buffer = self._slots[self._layouts[plan.size].place[plan.logits.name]]
        return array("f", await self.device.read(View(buffer, 0, 4 * rows * plan.vocab)))

    def close(self) -> None:
        """Free what was allocated here; the weights belong to the caller."""
        bodies = (piece for pieces in self._bodies.values() for piece in pieces)
        for recording in (*bodies, *self._recordings.values()):
            self.device.release(recording)
        for buffer in self._buffers:
            self.device.destroy_buffer(buffer)
        self._bodies.clear()
        self._recordings.clear()
        self._buffers.clear()

    @property
    def _result(self) -> View:
        return View(self._states["sampled"], 0, RESULT.size)

    def _chain(self, plan: Plan, then: Part | None) -> list[object]:
        """Return what is recorded of a plan, and of what follows its logits."""
        return [*self._bodies[plan.size], *([self._recordings[plan.size, then]] if then else [])]

    async def _timed_read(self) -> float:
        begun = time.perf_counter()
        await self.device.read(View(self._states["step"], 0, RESULT.size))
        return time.perf_counter() - begun

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


def _pieces(plan: Plan) -> Iterator[tuple[Dispatch, ...]]:
    """Cut a step between its dispatches."""
    count = min(PIECES, len(plan.body))
    cuts = [i * len(plan.body) // count for i in range(count + 1)]
    for start, stop in pairwise(cuts):
        yield plan.body[start:stop]


def _ranked(pairs: Iterable[tuple[int, float]]) -> Candidates:
    """Sort by logit, then by id, so that equal logits rank alike everywhere."""
    ranked = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    return Candidates(tuple(id for id, _ in ranked), tuple(logit for _, logit in ranked), False)


def _all_ranked(logits: "array[float]") -> Candidates:
    """Do the same for all ids, of which equal ones keep their order: three times as fast."""
    ids = sorted(range(len(logits)), key=logits.__getitem__, reverse=True)
    return Candidates(tuple(ids), tuple(map(logits.__getitem__, ids)), True)
