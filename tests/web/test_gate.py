"""What must not get in, and that it does not reach a handler."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request

from scripted_engine import ScriptedEngine, ScriptedLoader
from wgslm.sources.plain_json import depth_of
from wgslm_web.app import create_app
from wgslm_web.body import BODY_LIMIT, DEPTH_LIMIT, parse_object, read_object
from wgslm_web.gate import Access
from wgslm_web.refusals import Refusal
from wgslm_web.state import State

HOST = "127.0.0.1:8080"
LOCAL = Access(frozenset({HOST}))
KEYED = Access(frozenset({HOST}), key="s3cret")
CHAT = "/v1/chat/completions"
ASK = json.dumps({"messages": [{"role": "user", "content": "Hi"}]})
JSON = {"content-type": "application/json"}


def send(
    access: Access,
    headers: dict[str, str],
    body: str | bytes | AsyncIterator[bytes] = ASK,
    method: str = "POST",
    path: str = CHAT,
) -> tuple[httpx.Response, ScriptedEngine]:
    engine = ScriptedEngine()

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(State(ScriptedLoader(), engine), access))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            return await client.request(method, path, content=body, headers=headers)

    return asyncio.run(run()), engine


def refused(status: int, access: Access, headers: dict[str, str]) -> str:
    response, engine = send(access, headers)
    assert response.status_code == status
    assert engine.asked == []
    code: str = response.json()["error"]["code"]
    return code


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:81", "localhost.evil:8080"]
)
def test_a_rebound_host_is_refused_before_the_handler(host: str) -> None:
    assert refused(403, LOCAL, {**JSON, "host": host}) == "host"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:9999", "http://127.0.0.1", "null", ""]
)
def test_a_foreign_origin_is_refused_before_the_handler(origin: str) -> None:
    assert refused(403, LOCAL, {**JSON, "origin": origin}) == "origin"


def test_our_own_origin_may_ask() -> None:
    response, engine = send(LOCAL, {**JSON, "origin": f"http://{HOST}"})

    assert response.status_code == 200
    assert len(engine.asked) == 1


def test_a_listed_origin_may_ask_and_gets_cors_headers() -> None:
    access = Access(frozenset({HOST}), frozenset({"https://app.example"}))

    response, _ = send(access, {**JSON, "origin": "https://app.example"})

    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://app.example"


def test_a_cors_preflight_is_answered_for_listed_origins_only() -> None:
    access = Access(frozenset({HOST}), frozenset({"https://app.example"}))

    allowed, _ = send(access, {"origin": "https://app.example"}, b"", "OPTIONS")
    foreign, _ = send(access, {"origin": "https://evil.example"}, b"", "OPTIONS")

    assert allowed.status_code == 204
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers


def test_a_cors_preflight_allows_the_headers_that_an_sdk_asks_for() -> None:
    access = Access(frozenset({HOST}), frozenset({"https://app.example"}))
    wanted = "authorization,content-type,x-stainless-lang,x-stainless-retry-count"
    headers = {"origin": "https://app.example", "access-control-request-headers": wanted}

    allowed, _ = send(access, headers, b"", "OPTIONS")

    assert allowed.headers["access-control-allow-headers"] == wanted


@pytest.mark.parametrize(
    ("status", "path", "extra"),
    [
        (401, CHAT, {}),
        (415, CHAT, {"authorization": "Bearer k", "content-type": "text/plain"}),
        (404, "/v1/nothing", {"authorization": "Bearer k"}),
    ],
)
def test_a_listed_origin_can_read_why_it_is_refused(
    status: int, path: str, extra: dict[str, str]
) -> None:
    access = Access(frozenset({HOST}), frozenset({"https://app.example"}), "k")

    response, _ = send(access, {**JSON, "origin": "https://app.example", **extra}, path=path)

    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "https://app.example"


def test_a_rebound_page_reads_no_refusal() -> None:
    response, _ = send(LOCAL, {**JSON, "host": "evil.example", "origin": "http://evil.example"})

    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers


def test_the_null_origin_needs_a_key() -> None:
    with_key = {**JSON, "origin": "null", "authorization": "Bearer s3cret"}

    assert refused(403, LOCAL, {**JSON, "origin": "null"}) == "origin"
    assert refused(401, KEYED, {**JSON, "origin": "null"}) == "invalid_api_key"
    assert send(KEYED, with_key)[0].status_code == 200


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic s3cret", "Bearer s3cret2"])
def test_a_wrong_key_is_401(given: str) -> None:
    assert refused(401, KEYED, {**JSON, "authorization": given}) == "invalid_api_key"


def test_health_needs_no_key_but_other_routes_do() -> None:
    assert send(KEYED, {}, b"", "GET", "/health")[0].status_code == 200
    assert send(KEYED, {}, b"", "GET", "/v1/models")[0].status_code == 401
    assert send(KEYED, {"origin": "null"}, b"", "GET", "/health")[0].status_code == 401


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_declared_as_json_is_415(kind: str) -> None:
    assert refused(415, LOCAL, {"content-type": kind}) == "type"


def test_a_charset_after_the_content_type_is_fine() -> None:
    assert send(LOCAL, {"content-type": "application/json; charset=utf-8"})[0].status_code == 200


def test_a_huge_announced_body_is_413_unread() -> None:
    assert refused(413, LOCAL, {**JSON, "content-length": str(BODY_LIMIT + 1)}) == "too_large"
    assert refused(413, LOCAL, {**JSON, "content-length": "9" * 5000}) == "too_large"


def test_a_huge_unannounced_body_is_413_after_the_limit() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 2**20

    response, _ = send(LOCAL, JSON, endless())

    assert response.status_code == 413
    assert sent <= BODY_LIMIT // 2**20 + 2


def test_a_body_that_does_not_arrive_is_408() -> None:
    async def never() -> dict[str, object]:
        await asyncio.sleep(60)
        return {}

    headers = [(b"content-type", b"application/json")]
    request = Request({"type": "http", "method": "POST", "headers": headers}, never)

    with pytest.raises(Refusal, match=r"within 0\.01 s") as refusal:
        asyncio.run(read_object(request, seconds=0.01))

    assert refusal.value.status == 408


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"null", b"{'a': 1}", b'{"a": NaN}'])
def test_what_is_no_json_object_is_400(body: bytes) -> None:
    response, engine = send(LOCAL, JSON, body)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "json"
    assert engine.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 100_000,
        b"[" * 1_000_000,
        b'{"a": "]]]]", "b": ' + b"[" * 300,
        b'{"a": "\\"", "b": ' + b"[" * 300,
        ('{"∢": ' + "[" * 300).encode(),
    ],
)
def test_deep_json_is_refused_without_recursion(body: bytes) -> None:
    with pytest.raises(Refusal, match=f"deeper than {DEPTH_LIMIT}"):
        parse_object(body)


def test_utf16_cannot_smuggle_depth_past_the_scan() -> None:
    hidden = ('{"a":"∢", "b": ' + "[" * 300 + "]" * 300 + "}").encode("utf-16-le")

    with pytest.raises(Refusal):
        parse_object(hidden)


def test_brackets_in_strings_do_not_count() -> None:
    assert depth_of(rb'{"a": "[[[[", "b": ["\"["]}') == 2


def test_the_limit_itself_is_allowed() -> None:
    depth = DEPTH_LIMIT - 1
    body = b'{"a": ' + b"[" * depth + b"]" * depth + b"}"

    assert list(parse_object(body)) == ["a"]


@pytest.mark.parametrize(
    "unit", ["[]", '{"', '""', '\\"', '"\\', "[", "a", '{"a":[]},'], ids="{!r}".format
)
def test_the_scan_of_the_largest_body_takes_under_a_second(unit: str) -> None:
    body = b'"'[: len(unit) % 2] + unit.encode() * (BODY_LIMIT // len(unit))

    begun = time.process_time()
    depth_of(body)

    assert time.process_time() - begun < 1
