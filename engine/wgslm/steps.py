"""From a prompt's last step to one id after another: drawn on the GPU, or from its logits here.

Both keep the GPU busy while the caller handles an id. A step needs the id before it: the GPU hands
it on by itself, so that steps run ahead of what has been read back.
"""

import math
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wgslm.errors import WgslmError
from wgslm.kernels.sample import BY_NOT_NUMBERS, Settings
from wgslm.kernels.top import chunk_count
from wgslm.plan import Plan
from wgslm.plan.execute import Candidates, Executor, Part
from wgslm.sampling import MOST_CANDIDATES, Sampler

if TYPE_CHECKING:  # else imported with an answer's first grammar: a tab starts sooner without
    from wgslm.grammar import Matcher

WAIT_SHARE = 0.02  # of the time, that waiting for read-backs may take
LEAST_AHEAD = 2
SPARE = 4  # times the candidates that decide a draw are read where a grammar bars some


def steps_ahead(most: int, read_seconds: float, step_seconds: float) -> int:
    """Return how many steps to have under way, at most `most`.

    A wait for a read-back shows once in so many steps at worst.
    """
    wanted = math.ceil(read_seconds / (WAIT_SHARE * step_seconds)) if step_seconds else most
    return max(1, min(most, max(LEAST_AHEAD, wanted)))


class GpuSteps:
    """The ids of an answer, drawn on the GPU."""

    then: Part = "draw"
    wanted = 1

    def __init__(
        self,
        executor: Executor,
        settings: Settings,
        history: Sequence[int],
        ahead: int | None = None,
    ) -> None:
        """Tell the GPU how to draw. `ahead` overrides how many steps are under way."""
        self._executor = executor
        self._budget = settings.budget
        self._ahead = ahead
        self._copies: deque[object] = deque()
        self._taken = 0
        self._first = 0.0  # when the first id came
        executor.begin(settings, history)

    def start(self, plan: Plan) -> None:
        """Take over after the step that reads the end of the prompt and draws the first id."""
        self._copies.append(self._executor.copy_drawn())
        self.go_on()

    def go_on(self) -> None:
        """Have as many steps under way as should be, and no more than there are ids to draw."""
        left = self._budget - self._taken
        while len(self._copies) < min(left, self._target()):
            self._copies.append(self._executor.advance())

    async def next(self) -> int:
        """Return the next id; `go_on` must follow if another is wanted."""
        drawn = await self._executor.drawn(self._copies.popleft())
        if drawn.count == self._taken:
            assert drawn.done == BY_NOT_NUMBERS, f"{drawn}: who goes on after the end?"
            raise not_numbers()
        self._first = self._first or time.perf_counter()
        self._taken += 1
        return drawn.id

    def _target(self) -> int:
        if self._ahead is not None:
            return self._ahead
        device = self._executor.device
        if self._taken < 2:
            return min(LEAST_AHEAD, device.most_ahead)
        seconds = (time.perf_counter() - self._first) / (self._taken - 1)
        return steps_ahead(device.most_ahead, self._executor.read_seconds, seconds)


class CpuSteps:
    """The ids of an answer, drawn here from candidates or all logits; one step at a time."""

    then: Part = "candidates"

    def __init__(
        self,
        executor: Executor,
        sampler: Sampler,
        history: Sequence[int],
        matcher: "Matcher | None" = None,
    ) -> None:
        """Follow `history` and `matcher`, both of which the caller keeps up to date."""
        self._executor = executor
        self._sampler = sampler
        self._history = history
        self._matcher = matcher
        self._plan: Plan | None = None

    @property
    def wanted(self) -> int:
        """How many candidates the next step should collect; more are read if need be."""
        wanted = self._sampler.wanted(self._history) or 1
        if self._matcher is None:
            return wanted
        # Some will not be allowed; but more than this share of chunks, and all logits are read.
        most = min(MOST_CANDIDATES, chunk_count(self._executor.plans[0].vocab) // 2)
        return max(wanted, min(most, SPARE * wanted))

    def start(self, plan: Plan) -> None:
        """Take over after the step that reads the end of the prompt."""
        self._plan = plan

    def go_on(self) -> None:
        """Run the step over the last id of the history."""
        position = len(self._history) - 1
        self._plan = self._executor.submit(self._history[-1:], position, self.then, self.wanted)

    async def next(self) -> int:
        """Return the next id."""
        assert self._plan is not None, "`start` comes first"
        wanted = self._sampler.wanted(self._history)
        found = await self._executor.candidates(self._plan, everything=wanted is None)
        if not found.ids or not all(map(math.isfinite, found.logits)):
            raise not_numbers()
        ids, logits = found.ids, found.logits
        if self._matcher is not None:
            ids, logits = await self._allowed(self._matcher, self._plan, found, wanted)
        return self._sampler.choose(ids, logits, self._history)

    async def _allowed(
        self, matcher: "Matcher", plan: Plan, found: Candidates, wanted: int | None
    ) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Return the allowed candidates, highest first: as many as decide the draw.

        The highest are asked one by one. Only if too few of them are allowed is the mask of the
        whole vocabulary needed; so the draw is the same as from all logits with the mask.
        """
        ids: list[int] = []
        logits: list[float] = []
        for id, logit in zip(found.ids, found.logits, strict=True):
            if matcher.allows(id):
                ids.append(id)
                logits.append(logit)
                if len(ids) == wanted:
                    return tuple(ids), tuple(logits)
        if not found.complete:
            every = await self._executor.logits(plan)
            ids = sorted(matcher.allowed(), key=lambda id: (-every[id], id))
            logits = [every[id] for id in ids]
        if not ids:
            raise WgslmError(
                "no token of the model's vocabulary can go on with what the grammar asks for here"
            )
        return tuple(ids), tuple(logits)


def not_numbers() -> WgslmError:
    """Return the error for logits that nothing can be drawn from."""
    return WgslmError(
        "the model's logits are not numbers: the file is damaged, or this GPU's driver "
        "computes wrongly"
    )
