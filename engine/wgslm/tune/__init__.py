"""Which variant of a matrix product is the fastest here: timed on the model's own weights.

A sample of a step's products, those of the first layers, runs in each variant in turn. When the
budget is spent, what has been measured decides.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from wgslm.errors import ShaderError
from wgslm.gpu import Buffer, Device, Job, View
from wgslm.kernels import STEP, STEP_IDS, Dispatch, Ref
from wgslm.kernels.schedule import Role, Schedule, Variant, usable
from wgslm.plan import Plan
from wgslm.weights import Stored

BUDGET_SECONDS = 1.0  # for all roles together
ROUNDS = 4  # after the warm-up; the best of them counts
LEAST_SECONDS = 0.005  # of a measurement: so many runs in one submit that a wait hardly shows
MOST_RUNS = 64
EQUAL = 1.03  # as slow as the fastest, as far as can be told: the first of these is taken
TOKENS: Mapping[Role, int] = {"one": 1, "many": 128}  # of the step that a role is judged by
SAMPLE_WEIGHTS: Mapping[Role, int] = {"one": 128 << 20, "many": 16 << 20}  # about

PlanOf = Callable[[Schedule, int], Plan]  # of the first layers, for a number of tokens
Weights = Mapping[str, tuple[Stored, ...]]
Clock = Callable[[], float]


@dataclass
class Candidate:
    """A variant, the sample of products that it is judged by, and what it took."""

    variant: Variant
    dispatches: tuple[Dispatch, ...] = ()
    is_settled: asyncio.Event = field(default_factory=asyncio.Event)  # compiled, or never
    recording: object = None
    seconds: float = float("inf")  # the least of a run


class Contest:
    """The variants that compete for one role; the schedule's own is the first."""

    def __init__(
        self, device: Device, role: Role, schedule: Schedule, plan_of: PlanOf, clock: Clock
    ) -> None:
        """Name the candidates."""
        self.role: Role = role
        self._device = device
        self._schedule = schedule
        self._plan_of = plan_of
        self._clock = clock
        self.failures: list[str] = []
        self._slot_nbytes = 0  # of the largest activation
        variants = dict.fromkeys((schedule.variant(role), *usable(role, device.features)))
        self._candidates = [Candidate(variant) for variant in variants]

    async def prepare(self) -> None:
        """Compile what each candidate needs, in turn; may be cancelled at any time."""
        for candidate in self._candidates:
            schedule = self._schedule.using(self.role, candidate.variant)
            plan = self._plan_of(schedule, TOKENS[self.role])
            self._slot_nbytes = max(self._slot_nbytes, *plan.slots.values())
            shader = candidate.variant.shader
            products = [one for one in plan.dispatches if one.program.shader == shader]
            sample = _sample(products, SAMPLE_WEIGHTS[self.role])
            try:
                await self._device.compile([one.program for one in sample])
                candidate.dispatches = tuple(sample)
            except ShaderError as error:  # nobody asked for it
                self.failures.append(f"{candidate.variant.name} does not compile: {error}")
            candidate.is_settled.set()

    def give_up(self) -> None:
        """Nothing more will be compiled; who waits for it need not."""
        for candidate in self._candidates:
            candidate.is_settled.set()

    async def measure(self, weights: Weights, end: float) -> dict[str, float]:
        """Return the seconds of a run of each candidate that could be measured until `end`.

        `prepare` must be under way; a candidate that it does not come to in time does not count,
        but for the first.
        """
        own, *others = self._candidates
        await own.is_settled.wait()
        if not own.dispatches:
            return {}
        with self._scratch() as scratch:
            measured = [own]
            await self._time_first(own, weights, scratch)
            for candidate in others:
                # as long as the one before, as far as anybody knows
                left = end - self._clock() - measured[-1].seconds
                if await _in_time(candidate.is_settled, left) and candidate.dispatches:
                    await self._time_first(candidate, weights, scratch)
                    measured.append(candidate)
            for _ in range(ROUNDS):
                for candidate in measured:
                    runs = int(LEAST_SECONDS / max(candidate.seconds, 1e-9))
                    runs = max(1, min(MOST_RUNS, runs))
                    if self._clock() + runs * candidate.seconds <= end:
                        await self._time(candidate, runs)
            return {one.variant.name: one.seconds for one in measured}

    async def _time_first(
        self, candidate: Candidate, weights: Weights, scratch: tuple[View, View, View]
    ) -> None:
        candidate.recording = self._record(candidate, weights, scratch)
        await self._time(candidate, 1)

    async def _time(self, candidate: Candidate, runs: int) -> None:
        begun = self._clock()
        self._device.submit(*[candidate.recording] * runs)
        await self._device.idle()
        candidate.seconds = min(candidate.seconds, (self._clock() - begun) / runs)

    @contextmanager
    def _scratch(self) -> Iterator[tuple[View, View, View]]:
        """Lend memory for what is read, what is written, and the step."""
        create, nbytes = self._device.create_buffer, max(16, self._slot_nbytes)
        buffers: list[Buffer] = []
        try:
            for name, size in (("read", nbytes), ("written", nbytes), ("step", 4 * STEP_IDS)):
                buffers.append(create(size, f"tuning: {name}"))
            self._device.write(buffers[2], 0, TOKENS[self.role].to_bytes(4, "little"))
            read, written, step = (View(buffer, 0, buffer.nbytes) for buffer in buffers)
            yield read, written, step
        finally:
            for candidate in self._candidates:
                if candidate.recording is not None:
                    self._device.release(candidate.recording)
            for buffer in buffers:
                self._device.destroy_buffer(buffer)

    def _record(
        self, candidate: Candidate, weights: Weights, scratch: tuple[View, View, View]
    ) -> object:
        read, written, step = scratch

        def view(ref: Ref, *, is_written: bool) -> View:
            if ref.kind == "weight":
                return weights[ref.name][ref.part].view(ref)
            return step if ref == STEP else written if is_written else read

        jobs = []
        for dispatch in candidate.dispatches:
            shader = dispatch.program.source()
            views = tuple(
                view(dispatch.bindings[binding.name], is_written=binding.is_written)
                for binding in shader.bindings
                if binding.access != "uniform"
            )
            params = shader.pack(dispatch.params)
            jobs.append(Job(dispatch.program, params, views, dispatch.grid))
        return self._device.record(jobs)


class Tuning:
    """Contests for some roles, one after the other."""

    def __init__(
        self,
        device: Device,
        roles: Sequence[Role],
        schedule: Schedule,
        plan_of: PlanOf,
        clock: Clock = time.perf_counter,
    ) -> None:
        """Name the candidates; nothing runs yet."""
        self._clock = clock
        self._contests = [Contest(device, role, schedule, plan_of, clock) for role in roles]
        self._preparing: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Compile all candidates' pipelines beside whatever else goes on."""
        self._preparing = asyncio.ensure_future(self._prepare())

    async def measure(self, weights: Weights) -> dict[Role, dict[str, float]]:
        """Return what was measured within the budget: seconds by variant, the own one first."""
        begun, each = self._clock(), BUDGET_SECONDS / max(1, len(self._contests))
        return {
            contest.role: await contest.measure(weights, begun + (number + 1) * each)
            for number, contest in enumerate(self._contests)
        }

    async def end(self) -> None:
        """Stop compiling; raise what went wrong with it."""
        error = await self.stop()
        if error:
            raise error

    async def stop(self) -> BaseException | None:
        """Stop compiling, and return what went wrong with it: a load that has failed says more."""
        if self._preparing is None:
            return None
        self._preparing.cancel()
        await asyncio.wait({self._preparing})
        return None if self._preparing.cancelled() else self._preparing.exception()

    @property
    def failures(self) -> list[str]:
        """Which variants do not compile, and why."""
        return [failure for contest in self._contests for failure in contest.failures]

    async def _prepare(self) -> None:
        try:
            for contest in self._contests:
                await contest.prepare()
        finally:
            for contest in self._contests:
                contest.give_up()


def fastest(seconds: Mapping[str, float]) -> str | None:
    """Return the first of the fastest: times that differ by little are equal."""
    least = min(seconds.values(), default=0.0)
    return next((name for name, spent in seconds.items() if spent <= EQUAL * least), None)


async def _in_time(event: asyncio.Event, patience: float) -> bool:
    if patience <= 0:
        return False
    try:
        async with asyncio.timeout(patience):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _sample(products: Sequence[Dispatch], most: int) -> list[Dispatch]:
    """Return the first products, at least one, that have about so many weights."""
    sample: list[Dispatch] = []
    weights = 0
    for product in products:
        if sample and weights > most:
            break
        sample.append(product)
        weights += int(product.params["rows"]) * int(product.params["groups"]) * 32
    return sample
