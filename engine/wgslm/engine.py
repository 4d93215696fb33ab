"""A loaded model: the one place that knows both numbers and words.

Loads what a header describes, renders conversations, and turns generated ids into events.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from wgslm.answer import Answer, mark_ids, name_chance
from wgslm.chat.demands.demand import FREE, Demand
from wgslm.chat.events import Done, Event, Timings, Usage
from wgslm.chat.output.parser import OutputParser
from wgslm.chat.template import ChatTemplate
from wgslm.constraint import Constraints, demanded
from wgslm.errors import RequestError
from wgslm.fitting import Chosen, Fitting
from wgslm.generate import Options, Run, Session
from wgslm.gpu import AdapterInfo, Device, open_device
from wgslm.header import EACH_SIZE, Header, Preflight, check_fit, judge, open_header
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import Role
from wgslm.pauses import Pausing, beside, patiently, whole
from wgslm.plan.execute import Executor
from wgslm.prompts import Prompt, Prompts
from wgslm.sampling import Sampling
from wgslm.sources import Location
from wgslm.text import Tokenizer
from wgslm.text.breakers import KeptBreakers
from wgslm.text.stream import TextStream
from wgslm.together import together
from wgslm.tune.notebook import Notebook
from wgslm.weights import Rates, Stored, free, load_weights
from wgslm.words import Templates, read_words

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
    rates: Rates  # of the load
    sampling: Sampling  # that the file recommends
    ignored: tuple[str, ...] = ()  # metadata keys that change answers and that nothing here reads
    variants: tuple[Chosen, ...] = ()  # of kernels
    warnings: tuple[str, ...] = ()  # what is not as it should be with this adapter


class Engine:
    """A model on a GPU, ready to answer. Made by `load`."""

    def __init__(
        self,
        header: Header,
        tokenizer: Tokenizer,
        templates: Templates,
        device: Device,
        weights: Mapping[str, tuple[Stored, ...]],
        rates: Rates,
        session: Session,
        kv: KvType,
        fitting: Fitting,
    ) -> None:
        """Put the parts together."""
        self._fitting = fitting
        self._draws: asyncio.Future[None] | None = None  # what is compiled after the load
        self._constraints = Constraints(tokenizer)
        self._breakers = KeptBreakers(tokenizer)
        self.name = header.name
        self.header = header
        self.tokenizer = tokenizer
        self.templates = templates
        self._prompts = Prompts(tokenizer)
        self.template = templates.default
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
            rates=rates,
            sampling=header.sampling,
            ignored=header.ignored,
            variants=fitting.chosen,
            warnings=tuple(fitting.warnings),
        )

    @classmethod
    async def load(
        cls,
        location: Location,
        *,
        context: int | None = None,
        kv: KvType = "f16",
        adapter: str | None = None,
        variants: Mapping[Role, str] | None = None,
        notebook: Notebook | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> "Engine":
        """Open a model and bring it to the GPU; cancelling the task cancels the load.

        `variants` forces kernels by name (kernels/schedule.py). With a `notebook` those of a GPU
        are chosen by measuring, once: the notebook keeps the figures.
        """
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
            tokenizer, templates = read_words(header)
            report("compiling")
            device = await open_device(adapter)
            undo.push_async_callback(device.close)
            chosen = header.context(context)
            fitting = Fitting(device, header, chosen, kv, variants, notebook)
            undo.push_async_callback(fitting.close)
            plans, stacks = await fitting.begin()
            check_fit(device.limits, plans, chosen)
            (weights, rates), _ = await together(
                load_weights(
                    device,
                    header.parts,
                    stacks,
                    lambda done, total: report("weights", done, total),
                ),
                fitting.compile(),
            )
            executor = Executor(device, await fitting.settle(weights), weights)
            await executor.prepare(draws=False)
            session = Session(executor, chosen, tokenizer.suppressed)
            engine = cls(header, tokenizer, templates, device, weights, rates, session, kv, fitting)
            if device.compiles_aside:  # while the person reads and types
                engine._draws = asyncio.ensure_future(engine._prepare_draws())
            else:
                await engine._prepare_draws()
            report("ready", header.nbytes, header.nbytes)
            undo.pop_all()
        return engine

    def prompt_ids(
        self,
        messages: Sequence[Mapping[str, object]],
        *,
        tools: Sequence[object] | None = None,
        variables: Mapping[str, object] | None = None,
    ) -> list[int]:
        """Return the ids of a conversation up to where the answer begins."""
        return whole(self.prompting(messages, tools=tools, variables=variables))

    def prompting(
        self,
        messages: Sequence[Mapping[str, object]],
        *,
        tools: Sequence[object] | None = None,
        variables: Mapping[str, object] | None = None,
    ) -> Pausing[list[int]]:
        """Do `prompt_ids` with pauses."""
        _, prompt, _ = yield from self._prompt(messages, tools, variables)
        return prompt.ids

    def raw_ids(self, prompt: str | Sequence[int]) -> list[int]:
        """Return the ids of a raw prompt. EOS is never added: the answer comes next."""
        return whole(self._raw(prompt))

    async def chat(
        self,
        messages: Sequence[Mapping[str, object]],
        options: Options,
        *,
        tools: Sequence[object] | None = None,
        variables: Mapping[str, object] | None = None,
        so_far: Sequence[int] = (),
        demand: Demand = FREE,
    ) -> AsyncGenerator[Event]:
        """Answer a conversation, thoughts and calls of `tools` told apart from text.

        `variables` are what the template reads besides (`chat_template` names one of the file's),
        `demand` is what is asked of the calls;
        an answer that has the ids `so_far` is told again and goes on. Closing the generator ends
        the answer.
        """
        begun = time.perf_counter()
        text, prompt, template = await patiently(self._prompt(messages, tools, variables))
        format = template.format
        grammar = await beside(demanded, format, tools or (), demand, text, options.grammar)
        options = replace(options, grammar=grammar)
        parser = OutputParser(format, tools=tools, prompt=text) if format.has_marks else None
        shown = mark_ids(self.tokenizer, format, has_tools=bool(tools))
        self._check_ids(so_far)
        stream = TextStream(self.tokenizer, shown=shown)
        answer = Answer(stream, options.stop, parser, so_far)
        told: list[int] = []  # also of an answer that somebody stops
        try:
            async with contextlib.aclosing(
                self._generate([*prompt.ids, *so_far], options, answer, begun, so_far)
            ) as events:
                async for event in events:
                    told += () if isinstance(event, Done) else event.ids
                    yield event
        finally:
            self._prompts.keep(prompt, told)

    async def complete(
        self, prompt: str | Sequence[int], options: Options
    ) -> AsyncGenerator[Event]:
        """Continue a text as it is, or ids. Closing the generator ends it."""
        begun = time.perf_counter()
        ids = await patiently(self._raw(prompt))
        answer = Answer(TextStream(self.tokenizer), options.stop)
        async with contextlib.aclosing(self._generate(ids, options, answer, begun)) as events:
            async for event in events:
                yield event

    async def _generate(
        self,
        ids: Sequence[int],
        options: Options,
        answer: Answer,
        begun: float,
        so_far: Sequence[int] = (),
    ) -> AsyncGenerator[Event]:
        if self._draws and self._draws.done():
            self._draws.result()  # a pipeline that failed is told, not worked around
        self._check_ids(ids)
        run, first, stopped = Run(len(ids)), 0.0, False
        matcher = await patiently(self._constraints.matching(options.grammar, so_far))
        dry = options.sampling.dry_sequence_breakers if options.sampling.has_dry else ()
        breakers, ends = await beside(self._breakers.ids, dry), self.tokenizer.end_ids
        generated = self.session.generate(ids, options, ends, run, matcher, breakers)
        async with contextlib.aclosing(generated) as stream:
            async for id in stream:
                first = first or time.perf_counter() - begun
                chance = run.chances[-1] if run.chances else None
                named = None if chance is None else name_chance(self.tokenizer, id, chance)
                told, stopped = answer.push(id, named)
                if stopped:
                    run.reason = "stop"
                    last = told
                    break
                for event in told:
                    yield event
            else:
                last = []
        rest, stopped = answer.finish(stopped=stopped, was_cut=run.reason == "length")
        run.reason = "stop" if stopped else run.reason
        for event in [*last, *rest]:
            yield event
        yield _done(run, first or time.perf_counter() - begun, has_calls=answer.has_calls)

    def _prompt(
        self,
        messages: Sequence[Mapping[str, object]],
        tools: Sequence[object] | None,
        variables: Mapping[str, object] | None,
    ) -> Pausing[tuple[str, Prompt, ChatTemplate]]:
        """Return a conversation's prompt, its ids and the template that wrote it."""
        self._check_size(_nbytes(message.get("content")) for message in messages)
        segments, template = yield from self.templates.rendering(messages, tools, variables or {})
        text = "".join(segment.text for segment in segments)
        return text, (yield from self._prompts.encoding(segments)), template

    def _raw(self, prompt: str | Sequence[int]) -> Pausing[list[int]]:
        if not isinstance(prompt, str):
            return list(prompt)
        self._check_size([_nbytes(prompt)])
        return (yield from self.tokenizer.encoding(prompt, bos=self.tokenizer.add_bos))

    async def logits(self, ids: Sequence[int], *, each: bool = False) -> list[list[float]]:
        """Return the logits after `ids`, or after each of them. f32 [1 or len(ids), vocab]"""
        self._check_ids(ids)
        self.session.check(ids)
        if not each:
            return [await self.session.logits(ids)]
        plans, _ = self.header.plans(
            self.device.limits, self._fitting.schedule, self.session.context, self.kv, each=True
        )
        executor = Executor(self.device, plans, self._weights)
        paced = Session(executor, self.session.context)
        try:
            await executor.prepare()
            rows: list[list[float]] = []
            for start in range(0, len(ids), EACH_SIZE):
                plan = await paced.submit(ids[start : start + EACH_SIZE], start)
                flat = await executor.logits(plan, min(EACH_SIZE, len(ids) - start))
                rows += [list(flat[i : i + plan.vocab]) for i in range(0, len(flat), plan.vocab)]
            return rows
        finally:
            executor.close()

    async def _prepare_draws(self) -> None:
        if await self._fitting.settle_draws():
            await self.session.executor.prepare_draws()
        else:
            self.info = replace(self.info, warnings=tuple(self._fitting.warnings))

    async def wait_for_draws(self) -> None:
        """Wait until the GPU draws ids, which a tab compiles only after the load."""
        if self._draws:
            await asyncio.shield(self._draws)

    async def close(self) -> None:
        """Free the GPU and close the files."""
        if self._draws:
            self._draws.cancel()
            await asyncio.wait({self._draws})
        self.session.executor.close()
        free(self.device, self._weights)
        await self.device.close()
        await self.header.close()

    def _check_size(self, texts: Iterable[int]) -> None:
        """Refuse at once what cannot fit, however it is split: a token has only so many bytes."""
        nbytes, most = sum(texts), self.info.context * self.tokenizer.longest_nbytes
        if nbytes > most:
            raise RequestError(
                f"the prompt has {nbytes:,} bytes and the context of {self.info.context:,} tokens "
                f"holds at most {most:,}; shorten the conversation or load the model with a "
                "larger context",
                "messages",
            )

    def _check_ids(self, ids: Sequence[int]) -> None:
        for id in ids:
            if not 0 <= id < self.tokenizer.vocab_size:
                raise RequestError(
                    f"token id {id} does not exist; ids are 0 to {self.tokenizer.vocab_size - 1}",
                    "ids",
                )


async def preflight(
    location: Location,
    *,
    context: int | None = None,
    kv: KvType = "f16",
    adapter: str | None = None,
) -> Preflight:
    """Say what a model is and whether it fits; refuse what loading would before any weight."""
    header = await open_header(location)
    try:
        read_words(header)
        device = await open_device(adapter)
        try:
            return judge(header, device, context, kv)
        finally:
            await device.close()
    finally:
        await header.close()


def _nbytes(content: object) -> int:
    return len(content.encode("utf-8", "replace")) if isinstance(content, str) else 0


def _done(run: Run, first_seconds: float, *, has_calls: bool) -> Done:
    assert run.reason is not None, "the ids end by themselves or at a stop string"
    return Done(
        "tool_calls" if has_calls and run.reason == "stop" else run.reason,
        Usage(run.prompt_tokens, len(run.ids), run.cached_tokens),
        Timings(run.prefill_seconds * 1e3, run.decode_seconds * 1e3, first_seconds * 1e3),
        tuple(run.ids),
    )
