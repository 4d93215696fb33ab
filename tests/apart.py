"""Runs coroutines in a thread of their own: Playwright's event loop occupies the tests' thread."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run_apart(start: Callable[[], Coroutine[object, object, T]]) -> T:
    """Start a coroutine in another thread, wait for it and return its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(start())).result()
