"""The suite on tiny shapes: what it measures, tells and reports."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from tiny_shape import DEEP, TINY, TINY_QWEN3
from wgslm.bench import measure, report
from wgslm.bench.random_source import RandomSource
from wgslm.bench.suite import Result, Settings, Timing, run_suite
from wgslm.engine import Engine
from wgslm.errors import LimitError, RequestError
from wgslm.gpu import AdapterInfo, Device
from wgslm.header import open_header

HOST_MS = 1.5  # 28 layers, 143 dispatches

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("device")]


@pytest.fixture(scope="module")
def result() -> Result:
    settings = Settings(prefill=(4, 20), decode=(3,), depths=(0, 9), repeat=2, has_kernels=True)
    sources = [RandomSource(TINY, "q4_k_m"), RandomSource(TINY_QWEN3, "q8_0")]
    return asyncio.run(run_suite(sources, ("f16", "f32"), settings, lambda *_: None))


@pytest.fixture(scope="module")
def facts(result: Result) -> Any:
    return json.loads(json.dumps(report.facts(result, "abc123"), allow_nan=False))


def test_every_model_runs_every_test_with_every_cache(facts: Any) -> None:
    models = [(model["model"], model["kv"]) for model in facts["models"]]

    names = ("tiny-q4_k_m-random", "tiny-qwen3-q8_0-random")
    assert models == [(name, kv) for name in names for kv in ("f16", "f32")]
    for model in facts["models"]:
        assert [test["test"] for test in model["tests"]] == [
            "pp4", "pp20", "tg3", "pp4 @ d9", "pp20 @ d9", "tg3 @ d9"
        ]  # fmt: skip
        assert all(len(test["samples_tok_s"]) == 2 for test in model["tests"])


def test_decoding_is_compared_with_copying(facts: Any) -> None:
    header = asyncio.run(open_header(RandomSource(TINY, "q4_k_m")))
    tensors = header.directory.tensors
    table = tensors["token_embd.weight"]
    weights = header.nbytes - tensors["rope_freqs.weight"].nbytes + table.nbytes // table.rows
    kv = 2 * TINY.layers * TINY.kv_heads * TINY.head_dim * 2  # keys and values, two bytes each

    model = facts["models"][0]
    test = model["tests"][-1]

    assert model["weight_bytes_per_token"] == weights
    assert model["kv_bytes_per_token"] == kv
    assert test["bytes_per_token"] == weights + kv * (9 + 1.5 + 1)
    assert test["gb_s"] == pytest.approx(test["bytes_per_token"] * test["tok_s"] / 1e9)
    assert test["share_of_copy"] == pytest.approx(test["gb_s"] / facts["copy"]["gb_s"])


def test_upload_and_re_laying_have_rates_of_their_own(facts: Any, result: Result) -> None:
    rates, load = result.models[0].engine.info.rates, facts["models"][0]["load"]
    text = report.markdown(facts)

    assert (load["upload_mb_s"], load["relay_mb_s"]) == (rates.upload / 1e6, rates.relay / 1e6)
    assert "| weights MB/s | upload | re-laying |" in text
    assert f"| {load['mb_s']:,.0f} | {rates.upload / 1e6:,.0f} | {rates.relay / 1e6:,.0f} |" in text


def test_kernels_add_up_to_the_step(facts: Any, device: Device) -> None:
    for model in facts["models"]:
        found, plan = model["kernels"], model["plans"][0]

        assert found["depth"] == 9
        assert ("GPU timestamps" in found["clock"]) == device.has_timestamps
        assert sum(row["dispatches"] for row in found["rows"]) == plan["dispatches"]
        assert sum(row["ms"] for row in found["rows"]) == pytest.approx(found["step_ms"])
        assert {row["kernel"] for row in found["rows"]} == set(plan["kernels"])


def test_both_outputs_name_adapter_commit_and_every_figure(
    facts: Any, result: Result, device: Device
) -> None:
    text = report.markdown(facts)

    assert device.adapter.name in text and device.adapter.driver in text
    assert "commit abc123" in text
    for model in facts["models"]:
        for test in model["tests"]:
            start = f"| {model['model']} | {model['weight_bytes'] / 1e6:,.0f} MB {model['quant']} "
            figures = f"| {model['kv']} | {test['test']} | {test['tok_s']:.2f} ± "
            assert start + figures in text


@pytest.mark.parametrize("kind", ["software", "gpu"])
def test_a_software_adapter_is_named_as_such(result: Result, kind: Any) -> None:
    adapter = AdapterInfo("some adapter", kind, "Vulkan", "some driver")

    facts = report.facts(replace(result, adapter=adapter))

    is_software = kind == "software"
    assert facts["warning"] == (report.SOFTWARE if is_software else None)
    assert (report.SOFTWARE in report.markdown(facts)) == is_software
    assert f"a {kind} adapter" in report.markdown(facts)


def test_progress_goes_from_nothing_to_all() -> None:
    told: list[tuple[str, float]] = []
    settings = Settings((4,), (2,), repeat=1, has_kernels=True)

    asyncio.run(
        run_suite([RandomSource(TINY, "q4_0")], ["f16"], settings, lambda *step: told.append(step))
    )

    shares = [done for _, done in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    texts = list(dict.fromkeys(text.removeprefix("tiny-q4_0-random: ") for text, _ in told))
    assert texts == [
        "copying memory",
        "loading tiny-q4_0-random",
        "pp4, warm-up",
        "pp4, run 1 of 1",
        "tg2, warm-up",
        "tg2, run 1 of 1",
        "the host's time per step",
        "kernels",
    ]


def test_mean_and_spread_are_those_of_speeds() -> None:
    test = Timing("pp", 100, 0, (1.0, 0.5))

    assert test.speed == 150.0
    assert test.spread == pytest.approx(70.7107)
    assert Timing("pp", 100, 0, (1.0,)).spread == 0.0


def test_usual_lengths_shrink_to_the_context() -> None:
    settings = Settings(depths=(0, 100), repeat=1, context=130)

    found = asyncio.run(run_suite([RandomSource(TINY, "q4_0")], ["f16"], settings, lambda *_: None))

    assert [test.tokens for test in found.models[0].tests] == [15, 15, 15, 15]


def test_what_does_not_fit_is_refused_before_it_is_loaded() -> None:
    settings = Settings((600,), (2,))

    with pytest.raises(LimitError, match="need a context of 601 tokens and there are 512"):
        asyncio.run(run_suite([RandomSource(TINY, "q4_0")], ["f16"], settings, lambda *_: None))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"prefill": (-1,)}, "pp is -1"),
        ({"depths": ()}, "depth is empty"),
        ({"repeat": 0}, "repeat is 0"),
        ({"context": 0}, "context is 0; it must be 2 or more"),
        ({"context": -5}, "context is -5"),
    ],
)
def test_settings_without_meaning_are_refused(settings: Any, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        Settings(**settings)


def test_a_forced_variant_is_the_one_measured() -> None:
    settings = Settings(prefill=(4,), decode=(2,), repeat=1, variants={"one": "dp4a"})

    found = asyncio.run(
        run_suite([RandomSource(TINY, "q8_0")], ("f16",), settings, lambda *_: None)
    )

    (model,) = found.models
    step = model.engine.session.executor.plans[0]
    assert any("dots_dp4a" in d.program.source().name for d in step.dispatches)


def test_depth_is_taken_from_the_cache() -> None:
    async def cached() -> list[int]:
        engine = await Engine.load(RandomSource(TINY, "q4_0"), context=64)
        found = []
        for turn in range(3):
            await measure.prefill_seconds(engine, 5, 20, turn)
            found.append(len(engine.session._cached))
        await engine.close()
        return found

    assert asyncio.run(cached()) == [25, 25, 25]


@pytest.mark.speed
def test_the_host_spends_little_on_a_step_of_28_layers() -> None:
    async def seconds() -> float:
        engine = await Engine.load(RandomSource(DEEP, "q8_0"), context=64)
        found = await measure.host_seconds(engine)
        await engine.close()
        return found

    ms = asyncio.run(seconds()) * 1e3
    print(f"\n{ms:.2f} ms of this thread per step")
    assert 0 < ms <= HOST_MS
