"""A terminal with a program in it, as a person at the keyboard has; POSIX only."""

import os
import subprocess
import threading
import time
from collections.abc import Sequence

from command_line import environ

PROMPT = "\x1b[?2004h"  # a line editor is ready: it asks for pastes in brackets


class Terminal:
    """Shows what a program writes and types what a test says."""

    def __init__(self, argv: Sequence[str]) -> None:
        """Start the program with the terminal as stdin, stdout and stderr."""
        self._fd, inner = os.openpty()
        self._process = subprocess.Popen(
            argv,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            env=environ(TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1"),
        )
        os.close(inner)
        self._shown = ""
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Terminal":
        """Begin to read the screen."""
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the program if it still runs."""
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        os.close(self._fd)

    def expect(self, text: str, seconds: float = 60) -> None:
        """Wait until the program has written `text`, and forget everything up to it."""
        deadline = time.monotonic() + seconds
        while text not in self._shown:
            assert time.monotonic() < deadline, f"no {text!r} in {self._shown!r}"
            time.sleep(0.01)
        self._shown = self._shown.partition(text)[2]

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._fd, keys.encode())

    def wait(self, seconds: float = 60) -> int:
        """Return the program's exit status."""
        return self._process.wait(seconds)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 4096)
            except OSError:  # what Linux says at the end
                return
            if not data:
                return
            self._shown += data.decode("utf-8", "replace")
