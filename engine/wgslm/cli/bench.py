"""`wgslm bench`: tokens per second on a named adapter."""

import asyncio
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from wgslm.cli.loading import Loaded, loaded
from wgslm.cli.terminal import note_unless_json, size, table, write_json
from wgslm.engine import Engine
from wgslm.errors import RequestError
from wgslm.generate import Options, Run
from wgslm.sampling import Sampling

PROMPT_TOKENS, TOKENS = 128, 32


@dataclass(frozen=True)
class Speeds:
    """One run's tokens per second. Prefill ends with the first choice; decode makes the others."""

    prefill: float
    decode: float


def bench(args: Namespace) -> None:
    """Measure, after a warm-up that is not counted, and print the medians."""
    asyncio.run(_bench(args))


async def _bench(args: Namespace) -> None:
    async with loaded(args, is_json=args.json) as model:
        engine = model.engine
        prompt_tokens, tokens = _lengths(engine.info.context, args)
        prompt = [i * 7919 % engine.tokenizer.vocab_size for i in range(prompt_tokens)]
        runs: list[Speeds] = []
        for turn in range(args.repeat + 1):
            speeds = await _measure(engine, prompt, tokens)
            name = f"run {turn} of {args.repeat}" if turn else "warm-up"
            note_unless_json(f"{name}: {_speeds(speeds)}", is_json=args.json)
            runs += [speeds] if turn else []
    if args.json:
        write_json(_facts(model, args, len(prompt), tokens, runs))
    else:
        print(table(_report(model, len(prompt), tokens, runs)))


def _lengths(context: int, args: Namespace) -> tuple[int, int]:
    """Return the lengths of prompt and answer: what was asked for, or what fits."""
    prompt = args.prompt_tokens or min(PROMPT_TOKENS, context // 2)
    tokens = args.tokens or min(TOKENS, context - prompt)
    if tokens < 2 or prompt + tokens > context:
        raise RequestError(
            f"{prompt:,} prompt tokens and {tokens:,} more do not fit a context of {context:,}; "
            "ask for fewer (at least 2 to generate), or set --context"
        )
    return prompt, tokens


async def _measure(engine: Engine, prompt: Sequence[int], tokens: int) -> Speeds:
    engine.session.forget()
    options = Options(tokens, sampling=Sampling(temperature=0))
    run = Run(len(prompt))
    never: frozenset[int] = frozenset()  # no id ends the answer
    async for _ in engine.session.generate(prompt, options, never, run):
        pass
    return Speeds(len(prompt) / run.prefill_seconds, (tokens - 1) / run.decode_seconds)


def _report(
    model: Loaded, prompt_tokens: int, tokens: int, runs: Sequence[Speeds]
) -> list[tuple[object, ...]]:
    info = model.engine.info
    return [
        ("model", f"{model.engine.name}, {info.quant}, {size(info.nbytes)}"),
        ("adapter", info.adapter),
        ("load", f"{model.seconds:.2f} s"),
        ("prefill", f"{median(r.prefill for r in runs):.1f} tok/s over {prompt_tokens:,} tokens"),
        (
            "decode",
            f"{median(r.decode for r in runs):.1f} tok/s over {tokens - 1:,} after them",
        ),
        ("runs", f"{len(runs)}, medians shown; a warm-up came first"),
    ]


def _facts(
    model: Loaded, args: Namespace, prompt_tokens: int, tokens: int, runs: Sequence[Speeds]
) -> dict[str, object]:
    info = model.engine.info
    return {
        "model": model.engine.name,
        "architecture": info.architecture,
        "quant": info.quant,
        "parameters": info.parameters,
        "weight_bytes": info.nbytes,
        "adapter": asdict(info.adapter),
        "context": info.context,
        "kv": args.kv,
        "prompt_tokens": prompt_tokens,
        "tokens": tokens,
        "repeat": len(runs),
        "load_ms": model.seconds * 1e3,
        "prefill_tok_s": median(r.prefill for r in runs),
        "decode_tok_s": median(r.decode for r in runs),
        "runs": [
            {"prefill_tok_s": speeds.prefill, "decode_tok_s": speeds.decode} for speeds in runs
        ],
    }


def _speeds(speeds: Speeds) -> str:
    return f"prefill {speeds.prefill:.1f} tok/s, decode {speeds.decode:.1f} tok/s"
