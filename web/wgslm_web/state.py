"""Holds what one running app has: at most one model, a load in progress, and the gate."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from wgslm.chat.demands.demand import FREE, Demand
from wgslm.chat.events import Event
from wgslm.engine import ModelInfo, Progress
from wgslm.errors import DeviceLostError, LimitError, WgslmError
from wgslm.generate import Options
from wgslm.header import Preflight
from wgslm.pauses import Pausing, patiently
from wgslm.sampling import Sampling
from wgslm.tune.notebook import Notebook
from wgslm_web.gate import Gate
from wgslm_web.library import Library
from wgslm_web.refusals import Refusal, refusal_of
from wgslm_web.wire.messages import Message

ALIASES = frozenset({"default", "local", "wgslm"})  # names for "whatever is loaded"
CLOSE_SECONDS = 5.0  # a lost device may never answer
T = TypeVar("T")
Location = object  # a path, a URL, or the files that the tab's user picked
Report = Callable[[Progress], None]


class Tokenizer(Protocol):
    """What the app needs of `wgslm.text.Tokenizer`."""

    def encoding(
        self, text: str, *, bos: bool | None = None, specials: bool = False
    ) -> Pausing[list[int]]:
        """Return the ids of a text."""

    def piece(self, id: int) -> bytes:
        """Return the bytes of an id."""


class Engine(Protocol):
    """What the app needs of `wgslm.engine.Engine`; a scripted one stands in for it in tests."""

    @property
    def name(self) -> str:
        """The model's name, which the API uses as its id."""

    @property
    def info(self) -> ModelInfo:
        """The model's facts."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer."""

    def prompting(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[object] | None = None,
        variables: Mapping[str, object] | None = None,
    ) -> Pausing[list[int]]:
        """Return the ids of a rendered conversation."""

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
        """Generate an answer, or go on with one that has the ids `so_far`."""

    def complete(self, prompt: str | Sequence[int], options: Options) -> AsyncGenerator[Event]:
        """Continue a text or ids."""

    async def close(self) -> None:
        """Free the GPU."""


class Loader(Protocol):
    """Opens models; natively and in the tab this is `wgslm.engine`."""

    async def load(self, location: Location, context: int | None, report: Report) -> Engine:
        """Load a model, reporting progress; cancelled by cancelling the task."""

    async def preflight(self, location: Location, context: int | None) -> Preflight:
        """Read a model's header only; raise what `load` would raise before it reads weights."""


@dataclass
class Load:
    """One load in progress; any number of listeners may follow it."""

    model: str
    progress: Progress | None = None
    error: Exception | None = None
    is_done: bool = False
    task: asyncio.Task[None] | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self, progress: Progress) -> None:
        """Take the newest progress; listeners that are slow see only the latest."""
        self.progress = progress
        self._wake()

    def finish(self, error: Exception | None) -> None:
        """Tell the listeners that it is over."""
        self.error = error
        self.is_done = True
        self._wake()

    async def follow(self) -> AsyncGenerator[Progress]:
        """Yield the progress until the load is over, then raise its error if it has one."""
        seen = None
        while True:
            changed = self._changed
            if self.progress is not None and self.progress is not seen:
                seen = self.progress
                yield seen
            if self.is_done:
                break
            await changed.wait()
        if self.error is not None:
            raise self.error

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class State:
    """The model of one app, and everything that may happen to it."""

    def __init__(
        self,
        loader: Loader,
        engine: Engine | None = None,
        library: Library | None = None,
        notebook: Notebook | None = None,
    ) -> None:
        """Start with a loaded engine, or with none.

        `library` has the models that are here; benchmarks use the notebook.
        """
        self.loader = loader
        self.library = library
        self.notebook = notebook
        self.gate = Gate()
        self.files: dict[str, Location] = {}  # what the tab's user picked, by name
        self.loading: Load | None = None
        self.failure: str | None = None  # why there is no model, when a load failed
        self.created = 0
        self._engine: Engine | None = None
        self._splitting = asyncio.Lock()
        self._closing: asyncio.Task[None] | None = None
        if library is not None:
            library.refuted = self.refute
        self._set_engine(engine)

    @property
    def engine(self) -> Engine | None:
        """The loaded model, if there is one."""
        return self._engine

    @property
    def sampling(self) -> Sampling:
        """What the loaded model recommends; without one llama.cpp's defaults."""
        return Sampling() if self._engine is None else self._engine.info.sampling

    def need_engine(self, model: str | None = None) -> Engine:
        """Return the loaded model; refuse if there is none or it is another than `model`."""
        engine = self._engine
        if engine is None:
            raise self._no_model()
        if model and model != engine.name and model not in ALIASES:
            aliases = ", ".join(sorted(ALIASES))
            raise Refusal(
                404,
                f"model {model!r} is not loaded; loaded is {engine.name!r} (also: {aliases})",
                param="model",
                code="model_not_found",
            )
        return engine

    async def run(
        self, engine: Engine, start: Callable[[], AsyncGenerator[T]]
    ) -> AsyncGenerator[T]:
        """Wait for a turn, then yield the events that `start` gives; closing this ends it."""
        async with self.gate.turn():
            if self._engine is not engine:  # replaced while this waited
                raise self._no_model() if self._engine is None else _replaced(engine)
            try:
                async with contextlib.aclosing(start()) as events:
                    async for event in events:
                        if self._engine is not engine:  # refuted while it spoke
                            raise self._no_model()
                        yield event
            except DeviceLostError as error:
                self.failure = str(error)
                with contextlib.suppress(WgslmError, TimeoutError):  # nothing on it can be saved
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await self._drop_engine()
                raise

    async def words(self, work: Pausing[T]) -> T:
        """Do work that may take seconds beside whatever else goes on, one at a time."""
        async with self._splitting:
            return await patiently(work)

    def locate(self, model: str, hub: str | None = None) -> Location:
        """Return what `model` names: files that the tab's user picked, else a path, URL or id."""
        if hub is None:
            return self.files.get(model, model)
        if self.library is None:
            raise Refusal(400, "this host looks nothing up at a hub", param="hub")
        return self.library.named(model, hub)

    def start_load(self, model: str, context: int | None, location: Location | None = None) -> Load:
        """Begin to replace the model; refused while another load runs."""
        if self.loading is not None:
            raise Refusal(
                409, f"{self.loading.model!r} is being loaded; cancel that first", code="loading"
            )
        load = self.loading = Load(model)
        load.task = asyncio.create_task(self._load(load, location or self.locate(model), context))
        return load

    async def cancel_load(self) -> bool:
        """Stop the load in progress; say whether there was one."""
        load = self.loading
        if load is None or load.task is None:
            return False
        load.task.cancel()
        await asyncio.wait({load.task})
        return True

    async def _load(self, load: Load, location: Location, context: int | None) -> None:
        error: Exception | None = Refusal(409, "the load was cancelled", code="cancelled")
        try:
            await self._replace(load, location, context)
            error = None
        except Exception as problem:
            error = problem
            self.failure = str(refusal_of(problem)) if self._engine is None else None
        finally:
            self.loading = None
            load.finish(error)

    async def _replace(self, load: Load, location: Location, context: int | None) -> None:
        load.report(Progress("opening", 0, 0, 0.0))
        async with self.gate.turn(must_wait=True):
            if self._engine is not None:  # a bad file must not cost the model that works
                found = await self.loader.preflight(location, context)
                if not found.fits:
                    raise LimitError(found.why)
            await self._drop_engine()
            self._set_engine(await self.loader.load(location, context, load.report))

    async def _drop_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    def refute(self, why: str) -> None:
        """Let the loaded model answer no more, not even to the end of its sentence."""
        engine, self._engine = self._engine, None
        self.failure = why
        if engine is not None:
            self._closing = asyncio.create_task(self._close(engine))

    async def _close(self, engine: Engine) -> None:
        async with self.gate.turn(must_wait=True):
            await engine.close()

    def _set_engine(self, engine: Engine | None) -> None:
        self._engine = engine
        self.failure = None
        self.created = int(time.time())

    def _no_model(self) -> Refusal:
        if self.loading is not None:
            retry = {"retry-after": "2"}
            message = f"{self.loading.model!r} is still being loaded"
            return Refusal(503, message, code="loading", headers=retry)
        if self.failure is not None:
            return Refusal(503, f"no model is loaded: {self.failure}", code="no_model")
        return Refusal(503, "no model is loaded; POST /wgslm/load loads one", code="no_model")


def _replaced(engine: Engine) -> Refusal:
    return Refusal(503, f"{engine.name!r} was replaced by another model", code="replaced")
