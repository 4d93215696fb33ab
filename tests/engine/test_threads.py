"""Work in threads that a cancelled caller does not leave behind."""

import asyncio
import threading
import time

import pytest

from wgslm.gpu.threads import ended, in_threads


def cancelled_twice(work: threading.Event, *, whole: bool) -> bool:
    """Cancel twice while threads are at work; say whether they had ended when the task had."""
    begun = threading.Event()
    done: list[int] = []

    def wait(number: int) -> None:
        begun.set()
        assert work.wait(10)
        time.sleep(0.05)
        done.append(number)

    async def one() -> None:
        thread = asyncio.ensure_future(asyncio.to_thread(wait, 0))
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError:
            await ended([thread])
            raise

    async def run() -> bool:
        task = asyncio.ensure_future(in_threads(wait, range(9)) if whole else one())
        await asyncio.to_thread(begun.wait)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.02)
        work.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        before = len(done)
        await asyncio.sleep(0.2)
        return before == len(done) > 0

    return asyncio.run(run())


@pytest.mark.parametrize("whole", [False, True])
def test_a_second_cancel_leaves_no_thread_at_work(whole: bool) -> None:
    assert cancelled_twice(threading.Event(), whole=whole)


def test_waiting_for_a_thread_has_an_end() -> None:
    async def run() -> float:
        hangs = asyncio.ensure_future(asyncio.sleep(60))
        begun = time.monotonic()
        await ended([hangs], 0.1)
        hangs.cancel()
        return time.monotonic() - begun

    assert 0.05 < asyncio.run(run()) < 5
