"""The native host with a real engine and model: what the SDK gets is what the engine says."""

import asyncio
import os
from pathlib import Path

import openai
import pytest

from scripted_engine import ScriptedEngine
from tiny_models import write_tiny
from wgslm.chat.events import TextDelta
from wgslm.cli.serve import Loader
from wgslm.engine import Engine
from wgslm.errors import NoAdapterError, WgslmError
from wgslm.generate import Options
from wgslm.quants import QUANTS
from wgslm.sampling import Sampling
from wgslm_web.native import NativeHost
from wgslm_web.state import EngineLoader, State

REFERENCE = os.environ.get("WGSLM_REFERENCE_DATA")
MESSAGES = [{"role": "user", "content": "Once upon a time"}]
LENGTH = 24


@pytest.mark.gpu
@pytest.mark.skipif(not REFERENCE, reason="WGSLM_REFERENCE_DATA is not set")
def test_the_sdk_streams_what_the_engine_generates() -> None:
    path = Path(str(REFERENCE)) / "models/stories260K.f32.gguf"

    try:
        served, generated = asyncio.run(serve_and_generate(path))
    except NoAdapterError as error:
        if os.environ.get("REQUIRE_GPU") == "1":
            raise
        pytest.skip(str(error))

    assert served == generated
    assert len(served) > LENGTH  # a token is more than a character here


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("change", "context", "why"),
    [
        ({}, 999_999, "context is 999,999; this model allows 2 to 300"),
        ({"tokenizer.ggml.model": "bert"}, None, "'bert', which is not supported yet"),
        ({"tokenizer.chat_template": "{% if %}"}, None, "chat template"),
    ],
    ids=["context", "tokenizer", "template"],
)
@pytest.mark.parametrize("loader", [EngineLoader(), Loader("f16", None)], ids=["app", "cli"])
def test_what_cannot_be_loaded_does_not_cost_the_model_that_works(
    tmp_path: Path,
    change: dict[str, object],
    context: int | None,
    why: str,
    loader: EngineLoader | Loader,
) -> None:
    path = write_tiny(tmp_path / "bad.gguf", "llama", QUANTS[0], change=change)
    old = ScriptedEngine()
    state = State(loader, old)

    async def run() -> None:
        with pytest.raises(WgslmError, match=why):
            async for _ in state.start_load(str(path), context).follow():
                pass

    asyncio.run(run())

    assert state.engine is old
    assert not old.is_closed


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
def test_the_cli_judges_with_the_cache_and_the_adapter_that_were_typed(tmp_path: Path) -> None:
    path = str(write_tiny(tmp_path / "good.gguf", "llama", QUANTS[0]))

    small = asyncio.run(Loader("f16", None).preflight(path, 200))
    large = asyncio.run(Loader("f32", None).preflight(path, 200))

    assert small.memory < large.memory
    with pytest.raises(NoAdapterError):
        asyncio.run(Loader("f16", "no such thing").preflight(path, 200))


async def serve_and_generate(path: Path) -> tuple[str, str]:
    engine = await Engine.load(path)
    host = NativeHost(State(EngineLoader(), engine), port=0)
    serving = asyncio.create_task(host.run())
    try:
        served = await asyncio.to_thread(ask, host.url)
        options = Options(max_tokens=LENGTH, sampling=Sampling(temperature=0))
        events = [event async for event in engine.chat(MESSAGES, options)]
        texts = [event.text for event in events if isinstance(event, TextDelta)]
        return served, "".join(texts)
    finally:
        host.stop()
        await serving
        await engine.close()


def ask(url: str) -> str:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="local",
            messages=[{"role": "user", "content": "Once upon a time"}],
            temperature=0,
            max_tokens=LENGTH,
            stream=True,
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)
