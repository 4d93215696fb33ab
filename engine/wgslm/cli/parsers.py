"""What every command's parser is made of."""

import argparse
from typing import Literal, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def command(
    commands: Commands,
    name: str,
    summary: str,
    *examples: str,
    models: Literal["?", "*"] | None = None,
) -> argparse.ArgumentParser:
    """Add a command that takes a model, as many as `models` says."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog="\n  ".join(("examples:", *examples)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    text = "path or http(s) URL of a GGUF; of a split one, any part"
    parser.add_argument("model", metavar="MODEL", nargs=models, help=text)
    return parser


def prompt(parser: argparse.ArgumentParser, text: str) -> None:
    """Add the option for a text."""
    parser.add_argument("-p", "--prompt", metavar="TEXT", required=True, help=text)


def json_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help=f"print one JSON object: {what}")
