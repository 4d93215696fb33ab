"""Turns the events of generations into what a client of the OpenAI format receives."""

import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from starlette.responses import JSONResponse, Response
from starlette.types import Receive

from wgslm.chat.events import Delta, Done, Event
from wgslm.generate import Options
from wgslm_web.stream import CLIENT_GONE, EventStream, Payload, until_disconnect
from wgslm_web.wire import openai

Choices = AsyncGenerator[tuple[int, Event]]  # which choice an event is of


def new_head(model: str, return_tokens: bool, include_usage: bool) -> openai.Head:
    """Return what the objects of a new answer have in common."""
    name = f"chatcmpl-{uuid.uuid4().hex}"
    return openai.Head(name, model, int(time.time()), return_tokens, include_usage)


async def choices(
    start: Callable[[Options], AsyncGenerator[Event]], options: Options, count: int = 1
) -> Choices:
    """Generate answers one after the other, each from the next seed if there is one.

    All but the first find their prompt in the cache of keys and values.
    """
    seed = options.sampling.seed
    for index in range(count):
        if seed is not None:
            options = replace(options, sampling=replace(options.sampling, seed=seed + index))
        async with aclosing(start(options)) as events:
            async for event in events:
                yield index, event


def answer_stream(head: openai.Head, events: Choices) -> Response:
    """Return a response that streams chunks."""
    return EventStream(_chunks(head, events), end="[DONE]")


async def answer_whole(head: openai.Head, events: Choices, receive: Receive) -> Response:
    """Return the whole answer; generation stops if the client hangs up before it is there."""
    answer = await until_disconnect(receive, _whole(head, events))
    return Response(status_code=CLIENT_GONE) if answer is None else JSONResponse(answer)


async def _chunks(head: openai.Head, events: Choices) -> AsyncGenerator[Payload]:
    opened = -1  # nothing is sent before the model has answered: errors get their own status
    answers: list[Done] = []
    async with aclosing(events):
        async for index, event in events:
            head = replace(head, index=index)
            if index > opened:
                opened = index
                yield openai.opening_chunk(head)
            if isinstance(event, Done):
                answers.append(event)
                yield openai.finish_chunk(head, event)
            else:
                for chunk in openai.delta_chunks(head, event):
                    yield chunk
    for chunk in openai.usage_chunks(head, answers):
        yield chunk


async def _whole(head: openai.Head, events: Choices) -> Payload:
    told: list[Delta] = []
    answers: list[tuple[list[Delta], Done]] = []
    async with aclosing(events):
        async for _, event in events:
            if isinstance(event, Done):
                answers.append((told, event))
                told = []
            else:
                told.append(event)
    assert answers and not told, "a generation ends with Done"
    return openai.completion(head, answers)
