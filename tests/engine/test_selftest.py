"""Known answers: right kernels give them, and one wrong constant in any kernel does not."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
import pytest

import tiny_models
from idle import slowdown
from programs import tiny_plan
from twins.kv import pack
from twins.quants import decode_rows
from wgslm.gpu import Device, Program, open_device
from wgslm.kernels.attention import KV_TYPES, KvType
from wgslm.kernels.schedule import GPU, SOFTWARE, Schedule, choose, find
from wgslm.quants import QUANTS, Quant
from wgslm.selftest import SelfTest, Wrong, attention
from wgslm.selftest.cases import numbers
from wgslm.selftest.known import ANSWERS, CHUNK, PROBE, chunks
from wrong_driver import Flaw, spoil

BY_NAME = {quant.name: quant for quant in QUANTS}
MOST_SECONDS = 0.1
TRIES = 5  # the best one counts: other programs only ever make it slower
LONG = 600  # a context whose keys are split
each_quant = pytest.mark.parametrize("quant", QUANTS, ids=lambda quant: quant.name)


@each_quant
def test_answers_are_those_of_the_twins(quant: Quant) -> None:
    weights = decode_rows(quant, b"".join(chunks(quant)), CHUNK).astype(np.float64)

    found = ", ".join(f"{value:.9g}" for value in weights @ np.array(PROBE))

    assert ", ".join(f"{value:.9g}" for value in ANSWERS[quant.name]) == found


@pytest.mark.parametrize("kv", KV_TYPES)
@pytest.mark.parametrize("dim", [64, 256])
def test_a_filled_cache_is_what_appending_makes(kv: KvType, dim: int) -> None:
    rows = attention.kinds(kv, dim)

    filled = b"".join(attention.packed(kv, row) for row in rows)

    assert filled == pack(kv, np.array(rows, np.float64)).tobytes()


@pytest.mark.parametrize("kv", KV_TYPES)
@pytest.mark.parametrize("dim", [64, 128, 256])
def test_a_late_key_decides_for_some_heads_only(kv: KvType, dim: int) -> None:
    keys = np.array(attention.kinds(kv, dim))
    queries = np.array([numbers(dim, 3 * i) for i in range(attention.TOKENS * attention.GROUP)])

    scores = queries @ keys.T

    assert {bool(at == attention.KINDS) for at in scores.argmax(1)} == {False, True}


def programs_of(
    name: str,
    quant: Quant,
    schedule: Schedule,
    kv: KvType = "f16",
    context: int = tiny_models.CONTEXT,
) -> list[Program]:
    plans = [tiny_plan(name, quant, schedule, size, kv, context=context) for size in (1, 16)]
    return list(dict.fromkeys(d.program for p in plans for d in (*p.dispatches, *p.candidates)))


def examine(
    device: Device, programs: Sequence[Program], schedule: Schedule = SOFTWARE
) -> list[Wrong]:
    async def run() -> list[Wrong]:
        test = SelfTest(device)
        try:
            return await test.examine(programs, schedule)
        finally:
            test.close()

    return asyncio.run(run())


@pytest.mark.gpu
@pytest.mark.parametrize("quant", ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q4_k", "q5_k", "q6_k"])
def test_products_that_round_their_input_are_right_within_that(device: Device, quant: str) -> None:
    schedule = GPU.using("one", find("one", "dp4a", device.features))

    assert examine(device, programs_of("llama", BY_NAME[quant], schedule), schedule) == []


@pytest.mark.gpu
@pytest.mark.parametrize("schedule", [SOFTWARE, GPU], ids=["software", "gpu"])
@pytest.mark.parametrize("name", tiny_models.ARCHITECTURES)
def test_right_kernels_of_every_architecture_pass(
    device: Device, name: str, schedule: Schedule
) -> None:
    programs = programs_of(name, BY_NAME["q8_0"], schedule)

    assert examine(device, programs, schedule) == []


@pytest.mark.gpu
def test_right_kernels_of_this_adapter_pass(device: Device) -> None:
    schedule = choose(device.adapter.kind, device.features)

    assert examine(device, programs_of("qwen3", BY_NAME["q4_0"], schedule), schedule) == []


@pytest.mark.gpu
def test_it_takes_little_time_once_pipelines_are_compiled(device: Device) -> None:
    schedule = choose(device.adapter.kind, device.features)
    programs = programs_of("llama", BY_NAME["q8_0"], schedule)
    examine(device, programs, schedule)
    seconds = []
    for _ in range(TRIES):
        before, begun = slowdown(), time.perf_counter()
        assert examine(device, programs, schedule) == []
        spent = time.perf_counter() - begun
        seconds.append(spent / max(1.0, (before + slowdown()) / 2))

    print(f"\n{len(programs)} kernels examined in {min(seconds) * 1e3:.0f} ms")
    assert min(seconds) <= MOST_SECONDS


@pytest.mark.gpu
@each_quant
def test_right_kernels_of_every_format_pass(device: Device, quant: Quant) -> None:
    programs = [
        program
        for program in programs_of("llama", quant, SOFTWARE)
        if program.shader in ("embed", "linear_rows")
    ]

    assert len(programs) >= 3
    assert examine(device, programs[:2]) == []


@pytest.mark.gpu
@pytest.mark.parametrize("kv", KV_TYPES)
def test_right_attention_of_every_cache_passes(device: Device, kv: KvType) -> None:
    programs = [
        program
        for program in programs_of("qwen3", BY_NAME["q8_0"], SOFTWARE, kv, LONG)
        if program.shader.startswith(("attention", "kv"))
    ]

    assert "attention_reduce" in {program.shader for program in programs}
    assert examine(device, programs) == []


def in_shader(shader: str, right: str, wrong: str) -> tuple[str, Flaw]:
    return shader, Flaw(right, wrong, lambda name: name.split("+")[0] == shader)


FLAWS = (
    in_shader("linear_rows", "y[at] = value;", "y[at] = 1.001 * value;"),
    in_shader("linear_rows", "params.dim4 * 4u) + params.eps", "params.dim4 * 4u) + 0.0"),
    in_shader("linear_rows", "biased(params.outputs + i, up)", "biased(params.outputs + i, gate)"),
    in_shader("linear_vec", "y[at] = value;", "y[at] = 1.001 * value;"),
    in_shader("linear_vec", "j += LANES", "j += LANES + 1u"),
    in_shader("linear_rows_tile", "y[at] = value;", "y[at] = 1.001 * value;"),
    in_shader("linear_tile", "8u + ((k + row) & 7u)", "8u + ((k + row) & 3u)"),
    in_shader("embed", "y[at] = params.scale * value", "y[at] = 1.001 * params.scale * value"),
    in_shader("embed", "y[at] += params.scale * value", "y[at] = params.scale * value"),
    in_shader("rmsnorm", "+ params.eps", "+ 2.0 * params.eps"),
    in_shader("layernorm", "+ params.eps", "+ 2.0 * params.eps"),
    in_shader("rope", "a.x * b.y + a.y * b.x", "a.x * b.y - a.y * b.x"),
    in_shader("activate", "0.044715", "0.045715"),
    in_shader("activate", "x / (1.0 + exp(-x))", "x / (1.0 + exp(-0.99 * x))"),
    in_shader("attention_lanes", "params.scale", "0.99 * params.scale"),
    in_shader("attention_lanes", "exp(highest - now)", "exp(0.9 * (highest - now))"),
    in_shader("attention_tile", "params.scale", "0.99 * params.scale"),
    in_shader("attention_tile", "exp(highest - now)", "exp(0.9 * (highest - now))"),
    in_shader("kv_append", "position % params.slots", "(position + 1u) % params.slots"),
    in_shader("attention_step_lanes", "params.scale", "0.9 * params.scale"),
    in_shader("attention_step_lanes", "exp(highest - now)", "exp(0.5 * (highest - now))"),
    in_shader("attention_step", "a * by.y + b * by.x", "a * by.y - b * by.x"),
    in_shader("attention_step", "exp(highest - now)", "exp(0.5 * (highest - now))"),
    in_shader("attention_step", "(256u + position / 256u)", "256u"),
    in_shader("attention_reduce", "sum / total", "1.01 * sum / total"),
    in_shader("attention_reduce", "exp(part.x - highest)", "exp(0.5 * (part.x - highest))"),
    in_shader("top_chunks", "maxima[id.x] = highest", "maxima[id.x] = highest + 4194304u"),
    in_shader("top_threshold", ">= wanted", ">= 1u"),
    in_shader("top_collect", "+ slot * 2u], id)", "+ slot * 2u], id + 1u)"),
    in_shader("sample", "1664525u", "1664524u"),
    in_shader("sample", "sampled[DRAWN] + 1u", "sampled[DRAWN] + 2u"),
    in_shader("sample", "/ temperature", "/ (1.3 * temperature)"),
)


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(("shader", "flaw"), FLAWS, ids=[f"{s}: {f.wrong}" for s, f in FLAWS])
def test_a_wrong_constant_is_found(
    monkeypatch: pytest.MonkeyPatch, shader: str, flaw: Flaw
) -> None:
    schedule = GPU if shader in ("linear_vec", "linear_tile", "attention_tile") else SOFTWARE
    schedule = GPU if shader == "attention_step" else schedule
    arch = "gpt2" if shader in ("layernorm", "activate") or "+=" in flaw.right else "llama"
    arch = "llama" if "exp" in flaw.right else arch
    context = LONG if shader == "attention_reduce" else tiny_models.CONTEXT
    every = programs_of(arch, BY_NAME["q8_0"], schedule, context=context)
    chosen = [p for p in every if p.shader in (shader, "attention_step_lanes")] or every
    chosen = [p for p in chosen if p.shader == shader or shader == "attention_reduce"]
    spoilt = spoil(monkeypatch, flaw)

    async def run() -> list[Wrong]:
        device = await open_device()
        test = SelfTest(device)
        try:
            return await test.examine(chosen, schedule)
        finally:
            test.close()
            await device.close()

    wrongs = asyncio.run(run())

    assert spoilt
    assert any(shader in str(wrong).split(" wrongly")[0] for wrong in wrongs)
