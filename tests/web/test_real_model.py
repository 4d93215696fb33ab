"""The native host with a real engine and model: what the SDK gets is what the engine says."""

import asyncio
import os
from pathlib import Path

import openai
import pytest

from wgslm.chat.events import TextDelta
from wgslm.engine import Engine
from wgslm.errors import NoAdapterError
from wgslm.generate import Options
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
