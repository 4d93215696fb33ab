"""When to try a read again, and when to give up: one policy for every platform."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from wgslm.errors import SourceError

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often to ask again."""

    stall_s: float = 30.0  # without a single byte
    pauses_s: tuple[float, ...] = (0.2, 1.0, 3.0)  # one before each further try


PATIENCE = Patience()


class TransientError(SourceError):
    """A read failed in a way that may pass: a cut body, a stall, an overloaded server."""


async def retrying(attempt: Callable[[], Awaitable[T]], patience: Patience) -> T:
    """Await `attempt()`, again after each pause while it fails with a `TransientError`."""
    for pause_s in patience.pauses_s:
        try:
            return await attempt()
        except TransientError:
            await asyncio.sleep(pause_s)
    try:
        return await attempt()
    except TransientError as error:
        raise SourceError(f"{error} (tried {len(patience.pauses_s) + 1} times)") from error
