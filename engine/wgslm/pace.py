"""How much of a prompt the GPU is given at once, learnt from how long it took before.

A submit should end in time: a driver's watchdog resets what runs for seconds, and nothing can be
cancelled before its end. A slow device could be given fewer tokens; but the kernels of many tokens
read every weight once for a whole tile of them, so that below the tile a token costs many times as
much (software adapters: 3 ms each of 16 tokens, 24 ms of one). So a step of few tokens is cut
between its dispatches instead.
"""

import math
from collections import deque

SUBMIT_SECONDS = 0.2  # what one submit should take at most
STEP_SECONDS = 0.8  # and all submits of a step: what a cancelled one has computed for nothing
REMEMBERED = 3  # steps: what delayed only some of them (a compiler, other programs) does not count


class Pace:
    """Steps of `least` tokens, or of 2, 4, 8 ... times as many, up to `most`."""

    def __init__(self, least: int, most: int) -> None:
        """Know nothing of the device yet."""
        self._least = least
        self._most = most
        self._token_seconds: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def tokens(self) -> int:
        """How many tokens the next step of a long prompt takes."""
        if not self._token_seconds:
            return self._least
        tokens, longer = self._least, 2 * self._least
        while longer <= self._most and longer * min(self._token_seconds) <= STEP_SECONDS:
            tokens, longer = longer, 2 * longer
        return tokens

    def pieces(self, tokens: int, count: int, done: int, spent: float) -> int:
        """Return how many pieces of a step go into its next submit.

        The step has `count` pieces of about the same work; `done` of them took `spent` seconds.
        Of an unknown device the first one tells how long the others take. Fewer tokens than
        `least` take about as long as those.
        """
        left = count - done
        if self._token_seconds:
            piece = min(self._token_seconds) * max(tokens, self._least) / count
        elif done:
            piece = spent / done
        else:
            return 1
        submits = math.ceil(left * piece / SUBMIT_SECONDS - 1e-6) or 1
        return math.ceil(left / min(submits, left))

    def took(self, tokens: int, seconds: float) -> None:
        """Learn from a step of `tokens`."""
        self._token_seconds.append(seconds / tokens)
