"""The native host with a real engine and model: what the SDK gets is what the engine says."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from wgslm.chat.events import TextDelta
from wgslm.cli.serve import Loader
from wgslm.engine import Engine
from wgslm.generate import Options
from wgslm.sampling import Sampling
from wgslm_web.native import NativeHost
from wgslm_web.state import State

MESSAGES = [{"role": "user", "content": "Once upon a time"}]
LENGTH = 24
Chunks = Iterable[ChatCompletionChunk]


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


@pytest.mark.gpu
@pytest.mark.usefixtures("device")
def test_the_sdk_reads_choices_and_log_probabilities(reference_data: Path) -> None:
    path = reference_data / "models/stories260K.f32.gguf"

    whole, streamed = asyncio.run(serve_choices(path))

    assert [choice.index for choice in whole.choices] == [0, 1]
    assert whole.choices[0].message.content != whole.choices[1].message.content
    for choice in whole.choices:
        assert choice.logprobs and choice.logprobs.content
        tokens = choice.logprobs.content
        written = b"".join(bytes(token.bytes or ()) for token in tokens)
        assert written.decode().strip() == (choice.message.content or "").strip()
        assert all(len(token.top_logprobs) == 3 for token in tokens)
        assert all(token.logprob <= token.top_logprobs[0].logprob <= 0 for token in tokens)
        parts = [c.logprobs for chunk in streamed for c in chunk.choices if c.index == choice.index]
        told = [token for part in parts if part for token in part.content or ()]
        assert [token.bytes for token in told] == [token.bytes for token in tokens]
        # the prompt was read in other steps, which round otherwise
        assert [t.logprob for t in told] == pytest.approx([t.logprob for t in tokens], abs=1e-4)


async def serve_choices(path: Path) -> tuple[ChatCompletion, list[ChatCompletionChunk]]:
    engine = await Engine.load(path)
    host = NativeHost(State(Loader("f16", None, {}, None), engine), port=0)
    serving = asyncio.create_task(host.run())
    try:
        return await asyncio.to_thread(ask_for_choices, host.url)
    finally:
        host.stop()
        await serving
        await engine.close()


def ask_for_choices(url: str) -> tuple[ChatCompletion, list[ChatCompletionChunk]]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:

        def ask(**how: object) -> object:
            return client.chat.completions.create(  # type: ignore[call-overload]
                model="local", messages=MESSAGES, seed=3, n=2, temperature=1.5, logprobs=True,
                top_logprobs=3, max_tokens=8, **how,
            )  # fmt: skip

        return cast(ChatCompletion, ask()), list(cast(Chunks, ask(stream=True)))
