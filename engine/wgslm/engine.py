"""A loaded model: the one place that knows both numbers and words.

Opens files, checks what fits, renders conversations, and turns generated ids into events.
"""

import asyncio
import contextlib
import time
from array import array
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from wgslm.chat.events import Done, Event, TextDelta, Timings, Usage
from wgslm.chat.parse import StopStrings
from wgslm.chat.template import ChatTemplate
from wgslm.errors import GgufError, LimitError, RequestError
from wgslm.generate import Options, Run, Session
from wgslm.gguf import Directory, read_directory
from wgslm.gpu import AdapterInfo, Device, Limits, open_device
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import Schedule, choose
from wgslm.models import Model, read_model
from wgslm.plan import Plan
from wgslm.plan.execute import Executor
from wgslm.plan.lower import lower
from wgslm.plan.memory import merged, share
from wgslm.plan.tensors import Tensors
from wgslm.sources import ByteSource, Location, open_parts
from wgslm.text import Tokenizer, load_tokenizer
from wgslm.text.stream import TextStream
from wgslm.weights import Stored, free, load_weights, stored_nbytes

SIZES = (1, 16, 128, 512)  # tokens of a step; see plan
EACH_SIZE = 16  # when the logits of every token are asked for
DEFAULT_CONTEXT = 4096

T = TypeVar("T")
U = TypeVar("U")
Stage = Literal["opening", "header", "tokenizer", "compiling", "weights", "ready"]


@dataclass(frozen=True)
class Progress:
    """How far a load is, in bytes of weights and in seconds since it began."""

    stage: Stage
    done: int
    total: int
    seconds: float


@dataclass(frozen=True)
class ModelInfo:
    """A model's facts, for people."""

    architecture: str
    parameters: int
    quant: str  # of most bytes
    context_length: int  # that it was made for
    context: int  # that it was loaded with
    vocab_size: int
    nbytes: int  # of weights
    template_origin: str
    adapter: AdapterInfo


@dataclass(frozen=True)
class Preflight:
    """What a header says, before anything is loaded."""

    architecture: str
    parameters: int
    quant: str
    context_length: int
    nbytes: int
    memory: int  # bytes on the GPU: weights, cache, activations
    fits: bool
    why: str


@dataclass(frozen=True)
class Header:
    """An opened file: its parts, its directory, and the model that they describe."""

    name: str
    parts: tuple[ByteSource, ...]
    directory: Directory
    model: Model

    @property
    def parameters(self) -> int:
        """Weights in all tensors."""
        return sum(info.row * info.rows for info in self.directory.tensors.values())

    @property
    def quant(self) -> str:
        """The format that most bytes are in."""
        nbytes: Counter[str] = Counter()
        for info in self.directory.tensors.values():
            nbytes[info.quant.label] += info.nbytes
        return nbytes.most_common(1)[0][0]

    @property
    def nbytes(self) -> int:
        """Bytes of all weights."""
        return sum(info.nbytes for info in self.directory.tensors.values())

    def context(self, wanted: int | None) -> int:
        """Return the context to load with; refuse more than the model was made for."""
        most = self.model.config.context_length
        if wanted is None:
            return min(most, DEFAULT_CONTEXT)
        if not 1 < wanted <= most:
            raise LimitError(f"context is {wanted:,}; this model allows 2 to {most:,}")
        return wanted

    def plans(
        self, limits: Limits, schedule: Schedule, context: int, kv: KvType, *, each: bool = False
    ) -> tuple[tuple[Plan, ...], frozenset[str]]:
        """Return the plans for all sizes, and the names of the tensors that they read."""
        tensors = Tensors(self.directory.tensors, limits.binding_nbytes)
        operations = self.model.record(tensors, each=each)
        sizes = (EACH_SIZE,) if each else tuple(n for n in SIZES if n <= max(context, SIZES[1]))
        plans = tuple(lower(operations, n, context, kv, schedule) for n in sizes)
        return plans, frozenset(tensors.used)

    async def close(self) -> None:
        """Close the files."""
        for part in self.parts:
            await part.close()


async def open_header(location: Location) -> Header:
    """Open a model's files and read their header, no weight."""
    parts = tuple(await open_parts(location))
    try:
        directory = await read_directory(parts)
        model = read_model(directory, await _rope_divisors(parts, directory))
    except BaseException:
        for part in parts:
            await part.close()
        raise
    name = parts[0].name.rstrip("/").replace("\\", "/").rsplit("/", 1)[-1].split("?")[0]
    return Header(name.removesuffix(".gguf"), parts, directory, model)


async def _rope_divisors(
    parts: Sequence[ByteSource], directory: Directory
) -> "array[float] | None":
    """Read the `rope_freqs` tensor: angles are computed on the CPU, in double precision."""
    info = directory.tensors.get("rope_freqs.weight")
    if info is None:
        return None
    if info.quant.name != "f32":
        raise GgufError(f"tensor 'rope_freqs.weight' is {info.quant.label}; it must be F32")
    return array("f", await parts[info.part].read(info.start, info.start + info.nbytes))


def planned_nbytes(header: Header, plans: Sequence[Plan], names: frozenset[str]) -> int:
    """Return the GPU memory that a model and its plans take."""
    weights = sum(stored_nbytes(header.directory.tensors[name]) for name in names)
    states = {state.name: state.nbytes for plan in plans for state in plan.states}
    return weights + sum(states.values()) + sum(merged(share(plan) for plan in plans))


def check_fit(limits: Limits, plans: Sequence[Plan], context: int) -> None:
    """Refuse plans whose cache or activations no buffer of this adapter can hold."""
    for plan in plans:
        for state in plan.states:
            if state.nbytes > limits.binding_nbytes:
                fitting = context * limits.binding_nbytes // state.nbytes
                raise LimitError(
                    f"{state.name} needs {state.nbytes:,} bytes for a context of {context:,} "
                    f"tokens; this adapter binds {limits.binding_nbytes:,}. "
                    f"A context of {fitting:,} would fit"
                )


async def preflight(location: Location, context: int | None = None) -> Preflight:
    """Say what a model is and whether this adapter can run it."""
    header = await open_header(location)
    try:
        device = await open_device()
        try:
            return _judge(header, device, context)
        finally:
            await device.close()
    finally:
        await header.close()


def _judge(header: Header, device: Device, context: int | None) -> Preflight:
    chosen = header.context(context)
    schedule = choose(device.adapter.kind, device.features)
    plans, names = header.plans(device.limits, schedule, chosen, "f16")
    why = ""
    try:
        check_fit(device.limits, plans, chosen)
    except LimitError as error:
        why = str(error)
    return Preflight(
        header.model.architecture,
        header.parameters,
        header.quant,
        header.model.config.context_length,
        header.nbytes,
        planned_nbytes(header, plans, names),
        not why,
        why,
    )


class Engine:
    """A model on a GPU, ready to answer. Made by `load`."""

    def __init__(
        self,
        header: Header,
        tokenizer: Tokenizer,
        device: Device,
        weights: Mapping[str, tuple[Stored, ...]],
        session: Session,
        kv: KvType,
    ) -> None:
        """Put the parts together."""
        self.name = header.name
        self.header = header
        self.tokenizer = tokenizer
        self.template = make_template(header.directory, tokenizer)
        self.device = device
        self.session = session
        self.kv = kv
        self._weights = weights
        self.info = ModelInfo(
            architecture=header.model.architecture,
            parameters=header.parameters,
            quant=header.quant,
            context_length=header.model.config.context_length,
            context=session.context,
            vocab_size=tokenizer.vocab_size,
            nbytes=header.nbytes,
            template_origin=self.template.origin,
            adapter=device.adapter,
        )

    @classmethod
    async def load(
        cls,
        location: Location,
        *,
        context: int | None = None,
        kv: KvType = "f16",
        adapter: str | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> "Engine":
        """Open a model and bring it to the GPU; cancelling the task cancels the load."""
        begun = time.perf_counter()

        def report(stage: Stage, done: int = 0, total: int = 0) -> None:
            if progress:
                progress(Progress(stage, done, total, time.perf_counter() - begun))

        async with contextlib.AsyncExitStack() as undo:
            report("opening")
            header = await open_header(location)
            undo.push_async_callback(header.close)
            report("tokenizer")
            await asyncio.sleep(0)  # lets those who show it do so before the tokenizer takes all
            tokenizer = load_tokenizer(header.directory.metadata)
            _check_vocabulary(header, tokenizer)
            report("compiling")
            device = await open_device(adapter)
            undo.push_async_callback(device.close)
            chosen = header.context(context)
            plans, names = header.plans(
                device.limits, choose(device.adapter.kind, device.features), chosen, kv
            )
            check_fit(device.limits, plans, chosen)
            programs = [dispatch.program for plan in plans for dispatch in plan.dispatches]
            weights, _ = await _together(
                load_weights(
                    device,
                    header.parts,
                    header.directory.tensors,
                    sorted(names),
                    lambda done, total: report("weights", done, total),
                ),
                device.compile(programs),
            )
            executor = Executor(device, plans, weights)
            await executor.prepare()
            engine = cls(header, tokenizer, device, weights, Session(executor, chosen), kv)
            report("ready", header.nbytes, header.nbytes)
            undo.pop_all()
        return engine

    def prompt_ids(self, messages: Sequence[Mapping[str, object]]) -> list[int]:
        """Return the ids of a conversation up to where the answer begins."""
        return self.tokenizer.encode_segments(self.template.render(messages))

    def raw_ids(self, prompt: str | Sequence[int]) -> list[int]:
        """Return the ids of a raw prompt. EOS is never added: the answer comes next."""
        if isinstance(prompt, str):
            return self.tokenizer.encode(prompt, bos=self.tokenizer.add_bos)
        return list(prompt)

    async def chat(
        self, messages: Sequence[Mapping[str, object]], options: Options
    ) -> AsyncGenerator[Event]:
        """Answer a conversation. Closing the generator ends the answer."""
        async with contextlib.aclosing(self.complete(self.prompt_ids(messages), options)) as events:
            async for event in events:
                yield event

    async def complete(
        self, prompt: str | Sequence[int], options: Options
    ) -> AsyncGenerator[Event]:
        """Continue a text as it is, or ids. Closing the generator ends it."""
        begun = time.perf_counter()
        ids = self.raw_ids(prompt)
        self._check_ids(ids)
        text, stops = TextStream(self.tokenizer), StopStrings(options.stop)
        run, first, told = Run(len(ids)), 0.0, 0
        generated = self.session.generate(ids, options, self.tokenizer.end_ids, run)
        async with contextlib.aclosing(generated) as stream:
            async for id in stream:
                first = first or time.perf_counter() - begun
                visible, stopped = stops.push(text.push(id))
                if stopped:
                    run.reason = "stop"
                    break
                if visible:
                    yield TextDelta(visible, tuple(run.ids[told:]))
                    told = len(run.ids)
            else:
                visible, stopped = stops.push(text.flush())
                visible += stops.flush()
                run.reason = "stop" if stopped else run.reason
        if visible or told < len(run.ids):  # every id is told, also of text that is not shown
            yield TextDelta(visible, tuple(run.ids[told:]))
        yield _done(run, first or time.perf_counter() - begun)

    async def logits(self, ids: Sequence[int], *, each: bool = False) -> list[list[float]]:
        """Return the logits after `ids`, or after each of them. f32 [1 or len(ids), vocab]"""
        self._check_ids(ids)
        self.session.check(ids)
        if not each:
            return [await self.session.logits(ids)]
        schedule = choose(self.device.adapter.kind, self.device.features)
        plans, _ = self.header.plans(
            self.device.limits, schedule, self.session.context, self.kv, each=True
        )
        executor = Executor(self.device, plans, self._weights)
        try:
            await executor.prepare()
            rows: list[list[float]] = []
            for start in range(0, len(ids), EACH_SIZE):
                step = ids[start : start + EACH_SIZE]
                plan = executor.submit(step, start)
                flat = await executor.logits(plan, len(step))
                rows += [list(flat[i : i + plan.vocab]) for i in range(0, len(flat), plan.vocab)]
            return rows
        finally:
            executor.close()

    async def close(self) -> None:
        """Free the GPU and close the files."""
        self.session.executor.close()
        free(self.device, self._weights)
        await self.device.close()
        await self.header.close()

    def _check_ids(self, ids: Sequence[int]) -> None:
        for id in ids:
            if not 0 <= id < self.tokenizer.vocab_size:
                raise RequestError(
                    f"token id {id} does not exist; ids are 0 to {self.tokenizer.vocab_size - 1}",
                    "ids",
                )


async def _together(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """Wait for both; when one fails or this is cancelled, cancel the other and wait for its end."""
    tasks = asyncio.ensure_future(first), asyncio.ensure_future(second)
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _done(run: Run, first_seconds: float) -> Done:
    reason: Literal["stop", "length", "cancelled"] = "cancelled"
    if run.reason in ("stop", "length"):
        reason = "stop" if run.reason == "stop" else "length"
    return Done(
        reason,
        Usage(run.prompt_tokens, len(run.ids), run.cached_tokens),
        Timings(run.prefill_seconds * 1e3, run.decode_seconds * 1e3, first_seconds * 1e3),
        tuple(run.ids),
    )


def make_template(directory: Directory, tokenizer: Tokenizer) -> ChatTemplate:
    """Return the file's chat template, or the built-in one."""

    def text(id: int | None) -> str:
        return "" if id is None else tokenizer.tokens[id]

    return ChatTemplate(
        directory.string("tokenizer.chat_template", ""),
        bos_token=text(tokenizer.bos_id),
        eos_token=text(tokenizer.eos_id),
        specials=tokenizer.specials,
    )


def _check_vocabulary(header: Header, tokenizer: Tokenizer) -> None:
    rows = header.directory.tensors["token_embd.weight"].rows
    if tokenizer.vocab_size > rows:
        raise GgufError(
            f"the vocabulary has {tokenizer.vocab_size:,} tokens but token_embd.weight only "
            f"{rows:,} rows"
        )
