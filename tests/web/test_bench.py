"""The bench route: refusals, progress, a result, and hanging up."""

import asyncio
from pathlib import Path

import httpx
import pytest

from app_client import events_of, get, post, with_client
from scripted_engine import ScriptedEngine, ScriptedLoader
from tiny_models import write_tiny
from wgslm.bench.mixes import usable
from wgslm.bench.shapes import SHAPES
from wgslm.quants import QUANTS
from wgslm.tune.native import FileNotebook
from wgslm_web.bench import KVS, _read
from wgslm_web.state import State

BENCH = "/wgslm/bench"
SECONDS = 120.0  # for a tiny model on a busy machine


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = write_tiny(tmp_path_factory.mktemp("bench") / "tiny.gguf", "llama", QUANTS[0])
    return str(path)


def test_the_choices_are_all_there_are() -> None:
    assert get(BENCH).json() == {
        "shapes": [shape.name for shape in SHAPES],
        "quants": usable(),
        "kvs": list(KVS),
    }


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"shapes": ["gpt-5"]}, "there is no shape 'gpt-5'"),
        ({"shapes": ["qwen3-4b"], "quants": ["q9"]}, "there is no quant 'q9'"),
        ({"shapes": "qwen3-4b"}, "'shapes' is 'qwen3-4b'; it must be a list"),
        ({"kvs": ["f8"]}, "'kvs' is ['f8']; it must be of f16"),
        ({"pp": [1, "x"]}, "'pp' is [1, 'x']; it must be a list of whole numbers"),
        ({"repeat": 0, "depths": [-1]}, "depth is -1"),
        ({"repeat": 0}, "repeat is 0"),
        ({"depths": []}, "depth is empty"),
        ({"shapes": ["qwen3-4b"], "kvs": []}, "there is nothing to measure"),
        ({"warmup": True}, "unknown field 'warmup'"),
        ({"variants": {"few": "vec64"}}, "it must be names of kernels by one, many, attention"),
        ({"variants": {"one": 64}}, "'variants' is {'one': 64}; it must be names"),
        ({"variants": "one=vec64"}, "'variants' is 'one=vec64'; it must be an object"),
        ({"autotune": 0}, "'autotune' is 0; it must be true or false"),
    ],
)
def test_what_makes_no_sense_is_refused(body: object, why: str) -> None:
    response = post(BENCH, body)

    assert response.status_code == 400
    assert why in response.json()["error"]["message"]


def test_nothing_is_measured_beside_a_loaded_model(model: str) -> None:
    response = post(BENCH, {"models": [model]}, ScriptedEngine())

    assert response.status_code == 409
    assert response.json()["error"]["message"] == "a model is loaded; measure where none is"


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
def test_progress_comes_before_the_result(model: str) -> None:
    asked = {"models": [model], "pp": [4], "tg": [2], "repeat": 1, "kvs": ["f32"]}

    *steps, last = events_of(post(BENCH, asked, seconds=SECONDS))

    assert [set(step) for step in steps] == [{"text", "done"}] * len(steps)
    assert steps[0]["text"] == "copying memory"
    result = last["result"]
    assert isinstance(result, dict) and isinstance(last["markdown"], str)
    (found,) = result["models"]
    assert (found["model"], found["kv"]) == ("tiny", "f32")
    assert [test["test"] for test in found["tests"]] == ["pp4", "tg2"]
    assert "| tiny |" in last["markdown"]


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
def test_forced_kernels_are_those_that_are_measured(model: str) -> None:
    asked = {"models": [model], "pp": [4], "tg": [2], "repeat": 1, "variants": {"one": "vec16"}}

    *_, last = events_of(post(BENCH, asked, seconds=SECONDS))
    unknown = post(BENCH, {**asked, "variants": {"one": "fast"}}, seconds=SECONDS)

    assert isinstance(last["result"], dict)
    (found,) = last["result"]["models"]
    assert {"role": "one", "variant": "vec16", "why": "forced"} in found["variants"]
    assert "no variant 'fast' for 'one' on this adapter" in unknown.text


@pytest.mark.parametrize(("autotune", "tuned"), [(None, True), (True, True), (False, False)])
def test_kernels_are_measured_unless_it_is_said_otherwise(
    model: str, tmp_path: Path, autotune: bool | None, tuned: bool
) -> None:
    state = State(ScriptedLoader(), notebook=FileNotebook(tmp_path))

    _, _, settings = _read({"models": [model], "autotune": autotune}, state)

    assert (settings.notebook is state.notebook) == tuned


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
def test_an_error_on_the_way_is_an_event(tmp_path: Path) -> None:
    response = post(BENCH, {"models": [str(tmp_path / "missing.gguf")]})

    assert response.status_code >= 400
    assert "cannot open" in response.json()["error"]["message"]


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
def test_hanging_up_ends_the_suite(model: str) -> None:
    state = State(ScriptedLoader())

    async def use(client: httpx.AsyncClient) -> None:
        asked = {"models": [model], "pp": [4], "tg": [2], "repeat": 1_000_000}
        request = asyncio.ensure_future(client.post(BENCH, json=asked))
        while not state.gate.is_busy:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        request.cancel()
        await asyncio.wait({request})
        while state.gate.is_busy:
            await asyncio.sleep(0.01)

    with_client(state, use, seconds=SECONDS)
