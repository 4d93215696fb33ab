"""The fused lowering: the same logits as the reference, in a pinned number of dispatches."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

import tiny_models
from loaded import loaded, logits_in_steps
from programs import tiny_plan
from twins import Array
from wgslm.gpu import SUBGROUPS, SUBGROUPS_OF_8, Device
from wgslm.kernels.schedule import FUSED, GPU, PLAIN, Schedule, choose
from wgslm.plan.lower import lower
from wgslm.plan.tensors import Tensors
from wgslm.quants import QUANTS, Quant

SOFTWARE = choose("software", frozenset({SUBGROUPS, SUBGROUPS_OF_8}))  # as on lavapipe
BY_NAME = {quant.name: quant for quant in QUANTS}
each_schedule = pytest.mark.parametrize("schedule", [SOFTWARE, GPU], ids=["software", "gpu"])
# what llama.cpp's Q4_K_M does in half of the layers: values in another format than the rest
MIXED = {"attn_v": BY_NAME["q6_k"], "ffn_down": BY_NAME["q6_k"]}


@pytest.mark.gpu
@each_schedule
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", tiny_models.ARCHITECTURES)
def test_fused_and_reference_agree(
    device: Device, tmp_path: Path, name: str, schedule: Schedule, mixed: bool
) -> None:
    path = tiny_models.write_tiny(
        tmp_path / "tiny.gguf", name, BY_NAME["q4_k"], formats=MIXED if mixed else {}
    )
    ids = list(range(7, 27))

    async def logits(used: Schedule) -> Array:
        async with loaded(device, path) as model:
            tensors = Tensors(model.header.directory.tensors, device.limits.binding_nbytes)
            operations = model.header.model.record(tensors)
            plan = lower(operations, 1, tiny_models.CONTEXT, "f32", used)
            async with model.executor([plan]) as executor:
                return await logits_in_steps(executor, ids, 1)

    fused, reference = (
        asyncio.run(logits(schedule.using("lowering", lowering))) for lowering in (FUSED, PLAIN)
    )

    np.testing.assert_allclose(fused, reference, rtol=0, atol=1e-4)
    assert reference.std() > 0.1


@each_schedule
@pytest.mark.parametrize("name", ["llama", "llama-bias", "qwen2", "qwen3"])
@pytest.mark.parametrize("quant", ["q8_0", "q4_k"])
@pytest.mark.parametrize("mixed", [False, True])
def test_five_dispatches_a_layer(name: str, schedule: Schedule, quant: str, mixed: bool) -> None:
    """Another for each layer's sums where the keys of one token are shared out."""
    formats: dict[str, Quant] = MIXED if mixed else {}
    short = tiny_plan(name, BY_NAME[quant], schedule, formats=formats)
    long = tiny_plan(name, BY_NAME[quant], schedule, formats=formats, context=4096)

    outside = len(short.dispatches) - 5 * tiny_models.LAYERS
    assert [d.program.shader for d in short.dispatches][:1] == ["embed"]
    assert short.counts()[schedule.one.shader] == 4 * tiny_models.LAYERS + 1
    assert short.counts()[schedule.attention_one.shader] == tiny_models.LAYERS
    assert len(long.dispatches) == 6 * tiny_models.LAYERS + outside


def test_software_without_wide_subgroups_is_lowered_plainly() -> None:
    """SwiftShader: compiling the fused kernels would keep the page from being ready."""
    narrow = choose("software", frozenset({SUBGROUPS}))
    wide = choose("software", frozenset({SUBGROUPS, SUBGROUPS_OF_8}))

    shaders = tiny_plan("llama", BY_NAME["q8_0"], narrow).counts()
    assert narrow.lowering == PLAIN
    assert wide.lowering == choose("gpu", frozenset()).lowering == FUSED
    assert shaders["rmsnorm"] and shaders["kv_append"] and not shaders[narrow.attention_one.shader]
