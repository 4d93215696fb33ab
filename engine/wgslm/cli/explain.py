"""`wgslm explain`: the kernels that a step becomes, before anything runs. Reads no weights."""

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from wgslm.bench.traffic import Row, by_place, kv_nbytes, rows, token_nbytes
from wgslm.cli.folders import notebook
from wgslm.cli.knobs import UsageError
from wgslm.cli.loading import locations
from wgslm.cli.terminal import count, size, table, write_json
from wgslm.errors import LimitError, NoAdapterError
from wgslm.fitting import Chosen, Fitting, chosen_of
from wgslm.gpu import DEFAULT_LIMITS, AdapterInfo, Limits, open_device
from wgslm.header import Header, check_fit, open_header, planned_nbytes
from wgslm.kernels.schedule import choose
from wgslm.plan import Plan
from wgslm.plan.memory import merged, share
from wgslm.weights import Stack


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
    variants: tuple[Chosen, ...]
    bandwidth: float | None = None  # bytes a second

    def rows(self, plan: Plan) -> list[Row]:
        """Return the plan's dispatches with what they cost."""
        return list(rows(plan, self.header, self.limits.binding_nbytes))


def explain(args: Namespace) -> None:
    """Print the plan as a table, or all plans' figures as JSON."""
    asyncio.run(_explain(args))


async def _explain(args: Namespace) -> None:
    models = locations(args)
    if len(models) != 1:
        raise UsageError(f"{len(models)} models are named; explain one: MODEL, or --shape NAME")
    header = await open_header(models[0])
    await header.close()
    explained = await _explained(header, args)
    if args.json:
        write_json(_facts(explained))
        return
    plans = explained.plans
    wanted = [plan for plan in plans if plan.size >= args.tokens]
    plan = wanted[0] if wanted else plans[-1]
    found = explained.rows(plan)
    print(table(_summary(explained)))
    print(
        "\nA step of one token:\n" if plan.size == 1 else f"\nA step of up to {plan.size} tokens:\n"
    )
    print(
        table([("KERNEL", "QUANT", "DISPATCHES", "WEIGHT BYTES"), *_kernels(found)], right=[2, 3])
    )
    print()
    print(table(list(_lines(found, is_full=args.full)), right=[3, 4]))


async def _explained(header: Header, args: Namespace) -> Explained:
    """Return the plans for an adapter; without any, for what WebGPU promises everywhere."""
    context, forced = header.context(args.context), dict(args.variant)
    bandwidth = args.bandwidth * 1e9 if args.bandwidth else None
    try:
        device = await open_device(args.adapter)
    except (NoAdapterError, ModuleNotFoundError) as error:
        if args.adapter is not None or getattr(error, "name", "wgpu") != "wgpu":
            raise
        schedule = choose("gpu", frozenset(), forced)
        plans, stacks = header.plans(DEFAULT_LIMITS, schedule, context, args.kv)
        chosen = chosen_of(schedule, forced)
        limits, kv = DEFAULT_LIMITS, args.kv
        return Explained(header, None, limits, context, kv, plans, stacks, chosen, bandwidth)
    try:  # with what a load has measured, if one has; nothing is measured here
        fitting = Fitting(device, header, context, args.kv, forced, notebook(args))
        plans, stacks = await fitting.begin()
    finally:
        await device.close()
    facts = device.adapter, device.limits, context, args.kv, plans, stacks
    return Explained(header, *facts, fitting.chosen, bandwidth)


def _kernels(found: Sequence[Row]) -> list[tuple[object, ...]]:
    """Return (kernel, quant, dispatches, bytes of weights), the heaviest first."""
    totals: dict[tuple[str, str], list[int]] = {}
    for row in found:
        total = totals.setdefault((row.kernel, row.quant), [0, 0])
        total[0] += 1
        total[1] += row.weight_bytes
    ranked = sorted(totals.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    lines = [(*key, n, f"{nbytes:,}") for key, (n, nbytes) in ranked]
    return [*lines, ("all", "", len(found), f"{_total(found):,}")]


def _lines(found: Sequence[Row], *, is_full: bool) -> Iterator[tuple[str, ...]]:
    """Yield the table of dispatches; layers that follow each other and are alike, once."""
    yield "LAYER", "KERNEL", "QUANT", "GRID", "WEIGHT BYTES", "READS -> WRITES"
    for likes in _folded(found, is_full=is_full):
        first, last = likes[0][0].layer, likes[-1][0].layer
        label = str(first) if first == last else f"{first}-{last}"
        for row in likes[0]:
            grid = "x".join(map(str, row.grid))
            names = f"{', '.join(row.reads)} -> {', '.join(row.writes)}"
            yield label, row.kernel, row.quant, grid, f"{row.weight_bytes:,}", names
            label = ""


def _folded(found: Sequence[Row], *, is_full: bool) -> Iterator[list[list[Row]]]:
    layers = [list(group) for _, group in groupby(found, lambda row: row.layer)]
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
        ("kernels", ", ".join(map(str, e.variants))),
        ("context", f"{e.context:,} tokens; {_kv_bytes(e):,} bytes of {e.kv} cache a token"),
        ("memory", f"{size(memory['total'])}: {shares}"),
        ("fits", f"no: {why}" if why else "yes"),
        ("decode", f"{_dispatches(e.rows(decode))}; {_total(e.rows(decode)):,} bytes of"
         " weights a token"),
        *_roofline_lines(e),
        ("prefill", f"{steps} tokens"),
    ]  # fmt: skip


def _dispatches(found: Sequence[Row]) -> str:
    layers, outside = by_place(found)
    each = " or ".join(map(str, sorted(set(layers.values()))))
    return f"{len(found)} dispatches: {each} a layer, {outside} outside"


def _roofline(e: Explained) -> list[dict[str, float]]:
    """Return what a token takes when memory alone limits it, with an empty and a full cache."""
    if e.bandwidth is None:
        return []
    weights, found = _total(e.rows(e.plans[0])), []
    for position in (0, e.context - 1):
        seconds = token_nbytes(weights, _kv_bytes(e), position) / e.bandwidth
        found.append(
            {
                "gb_s": e.bandwidth / 1e9,
                "after_tokens": position,
                "ms_per_token": seconds * 1e3,
                "tok_s": 1 / seconds,
            }
        )
    return found


def _roofline_lines(e: Explained) -> Iterator[tuple[object, ...]]:
    for at in _roofline(e):
        yield (
            "roofline",
            f"{at['ms_per_token']:.3f} ms a token, {at['tok_s']:,.1f} tok/s, after "
            f"{at['after_tokens']:,} tokens at {at['gb_s']:g} GB/s",
        )


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
        "variants": [asdict(chosen) for chosen in e.variants],
        "memory": _memory(e),
        "fits": not _misfit(e),
        "why": _misfit(e) or None,
        "roofline": _roofline(e),
        "decode": decode,
        "prefill": prefill,
    }


def _step(e: Explained, plan: Plan) -> dict[str, object]:
    found = e.rows(plan)
    layers, outside = by_place(found)
    return {
        "tokens": plan.size,
        "dispatches": len(found),
        "dispatches_per_layer": sorted(set(layers.values())),
        "dispatches_outside": outside,
        "weight_bytes": _total(found),
        "activation_bytes": sum(share(plan).sizes),
        "kernels": dict(plan.counts().most_common()),
        "table": [asdict(row) for row in found],
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
    return kv_nbytes(e.plans[0], e.context)


def _misfit(e: Explained) -> str:
    try:
        check_fit(e.limits, e.plans, e.context)
    except LimitError as error:
        return str(error)
    return ""


def _total(found: Sequence[Row]) -> int:
    return sum(row.weight_bytes for row in found)
