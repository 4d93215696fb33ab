"""Long work that lets others have their turn: a generator that pauses and returns its result.

How often it pauses is its own affair, at least every few milliseconds; whoever runs it decides
what a pause is for. In the tab, where there is one thread, it is for messages and cancelling.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Generator
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Pausing = Generator[None, None, T]

BUSY_SECONDS = 0.05  # without a turn for others, of the 0.2 s in which a tab should answer


def whole(work: Pausing[T]) -> T:
    """Do all of it without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


async def in_turns(work: Pausing[T], busy_seconds: float = BUSY_SECONDS) -> T:
    """Do it in the event loop, which has a turn after every `busy_seconds`; cancelling ends it."""
    try:
        until = time.perf_counter() + busy_seconds
        while True:
            try:
                next(work)
            except StopIteration as end:
                result: T = end.value
                return result
            if time.perf_counter() >= until:
                await asyncio.sleep(0)
                until = time.perf_counter() + busy_seconds
    finally:
        work.close()


async def patiently(work: Pausing[T]) -> T:
    """Do long work that pauses: in a thread or, in the tab, in turns with whatever else goes on."""
    return await (in_turns(work) if sys.platform == "emscripten" else beside(whole, work))


async def beside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run long work in a thread, so that the event loop goes on; in the tab, which has none, here.

    Cancelling waits for its end, so that whoever lets one at a time in has one at a time.
    """
    if sys.platform == "emscripten":
        return work(*args, **kwargs)
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
