"""Models on the tests' shared device, and the same models on the NumPy twins."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twins import Array
from twins.plan import Machine
from twins.quants import decode_rows
from wgslm.engine import Engine
from wgslm.fitting import Fitting
from wgslm.generate import Session
from wgslm.gpu import Device
from wgslm.header import Header, open_header
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import Schedule, choose
from wgslm.plan import Plan
from wgslm.plan.execute import Executor
from wgslm.plan.lower import lower
from wgslm.plan.tensors import Tensors
from wgslm.sources import Location
from wgslm.weights import Rates, Stored, free, load_weights
from wgslm.words import read_words


@dataclass
class Loaded:
    """A model's header and weights."""

    device: Device
    header: Header
    weights: dict[str, tuple[Stored, ...]]
    rates: Rates

    def plans(
        self,
        sizes: Sequence[int],
        *,
        context: int,
        kv: KvType = "f32",
        schedule: Schedule | None = None,
        each: bool = False,
    ) -> tuple[Plan, ...]:
        """Return plans of any sizes."""
        tensors = Tensors(self.header.directory.tensors, self.device.limits.binding_nbytes)
        operations = self.header.model.record(tensors, each=each)
        chosen = schedule or choose(self.device.adapter.kind, self.device.features)
        return tuple(lower(operations, size, context, kv, chosen) for size in sizes)

    @asynccontextmanager
    async def executor(
        self, plans: Sequence[Plan], *, draws: bool = True
    ) -> AsyncIterator[Executor]:
        """Bind plans."""
        executor = Executor(self.device, plans, self.weights)
        try:
            await executor.prepare(draws=draws)
            yield executor
        finally:
            executor.close()

    async def twin(self, context: int) -> Machine:
        """Return the model on the twins."""
        weights: dict[str, Array] = {}
        for info in self.header.directory.tensors.values():
            data = await self.header.parts[info.part].read(info.start, info.start + info.nbytes)
            rows = decode_rows(info.quant, data, info.row).astype(np.float64)
            weights[info.name] = rows[0] if len(info.shape) == 1 else rows
        return Machine(weights, self.header.model.config.rope, context)


@asynccontextmanager
async def loaded(device: Device, path: Location) -> AsyncIterator[Loaded]:
    """Load a model's weights, and free them."""
    header = await open_header(path)
    try:
        tensors = Tensors(header.directory.tensors, device.limits.binding_nbytes)
        header.model.record(tensors)
        weights, rates = await load_weights(
            device, header.parts, tuple(tensors.stacks.values()), lambda *_: None
        )
        try:
            yield Loaded(device, header, weights, rates)
        finally:
            free(device, weights)
    finally:
        await header.close()


async def logits_in_steps(
    executor: Executor, ids: Sequence[int], size: int, position: int = 0
) -> Array:
    """Run ids in steps of `size` and return the logits of each, f64 [len(ids), vocab].

    The plans must keep the logits of every token, or `size` must be 1.
    """
    rows = []
    for start in range(0, len(ids), size):
        step = ids[start : start + size]
        plan = executor.submit(step, position + start)
        flat = np.array(await executor.logits(plan, len(step)), np.float64)
        rows.append(flat.reshape(len(step), plan.vocab))
    return np.concatenate(rows)


@asynccontextmanager
async def session(
    device: Device,
    path: Path,
    *,
    context: int = 96,
    sizes: Sequence[int] = (1, 4, 16),
    ahead: int | None = None,
) -> AsyncIterator[Session]:
    """Load a model and yield an empty sequence of it."""
    async with loaded(device, path) as model:
        plans = model.plans(sizes, context=context)
        async with model.executor(plans) as executor:
            yield Session(executor, context, ahead=ahead)


@asynccontextmanager
async def engine(device: Device, path: Path, *, context: int = 96) -> AsyncIterator[Engine]:
    """Put an engine together on the tests' device; it must not be closed."""
    async with loaded(device, path) as model:
        plans = model.plans((1, 16), context=context)
        async with model.executor(plans) as executor:
            tokenizer, templates = read_words(model.header)
            current = Session(executor, context)
            yield Engine(
                model.header,
                tokenizer,
                templates,
                device,
                model.weights,
                model.rates,
                current,
                "f32",
                Fitting(device, model.header, context, "f32"),
            )
