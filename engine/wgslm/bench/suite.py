"""A whole benchmark: every model with every cache type, through every test.

The command line and the tab run the same suite; both only show what it tells and returns.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev

from wgslm.bench import measure
from wgslm.bench.bandwidth import Copy, measure_copy
from wgslm.bench.kernels import KernelTime, kernel_times
from wgslm.bench.traffic import kv_nbytes, rows, token_nbytes
from wgslm.engine import Engine, Progress
from wgslm.errors import RequestError
from wgslm.gpu import AdapterInfo, Limits, open_device
from wgslm.header import open_header
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import Role
from wgslm.sources import Location
from wgslm.tune.notebook import Notebook

PREFILL, DECODE = 512, 128  # tokens, where the context allows
Tell = Callable[[str, float], None]  # what is being done, and the share that is done already


@dataclass(frozen=True)
class Settings:
    """What is measured. No lengths mean the usual ones, or less where a context is short."""

    prefill: tuple[int, ...] | None = None
    decode: tuple[int, ...] | None = None
    depths: tuple[int, ...] = (0,)
    repeat: int = 3
    context: int | None = None  # at least what the tests need
    adapter: str | None = None
    has_kernels: bool = False
    variants: Mapping[Role, str] = field(default_factory=dict)  # forced
    notebook: Notebook | None = None  # with one, GPUs are tuned

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        for name, values in (("pp", self.prefill), ("tg", self.decode), ("depth", self.depths)):
            if values is not None and any(value < 0 for value in values):
                raise RequestError(f"{name} is {min(values)}; it must be 0 or more", name)
        if self.repeat < 1:
            raise RequestError(f"repeat is {self.repeat}; it must be 1 or more", "repeat")
        if self.context is not None and self.context < 2:
            raise RequestError(f"context is {self.context}; it must be 2 or more", "context")
        if not self.depths:
            raise RequestError("depth is empty; it must hold a number", "depth")


@dataclass(frozen=True)
class Subject:
    """A model to measure, and the tests that fit it."""

    location: Location
    name: str
    context: int
    prefill: tuple[int, ...]
    decode: tuple[int, ...]


@dataclass(frozen=True)
class Timing:
    """A test's samples, after a warm-up that is not among them."""

    kind: str  # "pp" prefill, "tg" token generation
    tokens: int
    depth: int
    seconds: tuple[float, ...]
    token_nbytes: float | None = None  # read for each; of decoding

    @property
    def name(self) -> str:
        """As llama-bench writes it."""
        return f"{self.kind}{self.tokens}" + (f" @ d{self.depth}" if self.depth else "")

    @property
    def speeds(self) -> list[float]:
        """Tokens per second of each sample."""
        return [self.tokens / seconds for seconds in self.seconds]

    @property
    def speed(self) -> float:
        """Their mean."""
        return mean(self.speeds)

    @property
    def spread(self) -> float:
        """Their standard deviation; 0 of one sample."""
        return stdev(self.speeds) if len(self.seconds) > 1 else 0.0


@dataclass(frozen=True)
class Measured:
    """One model with one cache type."""

    engine: Engine  # closed; its facts remain
    load_seconds: float
    weights_seconds: float
    weight_nbytes: int  # that decoding a token reads
    kv_nbytes: int  # of cache that a token takes
    tests: tuple[Timing, ...]
    host_seconds: float
    kernels: tuple[KernelTime, ...]  # of the last depth
    kernel_depth: int = 0


@dataclass(frozen=True)
class Result:
    """A benchmark's figures."""

    adapter: AdapterInfo
    limits: Limits
    features: frozenset[str]
    copy: Copy
    models: tuple[Measured, ...]


@dataclass
class Course:
    """How far the suite is: counted in tests, of which a load is one."""

    tell: Tell
    total: int
    done: int = 0
    text: str = field(default="", init=False)

    def say(self, text: str, part: float = 0.0) -> None:
        """Tell what is being done now, and which part of that is done."""
        self.text = text
        self.tell(text, min(1.0, (self.done + part) / self.total))

    def step(self) -> None:
        """Count one more as done."""
        self.done += 1
        self.tell(self.text, min(1.0, self.done / self.total))


async def run_suite(
    locations: Sequence[Location], kvs: Sequence[KvType], settings: Settings, tell: Tell
) -> Result:
    """Measure all; `tell` hears of every step. Cancelling the task ends it and frees the GPU."""
    if not locations or not kvs:
        raise RequestError("there is nothing to measure: name a model or a shape", "model")
    subjects = [await _subject(location, settings) for location in locations]  # all, before any
    tests = sum(len(s.prefill) + len(s.decode) for s in subjects) * len(settings.depths)
    each = 3 if settings.has_kernels else 2
    course = Course(tell, 1 + len(kvs) * (tests + each * len(subjects)))
    device = await open_device(settings.adapter)
    try:
        course.say("copying memory")
        copy = await measure_copy(device)
        course.step()
        facts = device.adapter, device.limits, device.features
    finally:
        await device.close()
    models = [await _measured(subject, kv, settings, course) for subject in subjects for kv in kvs]
    return Result(*facts, copy, tuple(models))


async def _subject(location: Location, settings: Settings) -> Subject:
    header = await open_header(location)
    await header.close()
    longest = header.model.config.context_length
    prefill, decode = _lengths(settings, settings.context or longest)
    needed = measure.context_for(prefill, decode, settings.depths)
    context = settings.context or needed
    measure.check_context(min(context, longest), needed)
    return Subject(location, header.name, context, prefill, decode)


async def _measured(subject: Subject, kv: KvType, settings: Settings, course: Course) -> Measured:
    stages: dict[str, Progress] = {}

    def show(progress: Progress) -> None:
        stages[progress.stage] = progress
        part = progress.done / progress.total if progress.total else 0.0
        course.say(f"loading {subject.name}", part)

    engine = await Engine.load(
        subject.location,
        context=subject.context,
        kv=kv,
        adapter=settings.adapter,
        variants=settings.variants,
        notebook=settings.notebook,
        progress=show,
    )
    try:
        await engine.wait_for_draws()  # not the CPU, which draws until then
        course.step()
        tests = [
            test
            for depth in settings.depths
            for test in await _tests(engine, subject, depth, settings.repeat, course)
        ]
        course.say(f"{engine.name}: the host's time per step")
        host = await measure.host_seconds(engine)
        course.step()
        depth = settings.depths[-1]
        kernels: list[KernelTime] = []
        if settings.has_kernels:
            course.say(f"{engine.name}: kernels")
            kernels = await kernel_times(engine, depth)
            course.step()
    finally:
        await engine.close()
    spent = stages["weights"].seconds - stages["compiling"].seconds
    traffic = _weight_nbytes(engine), _kv_nbytes(engine)
    total = stages["ready"].seconds
    return Measured(engine, total, spent, *traffic, tuple(tests), host, tuple(kernels), depth)


def _lengths(settings: Settings, context: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the tokens of prefill and decode tests; 0 asks for none."""
    room = context - max(settings.depths)
    prefill, decode = settings.prefill, settings.decode
    if prefill is None:
        prefill = (max(1, min(PREFILL, room // 2)),)
    if decode is None:
        decode = (max(1, min(DECODE, room // 2)),)
    return tuple(filter(None, prefill)), tuple(filter(None, decode))


async def _tests(
    engine: Engine, subject: Subject, depth: int, repeat: int, course: Course
) -> list[Timing]:
    kinds: list[tuple[str, int, Callable[[Engine, int, int, int], Awaitable[float]]]] = []
    kinds += [("pp", tokens, measure.prefill_seconds) for tokens in subject.prefill]
    kinds += [("tg", tokens, measure.decode_seconds) for tokens in subject.decode]
    found = []
    for kind, tokens, seconds in kinds:
        nbytes = None
        if kind == "tg":
            middle = depth + tokens / 2
            nbytes = token_nbytes(_weight_nbytes(engine), _kv_nbytes(engine), middle)
        samples = []
        for turn in range(repeat + 1):
            label = Timing(kind, tokens, depth, ()).name
            run = f"run {turn} of {repeat}" if turn else "warm-up"
            course.say(f"{engine.name}: {label}, {run}", turn / (repeat + 1))
            samples.append(await seconds(engine, tokens, depth, turn))
        course.step()
        found.append(Timing(kind, tokens, depth, tuple(samples[1:]), nbytes))
    return found


def _weight_nbytes(engine: Engine) -> int:
    plan = engine.session.executor.plans[0]
    found = rows(plan, engine.header, engine.device.limits.binding_nbytes)
    return sum(row.weight_bytes for row in found)


def _kv_nbytes(engine: Engine) -> int:
    return kv_nbytes(engine.session.executor.plans[0], engine.info.context)
