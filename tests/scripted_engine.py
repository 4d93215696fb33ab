"""An engine without a model: it says what a test scripts, and notes what it was asked."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from wgslm.chat.demands.demand import FREE, Demand
from wgslm.chat.events import Delta, Done, Event, TextDelta, Timings, ToolCallDelta, Usage
from wgslm.engine import ModelInfo, Progress
from wgslm.generate import Options
from wgslm.gpu import AdapterInfo
from wgslm.header import Preflight
from wgslm.pauses import Pausing, whole
from wgslm.sampling import Sampling
from wgslm.weights import Rates
from wgslm_web.state import Location, Report
from wgslm_web.wire.messages import Message

INFO = ModelInfo(
    architecture="llama",
    parameters=1000,
    quant="Q8_0",
    context_length=64,
    context=64,
    vocab_size=256,
    nbytes=4096,
    template_origin="from the file",
    adapter=AdapterInfo("none", "software", "scripted", ""),
    rates=Rates(2e9, 1e9),
    sampling=Sampling(temperature=0.4, top_k=7),
)


class ByteTokenizer:
    """One id per byte, so that ids can end inside a character."""

    def encoding(
        self, text: str, *, bos: bool | None = None, specials: bool = False
    ) -> Pausing[list[int]]:
        """Return the UTF-8 bytes."""
        yield
        return list(text.encode())

    def piece(self, id: int) -> bytes:
        """Return the byte."""
        return bytes([id])


@dataclass
class ScriptedEngine:
    """Answers every conversation with `words`, one event each, then raises `error` if any."""

    words: Sequence[str] = ("Hel", "lo", " world")
    events: Sequence[Delta] = ()  # that come before the words
    name: str = "scripted"
    error: Exception | None = None
    step_seconds: float = 0.0
    info: ModelInfo = INFO
    tokenizer: ByteTokenizer = field(default_factory=ByteTokenizer)
    asked: list[tuple[object, Options]] = field(default_factory=list)
    given: list[tuple[object, object]] = field(default_factory=list)  # tools and variables
    demands: list[Demand] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    stopped_early: int = 0
    is_closed: bool = False

    def prompting(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[object] | None = None,
        variables: Mapping[str, object] | None = None,
    ) -> Pausing[list[int]]:
        """Return the bytes of `role:content;` for each message."""
        yield
        return list("".join(f"{m['role']}:{m['content']};" for m in messages).encode())

    def chat(
        self,
        messages: Sequence[Message],
        options: Options,
        *,
        tools: Sequence[object] | None = None,
        variables: Mapping[str, object] | None = None,
        so_far: Sequence[int] = (),
        demand: Demand = FREE,
    ) -> AsyncGenerator[Event]:
        """Say the words, after those of `so_far`."""
        self.given.append((tools, variables))
        self.demands.append(demand)
        prompt = [*whole(self.prompting(messages)), *so_far]
        return self._say(prompt if so_far else messages, options, len(prompt), so_far)

    def complete(self, prompt: str | Sequence[int], options: Options) -> AsyncGenerator[Event]:
        """Say the words whatever the prompt is."""
        return self._say(prompt, options, len(prompt))

    async def close(self) -> None:
        """Note it."""
        self.is_closed = True

    async def _say(
        self, asked: object, options: Options, read: int, so_far: Sequence[int] = ()
    ) -> AsyncGenerator[Event]:
        self.asked.append((asked, options))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        is_whole = False
        try:
            ids: list[int] = []
            if so_far:
                yield TextDelta(bytes(so_far).decode(), tuple(so_far))
            for event in self.events:
                yield event
            for word in self.words:
                await asyncio.sleep(self.step_seconds)
                ids.extend(word.encode())
                yield TextDelta(word, tuple(word.encode()))
            if self.error is not None:
                raise self.error
            is_whole = True
            usage = Usage(read, len(self.words), 1)
            called = any(isinstance(event, ToolCallDelta) for event in self.events)
            reason: Literal["stop", "tool_calls"] = "tool_calls" if called else "stop"
            yield Done(reason, usage, Timings(10.0, 20.0, 12.5), tuple(ids))
        finally:
            self.running -= 1
            self.stopped_early += not is_whole


@dataclass
class ScriptedLoader:
    """Loads scripted engines; locations named in `errors` fail."""

    errors: dict[str, Exception] = field(default_factory=dict)
    fits: bool = True
    hold: asyncio.Event | None = None  # a load waits for this before its last step
    judged: list[tuple[Location, int | None]] = field(default_factory=list)
    loaded: list[tuple[Location, int | None]] = field(default_factory=list)

    async def load(self, location: Location, context: int | None, report: Report) -> ScriptedEngine:
        """Report two steps and return an engine named like its location."""
        self.loaded.append((location, context))
        report(Progress("weights", 50, 100, 0.1))
        await asyncio.sleep(0)
        if self.hold is not None:
            await self.hold.wait()
        self._fail(location)
        report(Progress("ready", 100, 100, 0.2))
        return ScriptedEngine(name=str(location))

    async def preflight(self, location: Location, context: int | None) -> Preflight:
        """Describe the location."""
        self.judged.append((location, context))
        self._fail(location)
        return Preflight("llama", 1000, "Q8_0", 64, 4096, 8192, self.fits, "needs more memory")

    def _fail(self, location: Location) -> None:
        error = self.errors.get(str(location))
        if error is not None:
            raise error
