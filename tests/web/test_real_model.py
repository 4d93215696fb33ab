"""The native host with a real engine and model: what the SDK gets is what the engine says."""

import asyncio
from pathlib import Path

import openai
import pytest

from wgslm.chat.events import TextDelta
from wgslm.cli.serve import Loader
from wgslm.engine import Engine
from wgslm.generate import Options
from wgslm.sampling import Sampling
from wgslm_web.native import NativeHost
from wgslm_web.state import State

MESSAGES = [{"role": "user", "content": "Once upon a time"}]
LENGTH = 24


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
def test_the_sdk_streams_what_the_engine_generates(reference_data: Path) -> None:
    path = reference_data / "models/stories260K.f32.gguf"

    served, generated = asyncio.run(serve_and_generate(path))

    assert served == generated
    assert len(served) > LENGTH  # a token is more than a character here


async def serve_and_generate(path: Path) -> tuple[str, str]:
    engine = await Engine.load(path)
    host = NativeHost(State(Loader("f16", None, {}, None), engine), port=0)
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
