"""The native host over real sockets: the official SDK, hang-ups, deadlines."""

import json
import socket
import threading
import time

import httpx
import openai
import pytest

from scripted_engine import ScriptedEngine, ScriptedLoader
from scripted_host import serving
from wgslm.errors import DeviceLostError, RequestError
from wgslm_web.native import DeadlineProtocol, NativeHost
from wgslm_web.state import State

ASK = {"messages": [{"role": "user", "content": "Hi"}]}


def sdk(url: str, api_key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=api_key, max_retries=0, timeout=10)


def wait_until(is_true: object) -> None:
    deadline = time.monotonic() + 5
    while not is_true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen within 5 s"
        time.sleep(0.005)


def test_the_openai_sdk_gets_a_whole_answer() -> None:
    with serving(ScriptedEngine()) as url, sdk(url) as client:
        answer = client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": "Hi"}], max_tokens=5
        )

    assert answer.choices[0].message.content == "Hello world"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


def test_the_openai_sdk_streams() -> None:
    with serving(ScriptedEngine()) as url, sdk(url) as client:
        stream = client.chat.completions.create(
            model="scripted",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)

    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == "Hello world"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens_details is not None
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens == 1


def test_the_openai_sdk_lists_models() -> None:
    with serving(ScriptedEngine()) as url, sdk(url) as client:
        assert [model.id for model in client.models.list()] == ["scripted"]
        assert client.models.retrieve("scripted").owned_by == "wgslm"


def test_the_openai_sdk_understands_our_errors() -> None:
    engine = ScriptedEngine(error=DeviceLostError("the GPU went away"))

    with serving(engine, "s3cret") as url, sdk(url, "s3cret") as client:
        with pytest.raises(openai.NotFoundError, match="is not loaded"):
            client.models.retrieve("other")
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": "Hi"}], n=0
            )
        with pytest.raises(openai.APIError, match="the GPU went away"):
            list(
                client.chat.completions.create(
                    model="scripted", messages=[{"role": "user", "content": "Hi"}], stream=True
                )
            )
        with pytest.raises(openai.AuthenticationError):
            sdk(url, "wrong").models.list()

    assert refused.value.param == "n"


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_stops_the_generation(stream: bool) -> None:
    engine = ScriptedEngine(words=["x"] * 10_000, step_seconds=0.002)

    with serving(engine) as url:
        with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=0.2) as client:
            with client.stream(
                "POST", f"{url}/v1/chat/completions", json={**ASK, "stream": stream}
            ) as response:
                for _ in response.iter_bytes():
                    time.sleep(0.05)
                    raise httpx.ReadTimeout("enough")
        wait_until(lambda: engine.stopped_early == 1)
        engine.words = ["fine"]
        answer = httpx.post(f"{url}/v1/chat/completions", json=ASK)

    assert answer.json()["choices"][0]["message"]["content"] == "fine"


def test_a_client_that_reads_nothing_loses_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wgslm_web.stream.SEND_SECONDS", 0.3)
    engine = ScriptedEngine(words=["x" * 100_000] * 1000)
    body = json.dumps({**ASK, "stream": True})

    with serving(engine) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as deaf:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            deaf.sendall((head + kind + body).encode())
            wait_until(lambda: engine.stopped_early == 1)

    assert engine.running == 0


def test_a_client_that_waits_in_the_queue_and_hangs_up_never_runs() -> None:
    engine = ScriptedEngine(words=["x"] * 100, step_seconds=0.005)

    with serving(engine) as url:
        first = threading.Thread(
            target=lambda: httpx.post(f"{url}/v1/chat/completions", json=ASK, timeout=10)
        )
        first.start()
        wait_until(lambda: engine.running == 1)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/v1/chat/completions", json=ASK, timeout=0.1)
        first.join(10)

    assert len(engine.asked) == 1


def test_a_head_that_does_not_arrive_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeadlineProtocol, "header_seconds", 0.2)

    with serving(ScriptedEngine()) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as slow:
            slow.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            answer = slow.recv(1000)
            rest = slow.recv(1000)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert rest == b""


def test_a_second_head_on_one_connection_has_a_deadline_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DeadlineProtocol, "header_seconds", 0.3)

    with serving(ScriptedEngine()) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as slow:
            slow.sendall(f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            first = slow.recv(4000)
            while not first.endswith(b"}"):
                first += slow.recv(4000)
            time.sleep(0.4)  # idle between requests is no offence
            slow.sendall(b"GET /health HTTP/1.1\r\n")
            second = slow.recv(4000)

    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 408 ")


def test_a_rebound_host_is_refused_over_a_socket() -> None:
    with serving(ScriptedEngine()) as url:
        rebound = httpx.get(f"{url}/v1/models", headers={"host": "evil.example"})
        named = httpx.get(url.replace("127.0.0.1", "localhost") + "/v1/models")

    assert rebound.status_code == 403
    assert named.status_code == 200


def test_beyond_loopback_a_key_is_needed() -> None:
    with pytest.raises(RequestError, match="needs an API key"):
        NativeHost(State(ScriptedLoader()), host="0.0.0.0", port=0)


def test_a_port_in_use_is_a_sentence() -> None:
    with serving(ScriptedEngine()) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(RequestError, match=f"cannot listen on 127.0.0.1:{port}"):
            NativeHost(State(ScriptedLoader()), port=port)
