"""Single measurements on a loaded model: prefill, decode, the host's share of a step."""

import sys
import time
from collections.abc import Sequence

from wgslm.engine import Engine
from wgslm.errors import LimitError
from wgslm.generate import Options, Run
from wgslm.sampling import Sampling, gpu_settings

NEVER: frozenset[int] = frozenset()  # no id ends the answer
HOST_BATCH, HOST_BATCHES = 8, 12  # steps; a tab's clock is too coarse for one


async def prefill_seconds(engine: Engine, tokens: int, depth: int, turn: int) -> float:
    """Return how long `tokens` of a prompt take when `depth` are in the cache already.

    Turns differ in their tokens, so that only the `depth` first ones are found in the cache.
    """
    if not depth:
        engine.session.forget()
    prompt = [*_ids(engine, depth, 0), *_ids(engine, tokens, turn + 1)]
    run = await _generate(engine, prompt, 1)
    return _after(run, depth, turn, run.prefill_seconds)


async def decode_seconds(engine: Engine, tokens: int, depth: int, turn: int) -> float:
    """Return how long `tokens` take one after the other, greedily, behind `depth` others."""
    prompt = _ids(engine, max(depth, 1), 0)
    run = await _generate(engine, prompt, tokens + 1)  # prefill ends with the first choice
    return _after(run, depth - 1, turn, run.decode_seconds)


async def host_seconds(engine: Engine) -> float:
    """Return this thread's time per decode step, from ids to submitted; nothing is waited for.

    Natively its CPU time; in a tab, which has no such clock, the wall clock's. The best of some
    batches: other programs only ever make it slower. They are steps after the end of an answer,
    for which this thread does the same and the GPU, which may be this machine's CPU, little.
    """
    clock = time.perf_counter if sys.platform == "emscripten" else time.thread_time
    executor = engine.session.executor
    engine.session.forget()  # the cache's first positions are overwritten
    batches = []
    greedy = gpu_settings(Sampling(temperature=0), 0, 1, (), engine.session.context)
    assert greedy is not None, "the GPU can always take the highest"
    for _ in range(HOST_BATCHES):
        executor.begin(greedy, [])
        executor.submit([1], 0, "draw")
        begun = clock()
        copies = [executor.advance() for _ in range(HOST_BATCH)]
        batches.append((clock() - begun) / HOST_BATCH)
        for copy in copies:
            await executor.drawn(copy)
        await engine.device.idle()
    return min(batches)


def context_for(prefill: Sequence[int], decode: Sequence[int], depths: Sequence[int]) -> int:
    """Return the smallest context in which all tests fit."""
    longest = [HOST_BATCH, max(depths) + 2]  # the second for the kernels' step
    for depth in depths:
        longest += [depth + tokens + 1 for tokens in prefill]
        longest += [max(depth, 1) + tokens + 2 for tokens in decode]
    return max(longest)


def check_context(context: int, needed: int) -> None:
    """Refuse tests that a context cannot hold."""
    if needed > context:
        raise LimitError(
            f"the tests need a context of {needed:,} tokens and there are {context:,}; "
            "ask for fewer tokens or less depth"
        )


async def _generate(engine: Engine, prompt: Sequence[int], tokens: int) -> Run:
    options = Options(tokens, sampling=Sampling(temperature=0))
    run = Run(len(prompt))
    async for _ in engine.session.generate(prompt, options, NEVER, run):
        pass
    assert len(run.ids) == tokens, "the context was checked before"
    return run


def _after(run: Run, depth: int, turn: int, seconds: float) -> float:
    assert turn == 0 or run.cached_tokens == max(depth, 0), "the first turn fills the cache"
    return seconds


def _ids(engine: Engine, count: int, turn: int) -> list[int]:
    """Return ids that differ from turn to turn at every place."""
    return [(i * 7919 + turn * 31) % engine.tokenizer.vocab_size for i in range(count)]
