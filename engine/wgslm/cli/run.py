"""`wgslm run`: one prompt, one answer."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, replace

from wgslm.chat.events import Done, Event, ReasoningDelta, TextDelta, TextWasReasoning
from wgslm.chat.formats import FROM_FILE
from wgslm.cli.constraints import read_constraint
from wgslm.cli.knobs import UsageError, make_options
from wgslm.cli.loading import loaded
from wgslm.cli.terminal import (
    note,
    note_unless_json,
    read_text,
    write,
    write_json,
    write_thought,
)
from wgslm.engine import Engine
from wgslm.generate import Options
from wgslm.grammar import Grammar


def run(args: Namespace) -> None:
    """Answer, or continue with --raw."""
    if args.raw and args.system is not None:
        raise UsageError("--raw has no place for --system: it uses no chat template")
    make_options(args)  # refuses what has no meaning before anything is loaded
    asyncio.run(_run(args, read_text(args.prompt), read_constraint(args)))


async def _run(args: Namespace, prompt: str, grammar: Grammar | None) -> None:
    async with loaded(args, is_json=args.json) as model:
        engine = model.engine
        options = replace(make_options(args, engine.info.sampling), grammar=grammar)
        prompt_ids, events = _asked(engine, prompt, args, options)
        text, thoughts, done = await _generate(events, is_streamed=not args.json)
    note_unless_json(summary(done), is_json=args.json)
    if args.json:
        write_json(
            {
                "prompt_ids": prompt_ids,
                "ids": list(done.ids),
                "text": text,
                **({"reasoning": thoughts} if thoughts else {}),
                "finish_reason": done.reason,
                "timings": {
                    "load_ms": model.seconds * 1e3,
                    "upload_bytes_s": engine.info.rates.upload,
                    "relay_bytes_s": engine.info.rates.relay,
                    **asdict(done.timings),
                },
            }
        )


def _asked(
    engine: Engine, prompt: str, args: Namespace, options: Options
) -> tuple[list[int], AsyncGenerator[Event]]:
    """Return the ids of what is asked, and the events of the answer."""
    if args.raw:
        ids = engine.raw_ids(prompt)
        return ids, engine.complete(ids, options)
    if engine.template.origin != FROM_FILE:
        note(f"note: the template is {engine.template.origin}; --raw continues the text instead")
    system = [] if args.system is None else [{"role": "system", "content": args.system}]
    messages = [*system, {"role": "user", "content": prompt}]
    return engine.prompt_ids(messages), engine.chat(messages, options)


async def _generate(answer: AsyncGenerator[Event], *, is_streamed: bool) -> tuple[str, str, Done]:
    """Return the whole text, the thoughts and the last event; with `is_streamed`, write both.

    Thoughts are no result, so they go to stderr.
    """
    pieces: list[str] = []
    thoughts: list[str] = []
    async with aclosing(answer) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    if is_streamed and thoughts and not pieces:
                        write_thought("\n\n")
                    pieces.append(text)
                    if is_streamed:
                        write(text)
                case ReasoningDelta(text):
                    thoughts.append(text)
                    if is_streamed:
                        write_thought(text)
                case TextWasReasoning():
                    thoughts += pieces
                    pieces.clear()
                    if is_streamed:
                        write("\n\n")
                case Done():
                    done = event
    if is_streamed:
        write("\n")
    return "".join(pieces), "".join(thoughts), done


def summary(done: Done) -> str:
    """Say what an answer took."""
    usage, spent = done.usage, done.timings
    fresh = usage.prompt_tokens - usage.cached_tokens
    parts = [f"prompt: {_pace(fresh, fresh, spent.prefill_ms)}"]
    if usage.cached_tokens:
        parts.append(f"{usage.cached_tokens:,} from the cache")
    steps = usage.completion_tokens - 1  # the first token comes with the prompt's
    parts.append(f"answer: {_pace(usage.completion_tokens, steps, spent.decode_ms)}")
    if done.reason == "length":
        parts.append("cut at its longest")
    return "; ".join(parts)


def _pace(tokens: int, steps: int, spent_ms: float) -> str:
    speed = f" ({steps / spent_ms * 1e3:.1f}/s)" if steps > 0 and spent_ms > 0 else ""
    return f"{tokens:,} tokens in {spent_ms / 1e3:.2f} s{speed}"
