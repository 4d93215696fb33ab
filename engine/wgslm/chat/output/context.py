"""What every reader of calls is given."""

import re
from dataclasses import dataclass

from wgslm.chat.output.sink import Sink
from wgslm.chat.output.styles import Tools
from wgslm.chat.output.tape import Malformed, Tape

_NO_NAME = re.compile(r"[\s<>{}()\[\]\"'=,;]")


@dataclass(frozen=True)
class Context:
    """The tape, the sink and the tools of one answer."""

    tape: Tape
    sink: Sink
    tools: Tools
    only_known: bool = False

    def begin(self, name: str, id: str = "") -> None:
        """Begin a call, if there can be one of that name."""
        if not name.strip() or len(name) > 256 or not f"{name}{id}".isprintable():
            raise Malformed
        if _NO_NAME.search(name) and not self.tools.knows(name):
            raise Malformed
        if self.only_known and not self.tools.knows(name):
            raise Malformed
        self.sink.begin(name, id)

    def end(self) -> None:
        """End a call; what comes later cannot take it back."""
        self.sink.end()
        self.tape.record()
