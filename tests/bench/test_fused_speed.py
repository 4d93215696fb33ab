"""Fusing pays: a step of one token in few dispatches against one in many, on the same adapter."""

import asyncio
import time
from dataclasses import replace
from statistics import median

import numpy as np
import pytest

from loaded import loaded
from twins import Array
from wgslm.bench.random_source import RandomSource
from wgslm.bench.shapes import shape_named
from wgslm.gpu import Device
from wgslm.kernels.schedule import FUSED, PLAIN, choose
from wgslm.plan.execute import Executor

# smollm2-135m at a third of its width and a small vocabulary: a step of some milliseconds
SHAPE = replace(
    shape_named("smollm2-135m"), name="narrow", dim=192, heads=3, kv_heads=1, hidden=512, vocab=2048
)
CONTEXT, SHORT = 512, 12  # tokens before the first that is timed
ROUNDS, STEPS = 11, 3  # in turns, so that what else the machine does meets both
LEAST = 1.05  # times as fast; two that are the same come to less


@pytest.mark.gpu
def test_fused_is_faster_than_reference_and_gives_the_same(device: Device) -> None:
    usual = choose(device.adapter.kind, device.features)
    schedules = [usual.using("lowering", lowering) for lowering in (FUSED, PLAIN)]

    async def run() -> tuple[list[int], list[Array], list[list[float]]]:
        async with loaded(device, RandomSource(SHAPE, "q4_k_m")) as model:
            plans = [
                model.plans((1,), context=CONTEXT, kv="f16", schedule=schedule)[0]
                for schedule in schedules
            ]
            async with (
                model.executor(plans[:1], draws=False) as fused,
                model.executor(plans[1:], draws=False) as plain,
            ):
                logits = [await _logits(one) for one in (fused, plain)]
                seconds: list[list[float]] = [[], []]
                for _ in range(ROUNDS):
                    for one, found in zip((fused, plain), seconds, strict=True):
                        found.append(await _seconds(device, one))
            return [len(plan.dispatches) for plan in plans], logits, seconds

    dispatches, (fused, plain), seconds = asyncio.run(run())

    ratio = median(b / a for a, b in zip(*seconds, strict=True))
    milliseconds = [1e3 * median(found) for found in seconds]
    print(
        f"\n{dispatches[0]} dispatches {milliseconds[0]:.2f} ms, "
        f"{dispatches[1]} dispatches {milliseconds[1]:.2f} ms: {ratio:.2f} times as fast"
    )
    assert plain.std() > 0.01
    np.testing.assert_allclose(fused, plain, rtol=0, atol=1e-4)
    assert ratio >= LEAST


async def _logits(executor: Executor) -> Array:
    rows = []
    for position in range(SHORT):
        plan = executor.submit([7 + 31 * position], position)
        rows.append(np.array(await executor.logits(plan), np.float64))
    return np.stack(rows)


async def _seconds(device: Device, executor: Executor) -> float:
    """Return the time of a step: the process's CPU time where the CPU computes."""
    clock = time.process_time if device.adapter.kind == "software" else time.perf_counter
    await device.idle()
    begun = clock()
    for step in range(STEPS):
        executor.submit([9], SHORT + step)
    await device.idle()
    return (clock() - begun) / STEPS
