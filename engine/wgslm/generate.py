"""Prompt ids in, ids out: chunked prefill, reuse of the KV cache, stopping.

Speaks ids, not text.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from wgslm.errors import RequestError
from wgslm.pace import Pace
from wgslm.plan import Plan
from wgslm.plan.execute import Executor, Part
from wgslm.sampling import Breakers, Sampler, Sampling, gpu_settings
from wgslm.steps import Chance, CpuSteps, GpuSteps

if TYPE_CHECKING:  # else imported with an answer's first grammar: a tab starts sooner without
    from wgslm.grammar import Grammar, Matcher

MOST_LOGPROBS = 20  # of the likeliest tokens, beside the drawn one's


@dataclass(frozen=True)
class Options:
    """How to generate: until `max_tokens`, a stop string, the model's end or a full context."""

    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    grammar: "Grammar | None" = None  # that the answer has to follow
    min_tokens: int = 0  # before which the model does not end; a stop string or a grammar may
    ignore_eos: bool = False  # the model never ends
    logprobs: int | None = None  # of so many of the likeliest tokens as well; None: of none

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.max_tokens is not None and self.max_tokens < 1:
            raise RequestError(
                f"max_tokens is {self.max_tokens}; it must be 1 or more", "max_tokens"
            )
        if self.min_tokens < 0 or self.min_tokens > (self.max_tokens or math.inf):
            right = "or more" if self.max_tokens is None else f"to max_tokens, {self.max_tokens}"
            raise RequestError(
                f"min_tokens is {self.min_tokens}; it must be 0 {right}", "min_tokens"
            )
        if self.logprobs is not None and not 0 <= self.logprobs <= MOST_LOGPROBS:
            raise RequestError(
                f"logprobs is {self.logprobs}; it must be 0 to {MOST_LOGPROBS}", "logprobs"
            )


@dataclass
class Run:
    """What is known of a generation so far."""

    prompt_tokens: int
    cached_tokens: int = 0
    ids: list[int] = field(default_factory=list)
    chances: list[Chance] = field(default_factory=list)  # of the ids, where they are asked for
    reason: Literal["stop", "length"] | None = None  # until it ends
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0


class Session:
    """One sequence: the ids whose keys and values are in the cache, and what may follow."""

    def __init__(
        self,
        executor: Executor,
        context: int,
        suppressed: Sequence[int] = (),
        *,
        ahead: int | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Start with an empty cache; what is `suppressed` is never drawn.

        `ahead` fixes how many steps are under way and `clock` times those of prompts, for tests.
        """
        self.executor = executor
        self.context = context
        self._suppressed = suppressed
        self._ahead = ahead
        self._clock = clock
        self._cached: list[int] = []
        self._turn = asyncio.Lock()
        sizes = [plan.size for plan in executor.plans]
        self._pace = Pace(sizes[min(1, len(sizes) - 1)], sizes[-1])

    def check(self, ids: Sequence[int]) -> None:
        """Refuse a prompt that leaves no room for an answer."""
        if not ids:
            raise RequestError("the prompt has no tokens; it needs at least one", "messages")
        if len(ids) >= self.context:
            raise RequestError(
                f"the prompt has {len(ids):,} tokens and the context holds {self.context:,}; "
                "shorten the conversation or load the model with a larger context",
                "messages",
            )

    async def generate(
        self,
        prompt: Sequence[int],
        options: Options,
        end_ids: frozenset[int],
        run: Run,
        matcher: "Matcher | None" = None,
        breakers: Breakers | None = None,
    ) -> AsyncGenerator[int]:
        """Yield the ids of an answer and keep `run` up to date. Closing this ends it.

        An id of `end_ids` ends the answer and is not yielded. Where there is a `matcher`, only
        what it allows is drawn; where nothing may follow, that is the end. DRY goes by `breakers`.
        """
        self.check(prompt)
        self._check_bias(options.sampling)
        history = list(prompt)
        budget = min(options.max_tokens or self.context, self.context - len(prompt))
        async with self._turn, self._sound_cache():
            begun = time.perf_counter()
            sampler = Sampler(options.sampling.barring(self._suppressed), breakers)
            steps = self._steps(sampler, options, history, budget, end_ids, matcher)
            steps.start(await self._prefill(history, run, steps.then, steps.wanted))
            while True:
                chosen = await steps.next()
                spent = time.perf_counter() - begun
                run.prefill_seconds = run.prefill_seconds or spent  # up to the first choice
                run.decode_seconds = spent - run.prefill_seconds
                if chosen in end_ids:
                    run.reason = "stop"
                    return
                history.append(chosen)
                run.ids.append(chosen)
                if steps.chance is not None:
                    run.chances.append(steps.chance)
                is_final = False
                if matcher is not None:
                    matcher.advance(chosen)
                    is_final = matcher.is_final
                # The GPU works while the caller handles this id.
                if len(run.ids) < budget and not is_final:
                    steps.go_on()
                    self._cached.append(chosen)
                yield chosen
                if is_final:
                    run.reason = "stop"
                    return
                if len(run.ids) == budget:
                    run.reason = "length"
                    return

    async def logits(self, ids: Sequence[int]) -> list[float]:
        """Return the logits after `ids`."""
        self.check(ids)
        async with self._turn, self._sound_cache():
            plan = await self._prefill(list(ids), Run(len(ids)))
            return list(await self.executor.logits(plan))

    async def submit(
        self, ids: Sequence[int], position: int, then: Part | None = None, wanted: int = 1
    ) -> Plan:
        """Run a step of a prompt in submits that end in time; wait for all but the last."""
        plan = self.executor.write(ids, position, wanted)
        pieces, done, begun = self.executor.pieces(plan), 0, self._clock()
        while True:
            count = self._pace.pieces(len(ids), pieces, done, self._clock() - begun)
            self.executor.submit_pieces(plan, done, done + count, then)
            done += count
            if done == pieces:
                return plan
            await self.executor.device.idle()

    def forget(self) -> None:
        """Empty the cache."""
        self._cached.clear()

    @asynccontextmanager
    async def _sound_cache(self) -> AsyncGenerator[None]:
        """Forget the cache when a step fails: what was submitted may never have run."""
        try:
            yield
        except Exception:
            self.forget()
            raise

    def _check_bias(self, sampling: Sampling) -> None:
        vocab = self.executor.plans[0].vocab
        for id, _ in sampling.logit_bias:
            if not 0 <= id < vocab:
                raise RequestError(
                    f"logit_bias names token {id}; ids are 0 to {vocab - 1}", "logit_bias"
                )

    def _steps(
        self,
        sampler: Sampler,
        options: Options,
        history: list[int],
        budget: int,
        end_ids: frozenset[int],
        matcher: "Matcher | None",
    ) -> GpuSteps | CpuSteps:
        """Return what draws the answer: the GPU wherever it can. Both draw the same."""
        least = budget if options.ignore_eos else options.min_tokens
        settings = gpu_settings(
            sampler.sampling, sampler.seed, budget, end_ids, self.context, least
        )
        needs_logits = matcher is not None or options.logprobs is not None
        if settings is None or needs_logits or not self.executor.can_draw:
            return CpuSteps(
                self.executor,
                sampler,
                history,
                matcher,
                end_ids=end_ids,
                least=least,
                logprobs=options.logprobs,
            )
        return GpuSteps(self.executor, settings, history, self._ahead)

    async def _prefill(
        self, ids: list[int], run: Run, then: Part | None = None, wanted: int = 1
    ) -> Plan:
        """Run all ids whose keys are not in the cache yet, at least the last one; then `then`."""
        start = min(_common(self._cached, ids), len(ids) - 1)
        run.cached_tokens = start
        del self._cached[start:]
        while True:
            size = min(self._pace.tokens, len(ids) - start)
            step, is_last = ids[start : start + size], start + size == len(ids)
            begun = self._clock()
            plan = await self.submit(step, start, then if is_last else None, wanted)
            self._cached += step
            if is_last:
                return plan
            start += size
            await self.executor.device.idle()
            self._pace.took(size, self._clock() - begun)


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """Return the length of the common beginning."""
    length = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        length += 1
    return length
