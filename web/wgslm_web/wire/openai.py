"""OpenAI's chat completions: request object to messages and options, events to its objects.

A field that would change the answer and is not supported is refused by name; only fields that
cannot change it (HARMLESS) are accepted unread. Three extensions: `return_tokens` asks for ids (as
in llama.cpp), the last chunk carries `timings` under llama.cpp's names, and a delta of
`"content_was_reasoning": true` says that all content up to it was thoughts: a model can write the
end of thoughts that it did not begin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wgslm.chat.demands.demand import Demand
from wgslm.chat.events import (
    Delta,
    Done,
    Likelihood,
    ReasoningDelta,
    TextDelta,
    TextWasReasoning,
    Timings,
    TokenChance,
    ToolCallDelta,
    ToolCallVoid,
)
from wgslm.errors import RequestError
from wgslm.generate import Options
from wgslm.sampling import Sampling
from wgslm_web.wire.fields import Fields
from wgslm_web.wire.messages import Message, read_messages
from wgslm_web.wire.options import NAMES, read_options
from wgslm_web.wire.tools import read_tools, read_variables

Json = dict[str, object]

KNOWN = (
    "model, messages, tools, tool_choice, chat_template, chat_template_kwargs, reasoning_effort,"
    f" parallel_tool_calls, stream, stream_options, return_tokens, n, {NAMES}"
)
MOST_CHOICES = 128  # as at OpenAI; one is made after the other

# Accepted whatever they hold: labels, billing and caching hints that change no answer.
HARMLESS = frozenset(
    "user metadata store safety_identifier prompt_cache_key prompt_cache_retention "
    "prompt_cache_options service_tier".split()
)
# Not supported yet; these values ask for nothing, so clients may send them.
NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "verbosity": ("medium",),
    "cache_prompt": (True,),  # what happens anyway
    "timings_per_token": (False,),
    "web_search_options": (),
    "moderation": (),
}


@dataclass(frozen=True)
class ChatRequest:
    """What a chat completion request asks for."""

    model: str | None
    messages: list[Message]
    tools: list[Json] | None
    demand: Demand  # of their calls
    variables: Json  # that the chat template reads
    options: Options
    choices: int  # how many answers
    stream: bool
    include_usage: bool
    return_tokens: bool


@dataclass(frozen=True)
class Head:
    """What every object of one answer repeats."""

    id: str
    model: str
    created: int  # Unix seconds
    return_tokens: bool = False
    include_usage: bool = False
    index: int = 0  # of the choice that a chunk is of


def chat_request(body: Mapping[str, object], usual: Sampling) -> ChatRequest:
    """Check and translate a request's JSON object; it is sampled as `usual` unless it says how."""
    fields = Fields(body)
    refuse_unsupported(fields)
    stream = fields.boolean("stream") or False
    tools, demand = read_tools(fields)
    request = ChatRequest(
        model=fields.string("model"),
        messages=read_messages(fields.items("messages")),
        tools=tools,
        demand=demand,
        variables=read_variables(fields),
        options=read_options(fields, usual),
        choices=_choices(fields),
        stream=stream,
        include_usage=_include_usage(fields, stream),
        return_tokens=fields.boolean("return_tokens") or False,
    )
    fields.finish(KNOWN)
    return request


def refuse_unsupported(fields: Fields) -> None:
    """Drop the fields that ask for nothing; refuse those that ask for what there is not yet."""
    for name in HARMLESS:
        fields.take(name)
    for name, neutral in NEUTRAL.items():
        value = fields.take(name)
        if value is not None and not any(_same(value, harmless) for harmless in neutral):
            raise RequestError(f"'{name}' is not supported yet; leave it out", name)


def opening_chunk(head: Head) -> Json:
    """Return the chunk that opens a streamed answer."""
    return _chunk(head, {"role": "assistant", "content": ""}, None)


def delta_chunks(head: Head, event: Delta) -> list[Json]:
    """Return what is streamed of an event: no chunk where it tells neither text nor ids.

    A call that turned out malformed cannot be taken back; its text follows, and the reason that
    the answer ended is not "tool_calls" unless another call holds.
    """
    tokens: Json = {"tokens": list(event.ids)} if head.return_tokens and event.ids else {}
    chances = logprobs(event.chances)
    match event:
        case TextDelta(text):
            delta: Json = {"content": text}
            tokens = {"tokens": list(event.ids)} if head.return_tokens else {}
        case ReasoningDelta(text):
            delta = {"reasoning_content": text}
        case TextWasReasoning():
            delta = {"content": "\n\n", "content_was_reasoning": True}
        case ToolCallDelta():
            delta = {"tool_calls": [_call_delta(event)]}
        case ToolCallVoid():
            return [_chunk(head, {}, None, chances) | tokens] if tokens or chances else []
    return [_chunk(head, delta, None, chances) | tokens]


def finish_chunk(head: Head, done: Done) -> Json:
    """Return the chunk that ends a choice; it has the timings where no usage follows."""
    last = _chunk(head, {}, done.reason)
    return last if head.include_usage else last | {"timings": timings(done)}


def usage_chunks(head: Head, answers: Sequence[Done]) -> list[Json]:
    """Return the last chunk, with the usage, if it is asked for."""
    if not head.include_usage:
        return []
    done = total(answers)
    empty = _chunk(head, {}, None) | {"choices": []}
    return [empty | {"usage": usage(done), "timings": timings(done)}]


def completion(head: Head, answers: Sequence[tuple[Sequence[Delta], Done]]) -> Json:
    """Return whole answers. The ids of one stand beside it, of several in each choice."""
    done = total([done for _, done in answers])
    ids = [{"tokens": list(done.ids)} if head.return_tokens else {} for _, done in answers]
    choices = [_choice(index, *answer) for index, answer in enumerate(answers)]
    is_one = len(answers) == 1
    return {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": choices if is_one else [c | i for c, i in zip(choices, ids, strict=True)],
        "usage": usage(done),
        "timings": timings(done),
        **(ids[0] if is_one else {}),
    }


def _choice(index: int, events: Sequence[Delta], done: Done) -> Json:
    said = Said()
    for event in events:
        said.take(event)
    return {
        "index": index,
        "message": said.message(),
        "logprobs": logprobs([chance for event in events for chance in event.chances]),
        "finish_reason": done.reason,
    }


def total(answers: Sequence[Done]) -> Done:
    """Add the answers to one prompt up: it is counted once, what it took is the sum."""
    first, rest = answers[0], answers[1:]
    written = sum(done.usage.completion_tokens for done in answers)
    spent = Timings(
        sum(done.timings.prefill_ms for done in answers),
        sum(done.timings.decode_ms for done in answers),
        first.timings.first_token_ms,
    )
    usage = replace(first.usage, completion_tokens=written)
    return replace(first, usage=usage, timings=spent) if rest else first


def logprobs(chances: Sequence[TokenChance]) -> Json | None:
    """Return the tokens of a choice or a chunk with the logarithms of their chances."""
    if not chances:
        return None
    content = [
        _token(chance) | {"top_logprobs": [_token(other) for other in chance.top]}
        for chance in chances
    ]
    return {"content": content, "refusal": None}


def _token(token: Likelihood) -> Json:
    """Return a token; `bytes` is exact where `token` shows a part of a character as U+FFFD."""
    return {
        "id": token.id,
        "token": token.piece.decode(errors="replace"),
        "logprob": token.logprob,
        "bytes": list(token.piece),
    }


class Said:
    """Gathers the events of an answer as the message of a whole one."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, list[ToolCallDelta]] = {}

    def take(self, event: Delta) -> None:
        """Take the next event."""
        match event:
            case TextDelta(text):
                self._text.append(text)
            case ReasoningDelta(text):
                self._thoughts.append(text)
            case TextWasReasoning():
                self._thoughts += self._text
                self._text.clear()
            case ToolCallDelta():
                self._calls.setdefault(event.index, []).append(event)
            case ToolCallVoid():
                self._calls.pop(event.index, None)

    def message(self) -> Json:
        """Return the message; without text its content is null where there are calls."""
        text = "".join(self._text)
        content = None if self._calls and not text else text
        message: Json = {"role": "assistant", "content": content, "refusal": None}
        if self._thoughts:
            message["reasoning_content"] = "".join(self._thoughts)
        if self._calls:
            message["tool_calls"] = [_call(parts) for parts in self._calls.values()]
        return message


def usage(done: Done) -> Json:
    """Return the token counts."""
    counts = done.usage
    return {
        "prompt_tokens": counts.prompt_tokens,
        "completion_tokens": counts.completion_tokens,
        "total_tokens": counts.prompt_tokens + counts.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": counts.cached_tokens},
    }


def timings(done: Done) -> Json:
    """Return the speeds under llama.cpp's names.

    Cached tokens are not counted as read; the first token of the answer comes with the prefill.
    """
    counts, spent = done.usage, done.timings
    read = counts.prompt_tokens - counts.cached_tokens
    return {
        "cache_n": counts.cached_tokens,
        "prompt_n": read,
        "prompt_ms": round(spent.prefill_ms, 3),
        "prompt_per_second": _rate(read, spent.prefill_ms),
        "predicted_n": counts.completion_tokens,
        "predicted_ms": round(spent.decode_ms, 3),
        "predicted_per_second": _rate(counts.completion_tokens - 1, spent.decode_ms),
        "first_token_ms": round(spent.first_token_ms, 3),
    }


def model_object(name: str, created: int) -> Json:
    """Return a model as `/v1/models` lists it."""
    return {"id": name, "object": "model", "created": created, "owned_by": "wgslm"}


def model_list(models: list[Json]) -> Json:
    """Return the answer of `/v1/models`."""
    return {"object": "list", "data": models}


def _choices(fields: Fields) -> int:
    count = fields.integer("n")
    if count is not None and not 1 <= count <= MOST_CHOICES:
        raise fields.error("n", count, f"1 to {MOST_CHOICES}")
    return count or 1


def _include_usage(fields: Fields, stream: bool) -> bool:
    value = fields.mapping("stream_options")
    if value is None:
        return False
    if not stream:
        raise RequestError("'stream_options' is only for 'stream': true", "stream_options")
    options = Fields(value, "stream_options.")
    options.take("include_obfuscation")  # padding against eavesdroppers; there is none here
    include_usage = options.boolean("include_usage") or False
    options.finish("include_usage")
    return include_usage


def _call(parts: list[ToolCallDelta]) -> Json:
    arguments = "".join(part.arguments for part in parts)
    function = {"name": parts[0].name, "arguments": arguments}
    return {"id": parts[0].id, "type": "function", "function": function}


def _call_delta(event: ToolCallDelta) -> Json:
    if not event.id:
        return {"index": event.index, "function": {"arguments": event.arguments}}
    return {"index": event.index, **_call([event])}


def _chunk(head: Head, delta: Json, reason: str | None, logprobs: Json | None = None) -> Json:
    choice = {"index": head.index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
    usage: Json = {"usage": None} if head.include_usage else {}
    return {
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created,
        "model": head.model,
        "choices": [choice],
        **usage,
    }


def _same(value: object, other: object) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _rate(count: int, spent_ms: float) -> float:
    return round(count / spent_ms * 1000, 3) if spent_ms > 0 and count > 0 else 0.0
