"""Turns the events of one generation into what a client of the OpenAI format receives."""

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import JSONResponse, Response
from starlette.types import Receive

from wgslm.chat.events import Delta, Done, Event
from wgslm_web.stream import CLIENT_GONE, EventStream, Payload, until_disconnect
from wgslm_web.wire import openai


def new_head(model: str, return_tokens: bool, include_usage: bool) -> openai.Head:
    """Return what the objects of a new answer have in common."""
    name = f"chatcmpl-{uuid.uuid4().hex}"
    return openai.Head(name, model, int(time.time()), return_tokens, include_usage)


def answer_stream(head: openai.Head, events: AsyncGenerator[Event]) -> Response:
    """Return a response that streams chunks."""
    return EventStream(_chunks(head, events), end="[DONE]")


async def answer_whole(
    head: openai.Head, events: AsyncGenerator[Event], receive: Receive
) -> Response:
    """Return the whole answer; generation stops if the client hangs up before it is there."""
    answer = await until_disconnect(receive, _whole(head, events))
    return Response(status_code=CLIENT_GONE) if answer is None else JSONResponse(answer)


async def _chunks(head: openai.Head, events: AsyncGenerator[Event]) -> AsyncGenerator[Payload]:
    is_open = False  # nothing is sent before the model has answered: errors get their own status
    async with aclosing(events):
        async for event in events:
            if not is_open:
                is_open = True
                yield openai.opening_chunk(head)
            if isinstance(event, Done):
                chunks = openai.closing_chunks(head, event)
            else:
                chunks = openai.delta_chunks(head, event)
            for chunk in chunks:
                yield chunk


async def _whole(head: openai.Head, events: AsyncGenerator[Event]) -> Payload:
    told: list[Delta] = []
    done: Done | None = None
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Done):
                done = event
            else:
                told.append(event)
    assert done is not None, "a generation ends with Done"
    return openai.completion(head, told, done)
