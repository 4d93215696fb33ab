"""`wgslm logits`: what the model thinks may come next, as numbers."""

import asyncio
import math
from argparse import Namespace
from collections.abc import Sequence

from wgslm.cli.loading import loaded
from wgslm.cli.terminal import table, write_json
from wgslm.cli.tokenize import shown
from wgslm.errors import WgslmError
from wgslm.text import Tokenizer

SHOWN = 10  # likeliest tokens after each id, without --json


def logits(args: Namespace) -> None:
    """Print the logits after the last id, or after each."""
    asyncio.run(_logits(args))


async def _logits(args: Namespace) -> None:
    async with loaded(args, is_json=args.json) as model:
        rows = await model.engine.logits(args.ids, each=args.each)
    if not all(map(math.isfinite, (value for row in rows for value in row))):
        raise WgslmError(
            "the model's logits are not numbers: the file is damaged, or this GPU's driver "
            "computes wrongly"
        )
    if args.json:
        exact = [[_shortest(value) for value in row] for row in rows]
        write_json({"logits": exact if args.each else exact[0]})
        return
    for id, row in zip(args.ids if args.each else args.ids[-1:], rows, strict=True):
        print(f"after {id} {shown(model.engine.tokenizer, id)}")
        print(table(_highest(row, model.engine.tokenizer), right=[0, 1]))


def _shortest(value: float) -> float:
    """Return the f32 with the digits that tell it from its neighbours, not all of a double's."""
    return float(f"{value:.9g}")


def _highest(row: Sequence[float], tokenizer: Tokenizer) -> list[tuple[object, ...]]:
    best = sorted(range(len(row)), key=lambda id: (-row[id], id))[:SHOWN]
    return [(f"  {row[id]:.5f}", id, _text(tokenizer, id)) for id in best]


def _text(tokenizer: Tokenizer, id: int) -> str:
    """Return an id's text; models may have more rows than tokens."""
    return shown(tokenizer, id) if id < tokenizer.vocab_size else ""
