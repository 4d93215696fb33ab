"""What a running answer tells its reader: pieces of it, then one `Done`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Likelihood:
    """A token, the bytes that it writes, and the natural logarithm of its chance."""

    id: int
    piece: bytes
    logprob: float


@dataclass(frozen=True)
class TokenChance(Likelihood):
    """A token of the answer and the likeliest tokens in its place, before any setting chose."""

    top: tuple[Likelihood, ...] = ()


@dataclass(frozen=True)
class TextDelta:
    """More text of the answer, and the ids it came from (none while text is held back).

    Where log probabilities are asked for, all deltas have the `chances` of their ids.
    """

    text: str
    ids: tuple[int, ...] = ()
    chances: tuple[TokenChance, ...] = ()


@dataclass(frozen=True)
class ReasoningDelta:
    """More of what the model thinks before it answers."""

    text: str
    ids: tuple[int, ...] = ()
    chances: tuple[TokenChance, ...] = ()


@dataclass(frozen=True)
class TextWasReasoning:
    """All text told so far was thoughts after all: their end came, though not their beginning."""

    ids: tuple[int, ...] = ()
    chances: tuple[TokenChance, ...] = ()


@dataclass(frozen=True)
class ToolCallDelta:
    """More of a tool call: the first of an index has its `id` and `name`, then JSON text comes."""

    index: int
    arguments: str
    id: str = ""
    name: str = ""
    ids: tuple[int, ...] = ()
    chances: tuple[TokenChance, ...] = ()


@dataclass(frozen=True)
class ToolCallVoid:
    """The call of this index was malformed after all: what was written follows as text."""

    index: int
    ids: tuple[int, ...] = ()
    chances: tuple[TokenChance, ...] = ()


@dataclass(frozen=True)
class Usage:
    """Tokens of the prompt and of the answer; `cached_tokens` of the prompt were in the cache."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


@dataclass(frozen=True)
class Timings:
    """Where the time went, in milliseconds; `first_token_ms` counts from the request."""

    prefill_ms: float
    decode_ms: float
    first_token_ms: float


@dataclass(frozen=True)
class Done:
    """The last event: why the answer ended, and every id of it."""

    reason: Literal["stop", "length", "tool_calls"]
    usage: Usage
    timings: Timings
    ids: tuple[int, ...]


Delta = TextDelta | ReasoningDelta | TextWasReasoning | ToolCallDelta | ToolCallVoid
Event = Delta | Done
