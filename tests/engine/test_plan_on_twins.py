"""Whole plans on the GPU against the same plans on the NumPy twins."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from loaded import loaded, logits_in_steps
from stories import write_stories_q8_0
from tiny_models import ARCHITECTURES, CONTEXT, VOCAB, write_tiny
from twins import Array
from wgslm.gpu import SUBGROUPS, SUBGROUPS_OF_8, Device, Limits
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import GPU, SHORT_CONTEXT, Schedule, choose
from wgslm.quants import QUANTS, Quant

pytestmark = pytest.mark.gpu
SOFTWARE = choose("software", frozenset({SUBGROUPS, SUBGROUPS_OF_8}))  # as on lavapipe
BY_NAME = {quant.name: quant for quant in QUANTS}
each_schedule = pytest.mark.parametrize("schedule", [SOFTWARE, GPU], ids=["software", "gpu"])
# f32 against f64 over two layers with activations near 1 and logits up to about 5
TOLERANCE = 1e-4
IDS = np.random.default_rng(0).integers(0, VOCAB, 24).tolist()


async def both(
    device: Device,
    path: Path,
    schedule: Schedule,
    sizes: tuple[int, ...] = (16,),
    kv: KvType = "f32",
    ids: list[int] = IDS,
    context: int = CONTEXT,
) -> tuple[Array, Array]:
    """Return the logits of all ids by the GPU and by the twins, in steps of the largest size."""
    each = sizes != (1,)
    size = max(sizes)
    async with loaded(device, path) as model:
        plans = model.plans(sizes, context=context, kv=kv, schedule=schedule, each=each)
        machine = await model.twin(context)
        async with model.executor(plans) as executor:
            actual = await logits_in_steps(executor, ids, size)
        plan = plans[-1]
        steps = [
            machine.step(plan, ids[start : start + size], start)
            for start in range(0, len(ids), size)
        ]
    return actual, np.concatenate(steps)


@each_schedule
@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_split_attention(device: Device, tmp_path: Path, name: str, schedule: Schedule) -> None:
    """Several workgroups share the keys of one token, as in the context that users get."""
    path = write_tiny(tmp_path / "tiny.gguf", name, BY_NAME["f16"])
    ids = np.random.default_rng(1).integers(0, VOCAB, 80).tolist()
    context = SHORT_CONTEXT + 200

    actual, expected = asyncio.run(both(device, path, schedule, (1,), ids=ids, context=context))

    assert schedule.splits_of(context) > 1
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)


@each_schedule
@pytest.mark.parametrize("sizes", [(16,), (1,)])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture(
    device: Device, tmp_path: Path, name: str, sizes: tuple[int, ...], schedule: Schedule
) -> None:
    path = write_tiny(tmp_path / "tiny.gguf", name, BY_NAME["f16"])

    actual, expected = asyncio.run(both(device, path, schedule, sizes))

    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)
    assert expected.std() > 0.1


@pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)
def test_every_format(device: Device, tmp_path: Path, quant: Quant) -> None:
    path = write_tiny(tmp_path / "tiny.gguf", "llama", quant)

    actual, expected = asyncio.run(both(device, path, SOFTWARE))

    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)


@each_schedule
@pytest.mark.parametrize("name", ["llama-bias", "gpt2"])
def test_tensors_cut_into_parts(
    device: Device,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    schedule: Schedule,
) -> None:
    path = write_tiny(tmp_path / "tiny.gguf", name, BY_NAME["q8_0"], head=BY_NAME["f16"])
    whole, _ = asyncio.run(both(device, path, schedule, context=32))
    # the embedding, the head and the feed-forward matrices are cut; cache and tables fit
    monkeypatch.setattr(device, "limits", Limits(device.limits.buffer_nbytes, 72 << 10))

    actual, expected = asyncio.run(both(device, path, schedule, context=32))

    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_array_equal(actual, whole)


# a value just beside a rounding border may round to the other side
@pytest.mark.parametrize(("kv", "tolerance"), [("f16", 2e-3), ("q8_0", 2e-2), ("q4_0", 0.2)])
@each_schedule
def test_a_cache_rounds_as_its_twin(
    device: Device, tmp_path: Path, kv: KvType, tolerance: float, schedule: Schedule
) -> None:
    path = write_tiny(tmp_path / "tiny.gguf", "qwen3", BY_NAME["f32"])

    actual, expected = asyncio.run(both(device, path, schedule, kv=kv))
    exact, _ = asyncio.run(both(device, path, schedule, kv="f32"))

    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)
    assert np.abs(actual - exact).max() > 1e-3


def test_stories260k_in_q8_0(device: Device, reference_data: Path, tmp_path: Path) -> None:
    source = reference_data / "models/stories260K.f32.gguf"
    path = write_stories_q8_0(source, tmp_path / "q8_0.gguf")
    ids = [1, 403, 407, 261, 378, 432, 383, 286, 261, 397]

    actual, expected = asyncio.run(both(device, path, SOFTWARE, ids=ids))

    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)
