"""From a prompt's last step to one id after another: drawn on the GPU, or from its logits here.

Both keep the GPU busy while the caller handles an id. A step needs the id before it: the GPU hands
it on by itself, so that steps run ahead of what has been read back.
"""

import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from wgslm.errors import WgslmError
from wgslm.kernels.sample import BY_NOT_NUMBERS, Settings
from wgslm.kernels.top import chunk_count
from wgslm.pace import SUBMIT_SECONDS
from wgslm.plan import Plan
from wgslm.plan.execute import Candidates, Executor, Part
from wgslm.sampling import MOST_CANDIDATES, Sampler, Whole, log_of_total

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


def submits_of(step_seconds: float) -> int:
    """Return in how many submits to run a step, so that none takes much longer than it should."""
    return max(1, math.ceil(step_seconds / SUBMIT_SECONDS - 1e-6))


@dataclass(frozen=True)
class Chance:
    """The natural logarithm of an id's chance before any setting changed it, and the likeliest."""

    logprob: float
    top: tuple[tuple[int, float], ...]  # ids with theirs, likeliest first


class GpuSteps:
    """The ids of an answer, drawn on the GPU."""

    then: Part = "draw"
    wanted = 1
    chance = None  # unknown: the GPU hands out ids only

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
            self._copies.append(self._executor.advance(submits_of(self._step_seconds)))

    async def next(self) -> int:
        """Return the next id; `go_on` must follow if another is wanted."""
        drawn = await self._executor.drawn(self._copies.popleft())
        if drawn.count == self._taken:
            assert drawn.done == BY_NOT_NUMBERS, f"{drawn}: who goes on after the end?"
            raise not_numbers()
        self._first = self._first or time.perf_counter()
        self._taken += 1
        return drawn.id

    @property
    def _step_seconds(self) -> float:
        """What a step takes, its reader's work included; 0 while that is unknown."""
        if self._taken < 2:
            return 0.0
        return (time.perf_counter() - self._first) / (self._taken - 1)

    def _target(self) -> int:
        if self._ahead is not None:
            return self._ahead
        device = self._executor.device
        if self._taken < 2:
            return min(LEAST_AHEAD, device.most_ahead)
        return steps_ahead(device.most_ahead, self._executor.read_seconds, self._step_seconds)


class CpuSteps:
    """The ids of an answer, drawn here from candidates or all logits; one step at a time."""

    then: Part = "candidates"

    def __init__(
        self,
        executor: Executor,
        sampler: Sampler,
        history: Sequence[int],
        matcher: "Matcher | None" = None,
        *,
        end_ids: frozenset[int] = frozenset(),
        least: int = 0,
        logprobs: int | None = None,
    ) -> None:
        """Follow `history` and `matcher`, both of which the caller keeps up to date.

        None of `end_ids` is drawn before `least` ids, unless nothing else may follow. With
        `logprobs` each id has its `chance`, and those of so many of the likeliest.
        """
        self.chance: Chance | None = None  # of the last id
        self._executor = executor
        self._sampler = sampler
        self._history = history
        self._matcher = matcher
        self._end_ids = end_ids
        self._least = least
        self._logprobs = logprobs
        self._taken = 0
        self._plan: Plan | None = None

    @property
    def wanted(self) -> int:
        """How many candidates the next step should collect; more are read if need be."""
        decide = self._sampler.wanted(self._history) or 1
        wanted = max(decide + len(self._barred), self._logprobs or 0)
        if self._matcher is None:
            return wanted
        # Some will not be allowed; but more than this share of chunks, and all logits are read.
        most = min(MOST_CANDIDATES, chunk_count(self._executor.plans[0].vocab) // 2)
        return max(wanted, min(most, SPARE * decide))

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
        sampler, history = self._sampler, self._history
        wanted = sampler.wanted(history)
        is_free = self._matcher is None and not self._barred
        if sampler.needs_every and not is_free:
            wanted = None  # it goes by all logits that may be drawn
        found = every = pairs = None
        needs_every = False
        if wanted is not None:
            found = await self._executor.candidates(self._plan)
            check_numbers(found.logits)
            pairs = self._allowed(found, wanted)
            needs_every = sampler.needs_every and not found.complete
        if pairs is None or needs_every or self._logprobs is not None:
            every = await self._executor.logits(self._plan)
            check_numbers(every)
        if pairs is not None:
            id = sampler.choose(*pairs, history, every if is_free and needs_every else None)
        else:
            assert every is not None, "read above"
            id = sampler.choose_among(self._whole(every), history)
        if self._logprobs is not None:
            assert every is not None, "read above"
            self.chance = chance_of(id, every, found, self._logprobs)
        self._taken += 1
        return id

    @property
    def _barred(self) -> frozenset[int]:
        return self._end_ids if self._taken < self._least else frozenset()

    def _allowed(
        self, found: Candidates, wanted: int
    ) -> tuple[tuple[int, ...], tuple[float, ...]] | None:
        """Return the allowed candidates, highest first: as many as decide the draw.

        The highest are asked one by one. None if too few of them are allowed.
        """
        matcher, barred = self._matcher, self._barred
        if matcher is None and not barred:
            return found.ids, found.logits
        pairs: list[tuple[int, float]] = []
        for id, logit in zip(found.ids, found.logits, strict=True):
            if id not in barred and (matcher is None or matcher.allows(id)):
                pairs.append((id, logit))
                if len(pairs) == wanted:
                    return tuple(id for id, _ in pairs), tuple(logit for _, logit in pairs)
        return None

    def _whole(self, every: Sequence[float]) -> Whole:
        """Return all logits that may be drawn: so the draw is the same as with a mask."""
        if self._matcher is None and not self._barred:
            return Whole(every)
        may = range(len(every)) if self._matcher is None else sorted(self._matcher.allowed())
        # Ends wait for the least length, unless nothing else may follow.
        ids = [id for id in may if id not in self._barred] or may
        if not ids:
            raise WgslmError(
                "no token of the model's vocabulary can go on with what the grammar asks for here"
            )
        return Whole([every[id] for id in ids], ids)


def chance_of(id: int, every: Sequence[float], found: Candidates | None, most: int) -> Chance:
    """Return the chance of an id among `every` logit, and those of the `most` likeliest.

    These are the first that were found, where any were looked for.
    """
    total = log_of_total(every, found.logits[0] if found else max(every))
    ranked = zip(found.ids, found.logits, strict=True) if found else Whole(every).first(most)
    top = tuple((other, logit - total) for other, logit in islice(ranked, most))
    return Chance(every[id] - total, top)


def check_numbers(logits: Sequence[float]) -> None:
    """Refuse logits that nothing can be drawn from."""
    if not logits or not all(map(math.isfinite, logits)):
        raise not_numbers()


def not_numbers() -> WgslmError:
    """Return the error for logits that nothing can be drawn from."""
    return WgslmError(
        "the model's logits are not numbers: the file is damaged, or this GPU's driver "
        "computes wrongly"
    )
