"""From a prompt's last step to one id after another: drawn on the GPU, or from its logits here.

Both keep the GPU busy while the caller handles an id. A step needs the id before it: the GPU hands
it on by itself, so that steps run ahead of what has been read back.
"""

import math
import time
from collections import deque
from collections.abc import Sequence

from wgslm.errors import WgslmError
from wgslm.kernels.sample import BY_NOT_NUMBERS, Settings
from wgslm.plan import Plan
from wgslm.plan.execute import Executor, Part
from wgslm.sampling import Sampler

WAIT_SHARE = 0.02  # of the time, that waiting for read-backs may take
LEAST_AHEAD = 2


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

    def __init__(self, executor: Executor, sampler: Sampler, history: Sequence[int]) -> None:
        """Follow `history`, which the caller keeps up to date."""
        self._executor = executor
        self._sampler = sampler
        self._history = history
        self._plan: Plan | None = None

    @property
    def wanted(self) -> int:
        """How many candidates the next step should collect; more are read if need be."""
        return self._sampler.wanted(self._history) or 1

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
        everything = self._sampler.wanted(self._history) is None
        found = await self._executor.candidates(self._plan, everything=everything)
        if not found.ids or not all(map(math.isfinite, found.logits)):
            raise not_numbers()
        return self._sampler.choose(found.ids, found.logits, self._history)


def not_numbers() -> WgslmError:
    """Return the error for logits that nothing can be drawn from."""
    return WgslmError(
        "the model's logits are not numbers: the file is damaged, or this GPU's driver "
        "computes wrongly"
    )
