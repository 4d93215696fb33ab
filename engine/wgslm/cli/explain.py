"""`wgslm explain`: the kernels that a step becomes, before anything runs. Reads no weights."""

import asyncio
import re
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from wgslm.cli.terminal import count, size, table, write_json
from wgslm.errors import LimitError, NoAdapterError
from wgslm.gpu import DEFAULT_LIMITS, AdapterInfo, Limits, open_device
from wgslm.header import Header, check_fit, open_header, planned_nbytes
from wgslm.kernels import Dispatch
from wgslm.kernels.schedule import choose
from wgslm.plan import Plan, operands
from wgslm.plan.memory import merged, share
from wgslm.weights import Stack, parts_of

BLOCK = re.compile(r"blk\.(\d+)\.")


@dataclass(frozen=True)
class Row:
    """One dispatch."""

    layer: int | str  # or "embed" before the first block, "head" after the last
    kernel: str
    quant: str
    constants: Mapping[str, int | float]
    grid: tuple[int, int, int]
    weight_bytes: int  # that it touches, each once
    reads: Sequence[str]
    writes: Sequence[str]

    @property
    def likeness(self) -> tuple[object, ...]:
        """What is equal in layers that are alike."""
        return self.kernel, self.quant, tuple(self.constants), self.grid, self.weight_bytes


@dataclass(frozen=True)
class Explained:
    """A model's plans for one adapter."""

    header: Header
    adapter: AdapterInfo | None
    limits: Limits
    context: int
    kv: str
    plans: tuple[Plan, ...]
    stacks: tuple[Stack, ...]

    def rows(self, plan: Plan) -> list[Row]:
        """Return the plan's dispatches with what they cost."""
        return list(_rows(plan, {s.name: s for s in self.stacks}, self.limits))


def explain(args: Namespace) -> None:
    """Print the plan as a table, or all plans' figures as JSON."""
    asyncio.run(_explain(args))


async def _explain(args: Namespace) -> None:
    header = await open_header(args.model)
    await header.close()
    adapter, limits, features = await _target(args.adapter)
    context = header.context(args.context)
    schedule = choose(adapter.kind if adapter else "gpu", features, dict(args.variant))
    plans, stacks = header.plans(limits, schedule, context, args.kv)
    explained = Explained(header, adapter, limits, context, args.kv, plans, stacks)
    if args.json:
        write_json(_facts(explained))
        return
    wanted = [plan for plan in plans if plan.size >= args.tokens]
    plan = wanted[0] if wanted else plans[-1]
    rows = explained.rows(plan)
    print(table(_summary(explained)))
    print(
        "\nA step of one token:\n" if plan.size == 1 else f"\nA step of up to {plan.size} tokens:\n"
    )
    print(table([("KERNEL", "QUANT", "DISPATCHES", "WEIGHT BYTES"), *_kernels(rows)], right=[2, 3]))
    print()
    print(table(list(_lines(rows, is_full=args.full)), right=[3, 4]))


async def _target(name: str | None) -> tuple[AdapterInfo | None, Limits, frozenset[str]]:
    """Return an adapter, its limits and features; without any, what WebGPU promises everywhere."""
    try:
        device = await open_device(name)
    except (NoAdapterError, ModuleNotFoundError) as error:
        if name is not None or getattr(error, "name", "wgpu") != "wgpu":
            raise
        return None, DEFAULT_LIMITS, frozenset()
    await device.close()
    return device.adapter, device.limits, device.features


def _rows(plan: Plan, stacks: Mapping[str, Stack], limits: Limits) -> Iterator[Row]:
    layer: int | str = "embed"
    for dispatch in plan.dispatches:
        weights = [ref for ref in dispatch.bindings.values() if ref.kind == "weight"]
        if weights:
            found = BLOCK.match(weights[0].name)
            layer = int(found[1]) if found else "embed" if layer == "embed" else "head"
        bound = dict(dispatch.program.bound)
        reads, writes = operands(dispatch)
        yield Row(
            layer,
            dispatch.program.shader,
            bound.get("quant", "").removeprefix("quants/"),
            dict(dispatch.program.constants),
            dispatch.grid,
            _weight_bytes(dispatch, plan.size, stacks, limits),
            reads,
            writes,
        )


def _weight_bytes(
    dispatch: Dispatch, tokens: int, stacks: Mapping[str, Stack], limits: Limits
) -> int:
    """Return the bytes of weights that a dispatch touches, as the file stores them."""
    nbytes = 0
    for name, part in {(r.name, r.part) for r in dispatch.bindings.values() if r.kind == "weight"}:
        stack = stacks[name]
        _, rows = parts_of(stack, limits.binding_nbytes)[part]
        if dispatch.program.shader == "embed":  # a row a token, in whichever part it lies
            rows = min(tokens, stack.rows) if part == 0 else 0
        nbytes += sum(info.nbytes for info in stack.infos) // stack.rows * rows
    return nbytes


def _kernels(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    """Return (kernel, quant, dispatches, bytes of weights), the heaviest first."""
    totals: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        total = totals.setdefault((row.kernel, row.quant), [0, 0])
        total[0] += 1
        total[1] += row.weight_bytes
    ranked = sorted(totals.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    lines = [(*key, n, f"{nbytes:,}") for key, (n, nbytes) in ranked]
    return [*lines, ("all", "", len(rows), f"{_total(rows):,}")]


def _lines(rows: Sequence[Row], *, is_full: bool) -> Iterator[tuple[str, ...]]:
    """Yield the table of dispatches; layers that follow each other and are alike, once."""
    yield "LAYER", "KERNEL", "QUANT", "GRID", "WEIGHT BYTES", "READS -> WRITES"
    for likes in _folded(rows, is_full=is_full):
        first, last = likes[0][0].layer, likes[-1][0].layer
        label = str(first) if first == last else f"{first}-{last}"
        for row in likes[0]:
            grid = "x".join(map(str, row.grid))
            names = f"{', '.join(row.reads)} -> {', '.join(row.writes)}"
            yield label, row.kernel, row.quant, grid, f"{row.weight_bytes:,}", names
            label = ""


def _folded(rows: Sequence[Row], *, is_full: bool) -> Iterator[list[list[Row]]]:
    layers = [list(group) for _, group in groupby(rows, lambda row: row.layer)]
    if is_full:
        yield from ([layer] for layer in layers)
        return
    for _, alike in groupby(layers, lambda layer: [row.likeness for row in layer]):
        yield list(alike)


def _summary(e: Explained) -> list[tuple[object, ...]]:
    header, memory = e.header, _memory(e)
    shares = " + ".join(f"{name} {size(n)}" for name, n in memory.items() if name != "total")
    decode, *prefill = e.plans
    steps = ", ".join(f"{len(plan.dispatches)} for up to {plan.size}" for plan in prefill)
    why = _misfit(e)
    adapter = e.adapter or "none here; with the limits that WebGPU promises everywhere"
    return [
        ("model", f"{header.name}, {header.model.architecture}, {count(header.parameters)} of"
         f" {header.quant}"),
        ("layers", decode.layers),
        ("adapter", adapter),
        ("context", f"{e.context:,} tokens; {_kv_bytes(e):,} bytes of {e.kv} cache a token"),
        ("memory", f"{size(memory['total'])}: {shares}"),
        ("fits", f"no: {why}" if why else "yes"),
        ("decode", f"{len(decode.dispatches)} dispatches, {_total(e.rows(decode)):,} bytes of"
         " weights a token"),
        ("prefill", f"{steps} tokens"),
    ]  # fmt: skip


def _facts(e: Explained) -> dict[str, object]:
    decode, *prefill = (_step(e, plan) for plan in e.plans)
    return {
        "model": e.header.name,
        "architecture": e.header.model.architecture,
        "parameters": e.header.parameters,
        "quant": e.header.quant,
        "layers": e.plans[0].layers,
        "context": e.context,
        "kv": e.kv,
        "kv_bytes_per_token": _kv_bytes(e),
        "adapter": asdict(e.adapter) if e.adapter else None,
        "limits": asdict(e.limits),
        "memory": _memory(e),
        "fits": not _misfit(e),
        "why": _misfit(e) or None,
        "decode": decode,
        "prefill": prefill,
    }


def _step(e: Explained, plan: Plan) -> dict[str, object]:
    rows = e.rows(plan)
    return {
        "tokens": plan.size,
        "dispatches": len(rows),
        "weight_bytes": _total(rows),
        "activation_bytes": sum(share(plan).sizes),
        "kernels": dict(plan.counts().most_common()),
        "table": [asdict(row) for row in rows],
    }


def _memory(e: Explained) -> dict[str, int]:
    """Return the bytes on the GPU by use."""
    total = planned_nbytes(e.plans, e.stacks)
    cache = _kv_bytes(e) * e.context
    activations = sum(merged(share(plan) for plan in e.plans))
    states = {state.name: state.nbytes for plan in e.plans for state in plan.states}
    weights = total - activations - sum(states.values())
    tables = sum(states.values()) - cache
    return {
        "weights": weights,
        "cache": cache,
        "activations": activations,
        "tables": tables,
        "total": total,
    }


def _kv_bytes(e: Explained) -> int:
    caches = (state.nbytes for state in e.plans[0].states if state.name.startswith("cache."))
    return sum(caches) // e.context


def _misfit(e: Explained) -> str:
    try:
        check_fit(e.limits, e.plans, e.context)
    except LimitError as error:
        return str(error)
    return ""


def _total(rows: Sequence[Row]) -> int:
    return sum(row.weight_bytes for row in rows)
