"""A benchmark's figures as JSON and as Markdown; the adapter and what it is always among them."""

import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from wgslm.bench import kernels
from wgslm.bench.suite import Measured, Result, Timing
from wgslm.bench.traffic import by_place, rows
from wgslm.plan import Plan

SOFTWARE = "software adapter: says nothing about a GPU"
COPY = "compute shader that reads and writes 16 bytes a lane; both count"
Facts = dict[str, Any]  # what json.dumps takes


def facts(result: Result, commit: str | None = None) -> Facts:
    """Return everything as JSON values."""
    copy = result.copy
    return {
        "wgslm": {"version": _version(), "commit": commit},
        "host": {"system": platform.platform(), "python": platform.python_version()},
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "adapter": {
            **asdict(result.adapter),
            "features": sorted(result.features),
            "limits": asdict(result.limits),
        },
        "warning": SOFTWARE if result.adapter.kind == "software" else None,
        "copy": {"buffer_bytes": copy.nbytes, "gb_s": _giga(copy.bytes_per_second), "how": COPY},
        "models": [_model(model, result) for model in result.models],
    }


def _model(model: Measured, result: Result) -> Facts:
    info, plans = model.engine.info, model.engine.session.executor.plans
    return {
        "model": model.engine.name,
        "architecture": info.architecture,
        "parameters": info.parameters,
        "quant": info.quant,
        "weight_bytes": info.nbytes,
        "kv": model.engine.kv,
        "variants": [asdict(chosen) for chosen in info.variants],
        "warnings": list(info.warnings),
        "context": info.context,
        "load": {
            "seconds": model.load_seconds,
            "weights_seconds": model.weights_seconds,
            "mb_s": info.nbytes / model.weights_seconds / 1e6,
            "upload_mb_s": info.rates.upload / 1e6,  # apart from all that goes on beside it
            "relay_mb_s": info.rates.relay / 1e6,
        },
        "weight_bytes_per_token": model.weight_nbytes,
        "kv_bytes_per_token": model.kv_nbytes,
        "tests": [_test(test, result) for test in model.tests],
        "host_ms_per_step": model.host_seconds * 1e3,
        "plans": [_plan(model, plan) for plan in (plans[0], plans[-1])],
        "kernels": _kernels(model, result) if model.kernels else None,
    }


def _test(test: Timing, result: Result) -> Facts:
    found: Facts = {
        "test": test.name,
        "tokens": test.tokens,
        "depth": test.depth,
        "tok_s": test.speed,
        "tok_s_stdev": test.spread,
        "samples_tok_s": test.speeds,
    }
    if test.token_nbytes is not None:
        rate = test.token_nbytes * test.speed
        found["bytes_per_token"] = round(test.token_nbytes)
        found["gb_s"] = _giga(rate)
        found["share_of_copy"] = rate / result.copy.bytes_per_second
    return found


def _plan(model: Measured, plan: Plan) -> Facts:
    found = list(rows(plan, model.engine.header, model.engine.device.limits.binding_nbytes))
    layers, outside = by_place(found)
    return {
        "tokens": plan.size,
        "dispatches": len(found),
        "dispatches_per_layer": sorted(set(layers.values())),
        "dispatches_outside": outside,
        "kernels": dict(plan.counts().most_common()),
        "variants": sorted({dispatch.program.source().name for dispatch in plan.dispatches}),
    }


def _kernels(model: Measured, result: Result) -> Facts:
    total = sum(time.seconds for time in model.kernels)
    return {
        "clock": kernels.clock(model.engine),
        "depth": model.kernel_depth,
        "step_ms": total * 1e3,
        "rows": [
            {
                "kernel": time.kernel,
                "quant": time.quant,
                "shape": time.shape,
                "dispatches": time.dispatches,
                "ms": time.seconds * 1e3,
                "us_each": time.seconds / time.dispatches * 1e6,
                "share": time.seconds / total if total else 0.0,
                "gb_s": _giga(time.bytes_per_second),
                "share_of_copy": time.bytes_per_second / result.copy.bytes_per_second,
            }
            for time in model.kernels
        ],
    }


def markdown(found: Facts) -> str:
    """Return the facts for people, or for a note."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Facts) -> Iterator[str]:
    adapter, copy = found["adapter"], found["copy"]
    names = ", ".join(filter(None, (adapter["backend"], adapter["driver"])))
    yield f"- adapter: {adapter['name']} ({names}), a {adapter['kind']} adapter"
    if found["warning"]:
        yield f"- **{found['warning']}**"
    yield f"- features: {', '.join(adapter['features']) or 'none'}"
    yield (
        f"- copy: {copy['gb_s']:.2f} GB/s over buffers of {copy['buffer_bytes'] / 2**20:.0f} MiB "
        f"({copy['how']})"
    )
    wgslm = found["wgslm"]
    version, commit = (wgslm[key] or "unknown" for key in ("version", "commit"))
    yield f"- wgslm version {version}, commit {commit}"
    yield f"- {found['host']['system']}, Python {found['host']['python']}, {found['when']}"
    yield from _chosen(found["models"])
    yield from _speeds(found["models"])
    yield from _loads(found["models"])
    for model in found["models"]:
        if model["kernels"]:
            yield from _kernel_lines(model)


def _chosen(models: Sequence[Facts]) -> Iterator[str]:
    """Yield which kernels each model ran with, and why; and what is wrong with the adapter."""
    for model in models:
        names = [f"{v['role']} {v['variant']} ({v['why']})" for v in model["variants"]]
        yield f"- kernels of {model['model']}, kv {model['kv']}: {', '.join(names)}"
        yield from (f"- **{warning}**" for warning in model["warnings"])


def _speeds(models: Sequence[Facts]) -> Iterator[str]:
    yield ""
    heads = ("model", "weights", "kv", "test", "tok/s", "MB/token", "GB/s", "of copy")
    yield from _head(heads, right=4)
    for model in models:
        for test in model["tests"]:
            cells = [
                model["model"],
                f"{model['weight_bytes'] / 1e6:,.0f} MB {model['quant']}",
                model["kv"],
                test["test"],
                f"{test['tok_s']:.2f} ± {test['tok_s_stdev']:.2f}",
            ]
            if "gb_s" in test:
                cells += [
                    f"{test['bytes_per_token'] / 1e6:,.1f}",
                    f"{test['gb_s']:.2f}",
                    f"{test['share_of_copy']:.1%}",
                ]
            yield _row(cells, len(heads))


def _loads(models: Sequence[Facts]) -> Iterator[str]:
    yield ""
    heads = (
        "model",
        "kv",
        "load s",
        "weights MB/s",
        "upload",
        "re-laying",
        "dispatches",
        "a layer",
        "outside",
        "host ms/step",
    )
    yield from _head(heads, right=2)
    for model in models:
        plan = model["plans"][0]
        cells = [
            model["model"],
            model["kv"],
            f"{model['load']['seconds']:.2f}",
            *(f"{model['load'][key]:,.0f}" for key in ("mb_s", "upload_mb_s", "relay_mb_s")),
            f"{plan['dispatches']}",
            ", ".join(map(str, plan["dispatches_per_layer"])),
            f"{plan['dispatches_outside']}",
            f"{model['host_ms_per_step']:.3f}",
        ]
        yield _row(cells, len(heads))


def _kernel_lines(model: Facts) -> Iterator[str]:
    found: Facts = model["kernels"]
    yield ""
    yield f"{model['model']}, kv {model['kv']}: one step of decoding at depth {found['depth']},"
    yield f"{found['step_ms']:.3f} ms in all ({found['clock']})"
    yield ""
    heads = ("kernel", "quant", "shape", "dispatches", "us each", "ms", "share", "GB/s", "of copy")
    yield from _head(heads, right=3)
    for row in found["rows"]:
        cells = [
            row["kernel"],
            row["quant"],
            row["shape"],
            f"{row['dispatches']}",
            f"{row['us_each']:.1f}",
            f"{row['ms']:.3f}",
            f"{row['share']:.1%}",
        ]
        if row["gb_s"]:
            cells += [f"{row['gb_s']:.2f}", f"{row['share_of_copy']:.1%}"]
        yield _row(cells, len(heads))


def _head(names: Sequence[str], right: int) -> tuple[str, str]:
    """Return a table's first two lines; columns from `right` on end flush."""
    rules = ["---:" if i >= right else "---" for i in range(len(names))]
    return _row(names, len(names)), _row(rules, len(names))


def _row(cells: Sequence[str], count: int) -> str:
    return "| " + " | ".join([*cells, *[""] * (count - len(cells))]) + " |"


def _giga(rate: float) -> float:
    return rate / 1e9


def _version() -> str | None:
    try:
        return version("wgslm")
    except PackageNotFoundError:
        return None
