"""OpenAI's chat completions: request object to messages and options, events to its objects.

A field that would change the answer and is not supported is refused by name; only fields that
cannot change it (HARMLESS) are accepted unread. Two extensions: `return_tokens` asks for ids (as
in llama.cpp), and the last chunk carries `timings` under llama.cpp's names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wgslm.chat.events import Done, TextDelta
from wgslm.errors import RequestError
from wgslm.generate import Options
from wgslm.sampling import Sampling
from wgslm_web.wire.fields import Fields
from wgslm_web.wire.options import NAMES, read_options

Message = dict[str, str]
Json = dict[str, object]

ROLES = ("system", "developer", "user", "assistant")
MESSAGE_LIMIT = 10_000  # of a conversation, and of the parts of a message
KNOWN = f"model, messages, stream, stream_options, return_tokens, {NAMES}"

# Accepted whatever they hold: labels, billing and caching hints that change no answer.
HARMLESS = frozenset(
    "user metadata store safety_identifier prompt_cache_key prompt_cache_retention "
    "prompt_cache_options service_tier parallel_tool_calls".split()
)
# Not supported yet; these values ask for nothing, so clients may send them.
NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "n": (1,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "reasoning_effort": (),
    "verbosity": ("medium",),
    "cache_prompt": (True,),  # what happens anyway
    "timings_per_token": (False,),
    "web_search_options": (),
    "moderation": (),
    "chat_template_kwargs": ({},),
}


@dataclass(frozen=True)
class ChatRequest:
    """What a chat completion request asks for."""

    model: str | None
    messages: list[Message]
    options: Options
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


def chat_request(body: Mapping[str, object], usual: Sampling) -> ChatRequest:
    """Check and translate a request's JSON object; it is sampled as `usual` unless it says how."""
    fields = Fields(body)
    refuse_unsupported(fields)
    stream = fields.boolean("stream") or False
    request = ChatRequest(
        model=fields.string("model"),
        messages=read_messages(fields.items("messages")),
        options=read_options(fields, usual),
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


def read_messages(value: list[object] | None) -> list[Message]:
    """Check and translate the conversation."""
    if not value:
        raise RequestError(
            "'messages' is missing or empty; it must hold the conversation", "messages"
        )
    if len(value) > MESSAGE_LIMIT:
        raise RequestError(
            f"'messages' holds {len(value):,} messages; at most {MESSAGE_LIMIT:,} are read",
            "messages",
        )
    return [_message(item, f"messages[{index}].") for index, item in enumerate(value)]


def opening_chunk(head: Head) -> Json:
    """Return the chunk that opens a streamed answer."""
    return _chunk(head, {"role": "assistant", "content": ""}, None)


def text_chunk(head: Head, event: TextDelta) -> Json:
    """Return one chunk of streamed text."""
    tokens: Json = {"tokens": list(event.ids)} if head.return_tokens else {}
    return _chunk(head, {"content": event.text}, None) | tokens


def closing_chunks(head: Head, done: Done) -> list[Json]:
    """Return the chunk with the finish reason and, if asked for, the one with the usage."""
    last = _chunk(head, {}, done.reason)
    if not head.include_usage:
        return [last | {"timings": timings(done)}]
    with_usage = last | {"choices": [], "usage": usage(done), "timings": timings(done)}
    return [last, with_usage]


def completion(head: Head, text: str, ids: Iterable[int], done: Done) -> Json:
    """Return a whole answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": done.reason,
    }
    tokens: Json = {"tokens": list(ids)} if head.return_tokens else {}
    return {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [choice],
        "usage": usage(done),
        "timings": timings(done),
        **tokens,
    }


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


def _message(item: object, path: str) -> Message:
    if not isinstance(item, dict):
        raise RequestError(f"'{path[:-1]}' is not an object", path[:-1])
    fields = Fields(item, path)
    role = fields.required("role")
    for name in ("tool_calls", "function_call", "audio", "refusal", "tool_call_id"):
        if fields.take(name) not in (None, []):
            raise RequestError(f"'{path}{name}' is not supported yet", path + name)
    if role not in ROLES:
        wanted = ", ".join(ROLES)
        raise RequestError(f"'{path}role' is {role!r}; known: {wanted}", path + "role")
    message = {"role": role, "content": _content(fields)}
    speaker = fields.string("name")
    fields.finish("role, content, name")
    return message if speaker is None else message | {"name": speaker}


def _content(fields: Fields) -> str:
    value = fields.take("content")
    if isinstance(value, list) and len(value) > MESSAGE_LIMIT:
        raise fields.error("content", value[:1], f"a list of at most {MESSAGE_LIMIT:,} parts")
    if isinstance(value, list) and value:
        return "\n".join(_part(part, f"{fields.path}content[{i}].") for i, part in enumerate(value))
    if not isinstance(value, str):
        raise fields.error("content", value, "a string or a list of text parts")
    return value


def _part(item: object, path: str) -> str:
    if not isinstance(item, dict):
        raise RequestError(f"'{path[:-1]}' is not an object", path[:-1])
    fields = Fields(item, path)
    kind = fields.required("type")
    if kind != "text":
        raise RequestError(f"'{path}type' is {kind!r}; only 'text' is supported yet", path + "type")
    text = fields.string("text")
    if text is None:
        raise RequestError(f"'{path}text' is missing", path + "text")
    fields.finish("type, text")
    return text


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


def _chunk(head: Head, delta: Json, reason: str | None) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
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
