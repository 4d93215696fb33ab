"""The options of the commands that read a model's words only."""

from wgslm.cli.parsers import Commands, command, json_option, prompt


def tokenize(commands: Commands) -> None:
    """Add `tokenize`."""
    parser = command(
        commands,
        "tokenize",
        "turn text into ids; needs no GPU and reads no weights",
        'wgslm tokenize model.gguf -p "Hello world"',
        'wgslm tokenize model.gguf -p "Hello world" --no-bos --json',
        'wgslm tokenize model.gguf -p "<|im_start|>user" --specials',
    )
    prompt(parser, "the text; - reads it from stdin")
    parser.add_argument("--no-bos", action="store_true", help="add neither BOS nor EOS")
    parser.add_argument(
        "--specials", action="store_true", help="let TEXT make control tokens, as a template may"
    )
    json_option(parser, "ids and pieces")


def template(commands: Commands) -> None:
    """Add `template`."""
    parser = command(
        commands,
        "template",
        "write a conversation's prompt as the chat template does; reads no weights",
        "wgslm template model.gguf --messages chat.json",
        "wgslm template model.gguf --messages chat.json --tools tools.json --json",
        "wgslm template --template-file chat.jinja --bos-token '<s>' --messages chat.json",
        models="?",
    )
    parser.add_argument("--template-file", metavar="FILE", help="a Jinja template, without a model")
    parser.add_argument("--bos-token", metavar="TEXT", help="with --template-file: its BOS token")
    parser.add_argument("--eos-token", metavar="TEXT", help="with --template-file: its EOS token")
    parser.add_argument(
        "--messages", metavar="FILE", required=True, help="JSON: a list of messages; - is stdin"
    )
    parser.add_argument("--tools", metavar="FILE", help="JSON: a list of tools, as in OpenAI's API")
    parser.add_argument(
        "--name", metavar="NAME", help="which of the file's templates, where it has several"
    )
    parser.add_argument(
        "--set",
        metavar="NAME=JSON",
        action="append",
        default=[],
        help="a variable that the template reads, as enable_thinking=false; repeatable",
    )
    json_option(parser, "prompt, segments, specials, ids (with a model), origin and format")


def check(commands: Commands) -> None:
    """Add `check`."""
    parser = command(
        commands,
        "check",
        "look for what makes a good model stupid: tokenizer, template, tokens; reads no weights",
        "wgslm check model.gguf",
        "wgslm check model.gguf --json",
    )
    json_option(parser, "template, format, tokens, ignored and warnings")
