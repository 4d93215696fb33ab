"""Which kernels a model runs with on a device: forced, tuned or the adapter's own, and only such as
compute rightly.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from wgslm.errors import DriverError
from wgslm.gpu import Device, Program
from wgslm.header import Header, sizes_for
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import (
    PLAIN,
    PRODUCTS,
    ROLES,
    Role,
    Schedule,
    Variant,
    alternatives,
    choose,
    usable,
)
from wgslm.plan import Plan
from wgslm.plan.lower import lower
from wgslm.selftest import SelfTest, Wrong
from wgslm.together import together
from wgslm.tune import Tuning, Weights, fastest
from wgslm.tune.notebook import Key, Notebook, Record, find, keep, key_of
from wgslm.weights import Stack

Why = Literal["forced", "tuned", "default", "safer"]
SAMPLE_OPERATIONS = 33  # of the step that tuning lowers: eight layers of the usual four


@dataclass(frozen=True)
class Chosen:
    """The variant that a role has, and why."""

    role: Role
    variant: str
    why: Why

    def __str__(self) -> str:
        """Return what a line of facts shows."""
        return f"{self.role} {self.variant} ({self.why})"


def chosen_of(schedule: Schedule, forced: Mapping[Role, str]) -> tuple[Chosen, ...]:
    """Return what a schedule has of its own or because it was forced: see `shown`."""
    return shown(schedule, {role: "forced" if role in forced else "default" for role in ROLES})


def shown(schedule: Schedule, whys: Mapping[Role, Why]) -> tuple[Chosen, ...]:
    """Return what products are computed with, and of other roles what is not the adapter's own."""
    roles = (role for role in ROLES if role in PRODUCTS or whys[role] != "default")
    return tuple(Chosen(role, schedule.variant(role).name, whys[role]) for role in roles)


class Fitting:
    """A model's schedule on a device, as it comes to be: `begin`, `compile`, `settle`."""

    def __init__(
        self,
        device: Device,
        header: Header,
        context: int,
        kv: KvType,
        forced: Mapping[Role, str] | None = None,
        notebook: Notebook | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Start with the adapter's own schedule. With a `notebook` GPUs are tuned.

        Software adapters keep theirs: it was measured, and compiling what runs first takes
        longer than the budget (lavapipe, Mesa 22.3: 3 s for its own two variants).
        """
        self.device = device
        self.schedule = choose(device.adapter.kind, device.features, forced)
        self.warnings: list[str] = []
        self._header, self._context, self._kv = header, context, kv
        self._why: dict[Role, Why] = {
            role: "forced" if role in (forced or {}) else "default" for role in ROLES
        }
        self._forced = frozenset(forced or {})
        self._notebook = notebook if device.adapter.kind == "gpu" else None
        self._clock = clock
        self._operations, self.stacks = header.operations(device.limits)
        self._selftest = SelfTest(device)
        self._tuning: Tuning | None = None

    @property
    def chosen(self) -> tuple[Chosen, ...]:
        """What products are computed with, and of other roles what is not the adapter's own."""
        return shown(self.schedule, self._why)

    async def begin(self) -> tuple[tuple[Plan, ...], tuple[Stack, ...]]:
        """Return the plans with what was measured earlier, and the weights that they read."""
        roles = [role for role in PRODUCTS if role not in self._forced]
        if self._notebook and roles:
            if not self._take(await self._recorded(self._notebook), roles):
                self._tuning = Tuning(
                    self.device, roles, self.schedule, self._sample_plan, self._clock
                )
        self.plans = self._lowered(self.schedule)
        return self.plans, self.stacks

    async def compile(self) -> None:
        """Compile what the plans need, and prepare what `settle` does."""
        programs = _programs(self.plans)
        later = [] if self.device.compiles_aside else _draws(self.plans)  # see `settle_draws`
        await together(
            self.device.compile([*programs, *later]),
            self._selftest.prepare(programs, self.schedule),
        )
        if self._tuning:
            self._tuning.begin()

    async def settle(self, weights: Weights) -> tuple[Plan, ...]:
        """Tune, where that is due, and examine; return the plans to run."""
        if self._tuning:
            record = await self._tuning.measure(weights)
            await self._tuning.end()
            self.warnings += self._tuning.failures
            if self._take(record, list(record)):
                self.plans = self._lowered(self.schedule)
                await self._keep(record)
        await self._examine()
        return self.plans

    async def settle_draws(self) -> bool:
        """Say whether the GPU draws ids rightly; the last to examine anything."""
        wrongs = await self._selftest.examine(_draws(self.plans), self.schedule)
        self.warnings += [f"{self._named(wrong)}; the CPU draws instead" for wrong in wrongs]
        await self.close()
        return not wrongs

    async def close(self) -> None:
        """End what goes on beside a load, also one that failed, and free what was needed."""
        if self._tuning:
            await self._tuning.stop()
        self._selftest.close()

    async def _examine(self) -> None:
        """Go from schedule to schedule until all is right; refuse where none is left."""
        seen = {self.schedule}
        while wrongs := await self._selftest.examine(_programs(self.plans), self.schedule):
            before, wrong = self.schedule, wrongs[0]
            new = (one for one in self._alternatives(wrong) if one not in seen)
            safer = next((one for one in new if not self._brings_wrong(one)), None)
            if safer is None:
                raise DriverError(
                    f"{self._named(wrong)}. No other kernel here does this work"
                    f"{self._instead_of_forced(wrong)}; another driver or adapter might"
                )
            seen.add(safer)
            self._use(safer, "safer")
            self.plans = self._lowered(safer)
            self.warnings.append(f"{self._named(wrong)}; {_changes(before, safer)} instead")

    def _alternatives(self, wrong: Wrong) -> Iterator[Schedule]:
        kind, features = self.device.adapter.kind, self.device.features
        for program in wrong.programs:
            yield from alternatives(self.schedule, program, kind, features, self._forced)

    def _brings_wrong(self, schedule: Schedule) -> bool:
        """Say whether a schedule has wrong programs that the present one has not."""
        brought = set(_programs(self._lowered(schedule))) - set(_programs(self.plans))
        return any(map(self._selftest.is_wrong, brought))

    def _named(self, wrong: Wrong) -> str:
        return f"{self.device.adapter} computes {wrong}"

    def _instead_of_forced(self, wrong: Wrong) -> str:
        forced = [role for role in ROLES if role in self._forced]
        roles = [
            role
            for role in forced
            if any(map(self.schedule.variant(role).has_part_in, wrong.programs))
        ]
        return f" than the forced {', '.join(map(self._forced_name, roles))}" if roles else ""

    def _forced_name(self, role: Role) -> str:
        return f"{role}={self.schedule.variant(role).name}"

    def _take(self, record: Record, roles: Sequence[Role]) -> bool:
        """Use the fastest of a record, if it knows all roles' variants."""
        names = {role: fastest(record.get(role, {})) for role in roles}
        known = {r: {v.name: v for v in usable(r, self.device.features)} for r in roles}
        if not roles or any(names[role] not in known[role] for role in roles):
            return False
        for role in roles:
            self._use(self.schedule.using(role, known[role][str(names[role])]), "tuned", role)
        return True

    def _use(self, schedule: Schedule, why: Why, role: Role | None = None) -> None:
        for one in ROLES:
            if one == role or schedule.variant(one) != self.schedule.variant(one):
                self._why[one] = why
        self.schedule = schedule

    def _lowered(self, schedule: Schedule) -> tuple[Plan, ...]:
        arguments = self._context, self._kv, schedule
        return tuple(lower(self._operations, n, *arguments) for n in sizes_for(self._context))

    def _sample_plan(self, schedule: Schedule, tokens: int) -> Plan:
        """Return a step of the first layers."""
        first = self._operations[: min(SAMPLE_OPERATIONS, len(self._operations) - 1)]
        return lower([*first, self._operations[-1]], tokens, self._context, self._kv, schedule)

    @property
    def _key(self) -> Key:
        return key_of(self.device, self.stacks)

    async def _recorded(self, notebook: Notebook) -> Record:
        try:
            return await find(notebook, self._key)
        except OSError as error:
            self.warnings.append(f"what was tuned earlier cannot be read: {error}")
            return {}

    async def _keep(self, record: Record) -> None:
        assert self._notebook, "what is tuned is kept"
        try:
            await keep(self._notebook, self._key, record)
        except OSError as error:
            self.warnings.append(f"what was tuned cannot be kept for the next start: {error}")


def _programs(plans: Sequence[Plan]) -> list[Program]:
    """Return what plans need before an answer begins."""
    return list(dict.fromkeys(d.program for plan in plans for d in (*plan.body, *plan.candidates)))


def _draws(plans: Sequence[Plan]) -> list[Program]:
    """Return what plans need to draw on the GPU."""
    return list(dict.fromkeys(plan.dispatches[-1].program for plan in plans if plan.candidates))


def _changes(before: Schedule, after: Schedule) -> str:
    """Say what another schedule uses."""
    changed = (role for role in ROLES if after.variant(role) != before.variant(role))
    return ", ".join(_change(role, after.variant(role)) for role in changed)


def _change(role: Role, variant: Variant) -> str:
    if role == "splits":
        return "one workgroup takes all keys"
    name = variant.name if role in PRODUCTS else f"{role} {variant.name}"
    return "plain kernels are used" if variant == PLAIN else f"{name} is used"
