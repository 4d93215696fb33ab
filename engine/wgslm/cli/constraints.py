"""What an answer has to be, as typed: a schema's or a grammar's file, or a regular expression."""

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from wgslm.cli.knobs import UsageError
from wgslm.cli.terminal import read_file
from wgslm.errors import RequestError

if TYPE_CHECKING:
    from wgslm.grammar import Grammar


def add_constraints(parser: ArgumentParser) -> None:
    """Add an option for each kind, of which at most one may be given."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--json-schema", metavar="FILE", help="answer with JSON that is valid by this JSON Schema"
    )
    group.add_argument(
        "--regex", metavar="R", help="answer with a text that this regular expression matches whole"
    )
    group.add_argument(
        "--grammar", metavar="FILE", help="answer as this grammar in llama.cpp's GBNF says"
    )


def read_constraint(args: Namespace) -> "Grammar | None":
    """Return the grammar that was asked for; refuse what cannot be followed."""
    from wgslm.grammar import for_gbnf, for_regex, for_schema

    try:
        if args.json_schema is not None:
            return for_schema(_json(args.json_schema))
        if args.grammar is not None:
            return for_gbnf(_text(args.grammar))
        return None if args.regex is None else for_regex(args.regex)
    except RequestError as error:
        raise UsageError(str(error)) from error


def _text(path: str) -> str:
    try:
        return read_file(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _json(path: str) -> object:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON: {error}") from error
