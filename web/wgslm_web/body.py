"""Reads a request's JSON object, with every bound that bytes from outside need.

Size, time, content type and nesting are checked before `json.loads` runs: in the tab its
recursion ends the whole interpreter at a nesting of a few thousand.
"""

import asyncio
import json

from starlette.requests import Request

from wgslm.sources.plain_json import depth_of
from wgslm_web.refusals import Refusal

BODY_LIMIT = 4 * 1024 * 1024  # a 128k-token prompt is about 0.6 MB of text
BODY_SECONDS = 30.0
DEPTH_LIMIT = 256


async def read_object(
    request: Request, limit: int = BODY_LIMIT, seconds: float = BODY_SECONDS
) -> dict[str, object]:
    """Return the request's body as a JSON object; refuse with 400, 408, 413 or 415."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refusal(
            415, f"the content type is {content_type!r}; it must be 'application/json'", code="type"
        )
    try:
        async with asyncio.timeout(seconds):
            body = await _read(request, limit)
    except TimeoutError:
        raise Refusal(408, f"the body did not arrive within {seconds:g} s", code="slow") from None
    return parse_object(body)


def parse_object(body: bytes) -> dict[str, object]:
    """Parse untrusted bytes as one JSON object of bounded depth."""
    try:
        text = body.decode()  # json.loads would guess UTF-16, and the scan would see other strings
        if depth_of(body) > DEPTH_LIMIT:
            raise Refusal(400, f"the JSON nests deeper than {DEPTH_LIMIT} levels", code="depth")
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:  # also bad UTF-8 and integers of absurd length
        raise Refusal(400, f"the body is not valid JSON: {error}", code="json") from error
    if not isinstance(value, dict):
        raise Refusal(400, f"the body is a JSON {_kind(value)}; it must be an object", code="json")
    return value


async def _read(request: Request, limit: int) -> bytes:
    too_large = Refusal(413, f"the body is larger than {limit} bytes, the limit", code="too_large")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _kind(value: object) -> str:
    kinds = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")
