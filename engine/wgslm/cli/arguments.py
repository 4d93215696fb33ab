"""What may be typed: every command, its options, its help."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from wgslm.cli.knobs import add_knobs

DESCRIPTION = "Run language models in GGUF files on this machine's GPU, through WebGPU."
EPILOG = """\
examples:
  wgslm run model.gguf -p "Why is the sky blue?"
  wgslm chat https://example.org/model-Q4_K_M.gguf
  wgslm inspect model.gguf --json

exit status:
  0    done
  1    refused or failed; one line on stderr says why
  2    the command line is wrong
  130  interrupted by Ctrl-C (but that is how serve ends: 0)
  141  nobody reads the output any more

Results go to stdout, progress and notes to stderr. `wgslm COMMAND --help` says more.
"""
# Their values are taken as they are, even when they begin with "-".
TEXT_OPTIONS = {
    "-p": "--prompt",
    "--prompt": "--prompt",
    "--system": "--system",
    "--stop": "--stop",
}

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Print it and end."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"wgslm {version('wgslm')}")
        except PackageNotFoundError:
            print("wgslm (from a checkout, not installed)")
        parser.exit()


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments, or end the program as argparse does."""
    return make_parser().parse_args(list(_verbatim(argv)))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of everything."""
    parser = argparse.ArgumentParser(
        "wgslm",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (_run, _chat, _serve, _bench, _inspect, _explain, _tokenize, _logits):
        add(commands)
    return parser


def _run(commands: Commands) -> None:
    parser = _command(
        commands,
        "run",
        "answer one prompt; the text streams to stdout",
        'wgslm run model.gguf -p "Write a haiku."',
        "wgslm run model.gguf -p - < question.txt",
        'wgslm run model.gguf -p "Once upon a time" --raw --temperature 0 --max-tokens 64 --json',
    )
    _prompt(parser, "the user's message, as it is; - reads it from stdin")
    parser.add_argument("--raw", action="store_true", help="continue TEXT without a chat template")
    parser.add_argument("--system", metavar="TEXT", help="a system message before the prompt")
    _generation(parser)
    _loading(parser)
    _variants(parser)
    _json(parser, "prompt_ids, ids, text, finish_reason and timings")


def _chat(commands: Commands) -> None:
    parser = _command(
        commands,
        "chat",
        "talk with a model; /help lists what else can be typed",
        "wgslm chat model.gguf",
        'wgslm chat model.gguf --system "Answer in French." --temperature 0.2',
        "wgslm chat model.gguf < questions.txt   # one message a line",
    )
    parser.add_argument("--system", metavar="TEXT", help="a system message")
    _generation(parser)
    _loading(parser)
    _variants(parser)


def _serve(commands: Commands) -> None:
    parser = _command(
        commands,
        "serve",
        "serve the OpenAI chat API over HTTP until Ctrl-C",
        "wgslm serve model.gguf",
        "wgslm serve model.gguf --port 0   # any free port; the URL is printed",
        "WGSLM_API_KEY=... wgslm serve model.gguf --host 0.0.0.0",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default 127.0.0.1)")
    parser.add_argument("--port", type=_integer(0, 65535), default=8080, help="default 8080")
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        help="what clients must send; needed beyond loopback (or WGSLM_API_KEY, which other "
        "users of this machine cannot see)",
    )
    parser.add_argument(
        "--origin",
        metavar="URL",
        action="append",
        default=[],
        help="a web page's origin that may call the API; repeatable",
    )
    _loading(parser)


def _bench(commands: Commands) -> None:
    parser = _command(
        commands,
        "bench",
        "measure prefill and decode in tokens per second, and the load",
        "wgslm bench model.gguf",
        "wgslm bench model.gguf --prompt-tokens 512 --tokens 128 --repeat 5 --json",
    )
    count = _integer(1)
    parser.add_argument(
        "--prompt-tokens",
        metavar="N",
        type=count,
        help="tokens of the prompt (default 128, less when the context is short)",
    )
    parser.add_argument(
        "--tokens",
        metavar="N",
        type=_integer(2),
        help="tokens to generate (default 32, less when the context is short)",
    )
    parser.add_argument(
        "--repeat", metavar="N", type=count, default=3, help="runs after a warm-up (default 3)"
    )
    _loading(parser)
    _variants(parser)
    _json(parser, "the figures")


def _inspect(commands: Commands) -> None:
    parser = _command(
        commands,
        "inspect",
        "show a file's metadata and tensors; reads no weights",
        "wgslm inspect model.gguf",
        "wgslm inspect https://example.org/model.gguf --json",
    )
    _json(parser, "all of it, arrays in full")


def _explain(commands: Commands) -> None:
    parser = _command(
        commands,
        "explain",
        "show the kernels of a step, their grids and bytes; reads no weights",
        "wgslm explain model.gguf",
        "wgslm explain model.gguf --tokens 128   # the plan of a prompt's step",
        "wgslm explain model.gguf --json",
    )
    parser.add_argument(
        "--tokens",
        metavar="N",
        type=_integer(1),
        default=1,
        help="show the plan for a step of up to N tokens (default 1: decode)",
    )
    parser.add_argument("--full", action="store_true", help="do not fold layers that are alike")
    _loading(parser)
    _variants(parser)
    _json(parser, "layers, decode, prefill, memory and more")


def _tokenize(commands: Commands) -> None:
    parser = _command(
        commands,
        "tokenize",
        "turn text into ids; needs no GPU and reads no weights",
        'wgslm tokenize model.gguf -p "Hello world"',
        'wgslm tokenize model.gguf -p "Hello world" --no-bos --json',
    )
    _prompt(parser, "the text; - reads it from stdin")
    parser.add_argument("--no-bos", action="store_true", help="add neither BOS nor EOS")
    _json(parser, "ids and pieces")


def _logits(commands: Commands) -> None:
    parser = _command(
        commands,
        "logits",
        "compute the logits after some ids (with an f32 cache, unless --kv f16)",
        "wgslm logits model.gguf --ids 1,5,9",
        "wgslm logits model.gguf --ids 1,5,9 --each --json",
    )
    parser.add_argument(
        "--ids", metavar="N,N,...", type=_ids, required=True, help="token ids, as they are"
    )
    parser.add_argument("--each", action="store_true", help="after every id, not only the last")
    _loading(parser, kv="f32")
    _variants(parser)
    _json(parser, "logits: a list, or with --each a list of lists")


def _command(
    commands: Commands, name: str, summary: str, *examples: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog="\n  ".join(("examples:", *examples)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "model", metavar="MODEL", help="path or http(s) URL of a GGUF; of a split one, any part"
    )
    return parser


def _prompt(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("-p", "--prompt", metavar="TEXT", required=True, help=text)


def _generation(parser: argparse.ArgumentParser) -> None:
    add_knobs(parser)
    parser.add_argument(
        "--stop",
        metavar="TEXT",
        action="append",
        default=[],
        help="end the answer before this text; repeatable",
    )


def _loading(parser: argparse.ArgumentParser, kv: str = "f16") -> None:
    parser.add_argument(
        "--context",
        metavar="N",
        type=_integer(2),
        help="tokens that prompt and answer may have together "
        "(default: what the model was made for, at most 4096)",
    )
    parser.add_argument(
        "--kv", choices=("f16", "f32"), default=kv, help=f"the cache's format (default {kv})"
    )
    parser.add_argument(
        "--adapter", metavar="NAME", help="part of the name of the GPU to use, or 'software'"
    )


def _variants(parser: argparse.ArgumentParser) -> None:
    """Add what only tests and measurements need, so that no help mentions it."""
    parser.add_argument(
        "--variant",
        metavar="ROLE=NAME",
        type=_variant,
        action="append",
        default=[],
        help=argparse.SUPPRESS,
    )


def _variant(text: str) -> tuple[str, str]:
    role, _, name = text.partition("=")
    if role not in ("one", "many"):
        raise argparse.ArgumentTypeError(f"{text!r}; one=NAME or many=NAME would be right")
    return role, name


def _json(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"print one JSON object: {what}")


def _integer(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a converter for argparse that refuses what is out of range."""

    def integer(text: str) -> int:
        value = int(text)
        if value < least or (most is not None and value > most):
            bound = f"{least} or more" if most is None else f"{least} to {most}"
            raise argparse.ArgumentTypeError(f"{text} is out of range; it must be {bound}")
        return value

    return integer


def _ids(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of ids; write them as 1,5,9"
        ) from None


def _verbatim(argv: Sequence[str]) -> Iterator[str]:
    """Join a text option with its value, so that the value may begin with '-'."""
    words = iter(argv)
    for word in words:
        value = next(words, None) if word in TEXT_OPTIONS else None
        yield word if value is None else f"{TEXT_OPTIONS[word]}={value}"
