"""Models against llama.cpp's recorded logits and ids."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loaded import loaded, logits_in_steps
from twins import Array
from wgslm.gpu import Device
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import GPU, SOFTWARE, Schedule

pytestmark = pytest.mark.gpu
ARCHITECTURES = ("llama", "llama-bias", "llama-yarn", "qwen2", "qwen3", "gpt2")
CONTEXT = 256
MARGIN = 1e-2  # ids may part where the two highest logits are closer
each_schedule = pytest.mark.parametrize("schedule", [SOFTWARE, GPU], ids=["software", "gpu"])


def recorded(path: Path) -> Any:
    return json.loads(path.read_text())


async def run(
    device: Device,
    path: Path,
    ids: Sequence[int],
    size: int,
    schedule: Schedule | None = None,
    kv: KvType = "f32",
    context: int = CONTEXT,
) -> Array:
    """Return the logits of every id, in steps of `size`."""
    async with loaded(device, path) as model:
        each = size > 1
        plans = model.plans((size,), context=context, kv=kv, schedule=schedule, each=each)
        async with model.executor(plans) as executor:
            return await logits_in_steps(executor, ids, size)


def check_logits(logits: Array, truth: Mapping[str, Any], tolerance: float) -> None:
    """Compare with the highest logits at four places, and with all at the last one."""
    assert len(truth["top10"]) == 4
    for place in truth["top10"]:
        for id, value in place["top"]:
            assert logits[place["pos"], id] == pytest.approx(value, abs=tolerance)
        assert logits[place["pos"]].argmax() == place["top"][0][0]
    np.testing.assert_allclose(logits[-1], truth["logits_last"], rtol=0, atol=tolerance)


def check_choices(logits: Array, greedy: Sequence[int], margin: float) -> None:
    """Check rows of logits, each before an id that was chosen: it is the highest, or so near to
    it that llama.cpp's rounding may have decided.
    """
    for row, id in zip(logits, greedy, strict=True):
        second, highest = np.sort(row)[-2:]
        if highest - second >= margin:
            assert row.argmax() == id
        assert row[id] >= highest - margin


@each_schedule
@pytest.mark.parametrize("size", [96, 16, 1])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_logits_equal_llama_cpp(
    device: Device, reference_data: Path, name: str, size: int, schedule: Schedule
) -> None:
    golden = recorded(reference_data / f"architectures/{name}.json")
    truth = golden.get("exact_gelu", golden)
    tolerance = max(1e-3, 3 * golden["incremental_diff"])
    ids = golden["prompt_ids"]

    logits = asyncio.run(
        run(device, reference_data / f"architectures/{name}.gguf", ids, size, schedule)
    )

    check_logits(logits, truth, tolerance)


@each_schedule
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_greedy_ids_equal_llama_cpp(
    device: Device, reference_data: Path, name: str, schedule: Schedule
) -> None:
    golden = recorded(reference_data / f"architectures/{name}.json")
    prompt, greedy = golden["prompt_ids"], golden["greedy_ids"]

    logits = asyncio.run(
        run(
            device,
            reference_data / f"architectures/{name}.gguf",
            prompt + greedy[:-1],
            128,
            schedule,
        )
    )

    check_choices(logits[len(prompt) - 1 :], greedy, MARGIN)


@each_schedule
@pytest.mark.parametrize("size", [96, 16, 1])
def test_sixteen_formats_in_one_file_give_the_logits_of_their_weights(
    device: Device, reference_data: Path, size: int, schedule: Schedule
) -> None:
    golden = recorded(reference_data / "architectures/llama-quants.json")
    path = reference_data / "architectures/llama-quants.gguf"

    logits = asyncio.run(run(device, path, golden["prompt_ids"], size, schedule))

    check_logits(logits, golden, 1e-3)


def check_case(logits: Array, case: Mapping[str, Any], tolerance: float, margin: float) -> None:
    """Compare with one case of a golden file: highest logits on the way, then chosen ids."""
    for position, top in case["top10_logits"].items():
        for id, value in top:
            assert logits[int(position), id] == pytest.approx(value, abs=tolerance)
    check_choices(logits[len(case["prompt_ids"]) - 1 :], case["greedy_ids"], margin)


def check_golden(
    device: Device, folder: Path, name: str, kv: KvType, tolerance: float, margin: float
) -> None:
    golden = recorded(folder / f"{name}.golden.json")
    for case in golden["cases"]:
        ids = case["prompt_ids"] + case["greedy_ids"][:-1]
        logits = asyncio.run(run(device, folder / golden["file"], ids, 128, kv=kv, context=160))
        check_case(logits, case, tolerance, margin)


def test_stories260k_equals_llama_cpp(device: Device, reference_data: Path) -> None:
    check_golden(device, reference_data / "models", "stories260K", "f32", 1e-3, 0)


def test_llama_2_tiny_random_equals_llama_cpp(device: Device, reference_data: Path) -> None:
    check_golden(device, reference_data / "models", "llama-2-tiny-random", "f32", 1e-3, 1e-5)


def test_tinytalk_equals_llama_cpp(device: Device, reference_data: Path) -> None:
    # llama.cpp rounds activations to 8 bits before it multiplies Q4_0: up to 0.3 in a logit
    check_golden(device, reference_data / "models", "tinytalk.q4_0", "f32", 0.3, MARGIN)


def test_an_f16_cache_chooses_the_same_ids(device: Device, reference_data: Path) -> None:
    # half floats in the cache move these logits by up to 2e-2
    check_golden(device, reference_data / "models", "stories260K", "f16", 3e-2, MARGIN)
    check_golden(device, reference_data / "models", "tinytalk.q4_0", "f16", 0.3, MARGIN)
