"""Work on many things in a few threads, beside the event loop."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

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
        await ended(tasks)
        raise


async def ended(tasks: Sequence["asyncio.Future[Any]"], seconds: float | None = None) -> None:
    """Wait until tasks have ended, `seconds` at most, however often the caller is cancelled.

    Threads do not end when their tasks are cancelled, and a second cancel must not leave them.
    """
    loop = asyncio.get_running_loop()
    until = None if seconds is None else loop.time() + seconds
    left = seconds
    while not all(task.done() for task in tasks) and (left is None or left > 0):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(tasks, timeout=left)
        left = None if until is None else until - loop.time()


def _drain(work: Callable[[T], None], todo: Iterator[T]) -> None:
    """Work on what no other thread has taken yet."""
    for thing in todo:
        work(thing)
