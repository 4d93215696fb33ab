"""`wgslm tokenize`: text to ids, without a GPU."""

import asyncio
from argparse import Namespace

from wgslm.cli.loading import opened
from wgslm.cli.terminal import read_text, table, write_json
from wgslm.text import Tokenizer, load_tokenizer


def tokenize(args: Namespace) -> None:
    """Print the ids of a text and the text that each stands for."""
    text = read_text(args.prompt)
    tokenizer = asyncio.run(_tokenizer(args.model))
    ids = tokenizer.encode(text, bos=False if args.no_bos else None, specials=args.specials)
    if args.json:
        write_json({"ids": ids, "pieces": [piece(tokenizer, id) for id in ids]})
    elif ids:
        print(table([(id, shown(tokenizer, id)) for id in ids], right=[0]))


def piece(tokenizer: Tokenizer, id: int) -> str:
    """Return an id's text; bytes that are only a part of a character as \\xNN."""
    return tokenizer.piece(id, specials=True).decode(errors="backslashreplace")


def shown(tokenizer: Tokenizer, id: int) -> str:
    """Return an id's text in quotes; bytes that are only a part of a character as b'...'."""
    text = tokenizer.piece(id, specials=True)
    try:
        return repr(text.decode())
    except UnicodeDecodeError:
        return repr(text)


async def _tokenizer(location: str) -> Tokenizer:
    async with opened(location) as (_, directory):
        return load_tokenizer(directory.metadata)
