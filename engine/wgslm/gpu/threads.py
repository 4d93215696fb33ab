"""Work on many things in a few threads, beside the event loop."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
MOST_THREADS = 8


async def in_threads(work: Callable[[T], None], things: Sequence[T]) -> None:
    """Do `work` on all things, in no order; raise the first error after all threads have ended.

    A cancelled call begins no further one and waits for those under way, so that whatever follows
    does not find them still at work.
    """
    todo = iter(things)
    count = min(len(things), os.cpu_count() or 1, MOST_THREADS)
    tasks = [asyncio.ensure_future(asyncio.to_thread(_drain, work, todo)) for _ in range(count)]
    try:
        await asyncio.shield(asyncio.gather(*tasks))
    except BaseException:
        for _ in todo:
            pass
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _drain(work: Callable[[T], None], todo: Iterator[T]) -> None:
    """Work on what no other thread has taken yet."""
    for thing in todo:
        work(thing)
