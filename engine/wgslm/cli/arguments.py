"""What may be typed: every command, its options, its help."""

import argparse
from collections.abc import Iterator, Sequence

from wgslm.cli.constraints import add_constraints
from wgslm.cli.converters import choice_of, ids, integer, list_of, positive
from wgslm.cli.knobs import add_knobs
from wgslm.cli.parsers import Commands
from wgslm.cli.parsers import command as _command
from wgslm.cli.parsers import json_option as _json
from wgslm.cli.parsers import prompt as _prompt
from wgslm.cli.word_arguments import check, template, tokenize

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
    "--regex": "--regex",
}

KVS = ("f16", "f32", "q8_0", "q4_0")  # the cache's formats
ROLES = ("one", "many", "attention", "attention_one", "splits", "reduce", "lowering")  # of kernels


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
    for add in (
        _run,
        _chat,
        _serve,
        _bench,
        _inspect,
        _explain,
        tokenize,
        template,
        check,
        _logits,
    ):
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
        'wgslm run model.gguf -p "Name a colour." --json-schema colour.json',
    )
    _prompt(parser, "the user's message, as it is; - reads it from stdin")
    parser.add_argument("--raw", action="store_true", help="continue TEXT without a chat template")
    parser.add_argument("--system", metavar="TEXT", help="a system message before the prompt")
    _generation(parser)
    add_constraints(parser)
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
    parser.add_argument("--port", type=integer(0, 65535), default=8080, help="default 8080")
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
    _variants(parser)


def _bench(commands: Commands) -> None:
    parser = _command(
        commands,
        "bench",
        "measure prefill and decode in tokens per second, and what the GPU could do at most",
        "wgslm bench model.gguf",
        "wgslm bench model.gguf other.gguf --pp 64,512,2048 --tg 128 --depth 0,4096 --kv f16,f32",
        "wgslm bench --shape llama-3.2-1b,qwen3-0.6b --quant q4_k_m,q8_0   # random weights",
        "wgslm bench --shape smollm2-135m --quant q8_0 --kernels --output json",
        models="*",
    )
    numbers = list_of(integer(0))
    parser.add_argument(
        "--pp",
        metavar="N,N",
        type=numbers,
        help="tokens of prompts (default 512, less when the context is short; 0: none)",
    )
    parser.add_argument(
        "--tg",
        metavar="N,N",
        type=numbers,
        help="tokens to generate (default 128, less when the context is short; 0: none)",
    )
    parser.add_argument(
        "--depth",
        metavar="N,N",
        type=numbers,
        default=(0,),
        help="tokens that are in the cache before each test (default 0)",
    )
    parser.add_argument(
        "--kv",
        metavar="TYPE,TYPE",
        type=list_of(choice_of(KVS)),
        default=("f16",),
        help=f"the cache's formats: {', '.join(KVS)} (default f16)",
    )
    parser.add_argument(
        "--repeat",
        metavar="N",
        type=integer(1),
        default=3,
        help="runs of each test after a warm-up (default 3)",
    )
    parser.add_argument(
        "--kernels", action="store_true", help="also show the time of each kernel of a step"
    )
    _shapes(parser)
    _context(parser, "what the tests need")
    _adapter(parser)
    parser.add_argument(
        "--output", choices=("md", "json"), default="md", help="Markdown (default) or JSON"
    )
    _variants(parser)
    _json(parser, "the figures (as --output json)")


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
        "wgslm explain --shape llama-3.1-8b --quant q4_k_m --bandwidth 400   # roofline",
        "wgslm explain model.gguf --json",
        models="?",
    )
    parser.add_argument(
        "--tokens",
        metavar="N",
        type=integer(1),
        default=1,
        help="show the plan for a step of up to N tokens (default 1: decode)",
    )
    parser.add_argument("--full", action="store_true", help="do not fold layers that are alike")
    parser.add_argument(
        "--bandwidth",
        metavar="GB/S",
        type=positive,
        help="show the time that a token takes when memory gives this much",
    )
    _shapes(parser)
    _loading(parser)
    _variants(parser)
    _json(parser, "layers, decode, prefill, memory and more")


def _logits(commands: Commands) -> None:
    parser = _command(
        commands,
        "logits",
        "compute the logits after some ids (with an f32 cache, unless --kv says another)",
        "wgslm logits model.gguf --ids 1,5,9",
        "wgslm logits model.gguf --ids 1,5,9 --each --json",
    )
    parser.add_argument(
        "--ids", metavar="N,N,...", type=ids, required=True, help="token ids, as they are"
    )
    parser.add_argument("--each", action="store_true", help="after every id, not only the last")
    _loading(parser, kv="f32")
    _variants(parser)
    _json(parser, "logits: a list, or with --each a list of lists")


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
    _context(parser, "what the model was made for, at most 4096")
    parser.add_argument(
        "--kv",
        choices=KVS,
        default=kv,
        help=f"the cache's format (default {kv}); q8_0 and q4_0 take about half and a quarter of "
        "f16's memory, and cost precision",
    )
    _adapter(parser)


def _context(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--context",
        metavar="N",
        type=integer(2),
        help=f"tokens that prompt and answer may have together (default: {default})",
    )


def _shapes(parser: argparse.ArgumentParser) -> None:
    """Models that are made instead of read; their names are checked where they are known."""
    parser.add_argument(
        "--shape",
        metavar="NAME,NAME",
        type=list_of(str),
        default=(),
        help="instead of a file, or besides: random weights in the shape of llama-3.2-1b, "
        "qwen3-0.6b, qwen3-4b, llama-3.1-8b or smollm2-135m",
    )
    parser.add_argument(
        "--quant",
        metavar="NAME,NAME",
        type=list_of(str),
        default=(),
        help="how the weights of shapes are stored: f16, q8_0, q4_0, q4_k_m, ... (default q4_k_m)",
    )


def _adapter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--adapter", metavar="NAME", help="part of the name of the GPU to use, or 'software'"
    )


def _variants(parser: argparse.ArgumentParser) -> None:
    """Which kernels run; names are checked where they are known, on the adapter."""
    parser.add_argument(
        "--variant",
        metavar="ROLE=NAME",
        type=_variant,
        action="append",
        default=[],
        help="force the kernels of a role, as in one=vec64; an unknown NAME is refused with the "
        "list. Matrix products of one token: one, of many: many; attention, attention_one, "
        "splits of its keys; reduce; lowering",
    )
    parser.add_argument(
        "--no-autotune",
        action="store_true",
        help="keep the kernels that suit most adapters of this kind; otherwise a GPU's are "
        "measured at the first load, for a second at most, and remembered",
    )


def _variant(text: str) -> tuple[str, str]:
    role, _, name = text.partition("=")
    if role not in ROLES:
        roles = ", ".join(ROLES)
        raise argparse.ArgumentTypeError(f"{text!r}; ROLE=NAME would be right, ROLE one of {roles}")
    return role, name


def _verbatim(argv: Sequence[str]) -> Iterator[str]:
    """Join a text option with its value, so that the value may begin with '-'."""
    words = iter(argv)
    for word in words:
        value = next(words, None) if word in TEXT_OPTIONS else None
        yield word if value is None else f"{TEXT_OPTIONS[word]}={value}"
