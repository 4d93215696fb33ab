"""What the native engine answers, and how sure it is: the judge of what the tab answers."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from apart import run_apart
from wgslm.chat.events import Done
from wgslm.engine import Engine
from wgslm.generate import Options
from wgslm.sampling import Sampling

MARGIN = 1e-2  # below it, rounding decides which of two tokens is the likelier one
GREEDY = Sampling(temperature=0.0)

Conversation = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Answer:
    """Greedy ids, and how many of them any sound arithmetic gives."""

    ids: tuple[int, ...]
    sure: int


def native_answers(
    path: Path, conversations: Sequence[Conversation], max_tokens: int
) -> list[Answer]:
    """Answer each conversation greedily with the native engine."""

    async def run() -> list[Answer]:
        engine = await Engine.load(path)
        try:
            return [await _answer(engine, messages, max_tokens) for messages in conversations]
        finally:
            await engine.close()

    return run_apart(run)


async def _answer(engine: Engine, messages: Conversation, max_tokens: int) -> Answer:
    prompt = engine.prompt_ids(messages)
    options = Options(max_tokens=max_tokens, sampling=GREEDY)
    ids: tuple[int, ...] = ()
    async with aclosing(engine.complete(prompt, options)) as events:
        async for event in events:
            if isinstance(event, Done):
                ids = event.ids
    rows = await engine.logits([*prompt, *ids], each=True)
    margins = [_margin(row) for row in rows[len(prompt) - 1 : -1]]
    return Answer(ids, next((i for i, m in enumerate(margins) if m < MARGIN), len(ids)))


def _margin(logits: Sequence[float]) -> float:
    """Return by how much the likeliest token leads."""
    first, second = sorted(logits, reverse=True)[:2]
    return first - second
