"""`wgslm template`: a conversation as a chat template writes it, special tokens marked."""

import asyncio
import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence

from wgslm.chat.specials import Specials
from wgslm.chat.template import CONTROL, ChatTemplate
from wgslm.cli.knobs import UsageError
from wgslm.cli.loading import opened
from wgslm.cli.terminal import note, printable, read_file, write_json
from wgslm.errors import RequestError
from wgslm.pauses import whole
from wgslm.text import Segment, Tokenizer, load_tokenizer
from wgslm.words import OneTemplate, Templates

_KINDS = {
    dict: "an object", str: "a string", int: "a number", float: "a number", bool: "a truth value",
    type(None): "null",
}  # fmt: skip


def template(args: Namespace) -> None:
    """Print the prompt, or as JSON also its segments and ids."""
    if (args.model is None) == (args.template_file is None):
        raise UsageError("give either MODEL or --template-file")
    if args.model is not None and (args.bos_token is not None or args.eos_token is not None):
        raise UsageError("--bos-token and --eos-token are for --template-file: a model has its own")
    if args.template_file is not None and args.name is not None:
        raise UsageError("--name is for MODEL: a --template-file is one template")
    messages, tools = _list(args.messages, "messages"), None
    if args.tools is not None:
        tools = _list(args.tools, "tools")
    variables = dict(map(_variable, args.set))
    if args.name is not None:
        variables["chat_template"] = args.name
    tokenizer, templates = _words(args)
    segments, used = templates.render(messages, tools, variables)  # type: ignore[arg-type]
    spans = _spans(segments, used.specials)
    if args.json:
        write_json(_facts(segments, spans, used, tokenizer))
        return
    note(f"note: the template is {used.origin}; special tokens stand in \u27e8 \u27e9")
    print(printable(_marked("".join(segment.text for segment in segments), spans)))


def _words(args: Namespace) -> tuple[Tokenizer | None, Templates | OneTemplate]:
    if args.model is not None:
        return asyncio.run(_of_model(args.model))
    source = read_file(args.template_file)
    bos, eos = args.bos_token or "", args.eos_token or ""
    specials = {*CONTROL.findall(source), bos, eos} - {""}
    return None, OneTemplate(
        ChatTemplate(source, bos_token=bos, eos_token=eos, specials=sorted(specials))
    )


async def _of_model(location: str) -> tuple[Tokenizer, Templates]:
    async with opened(location) as (_, directory):
        tokenizer = load_tokenizer(directory.metadata)
        return tokenizer, Templates(directory, tokenizer)


def _spans(segments: Sequence[Segment], controls: Sequence[str]) -> list[tuple[int, int]]:
    """Find the special tokens that the template writes: the first of those that overlap."""
    found: list[tuple[int, int]] = []
    begun = 0
    specials = Specials(controls)
    for segment in segments:
        spans = whole(specials.occurrences(segment.text)) if segment.template else []
        for start, stop in sorted(spans, key=lambda span: (span[0], -span[1])):
            if not found or begun + start >= found[-1][1]:
                found.append((begun + start, begun + stop))
        begun += len(segment.text)
    return found


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, stop in spans:
        pieces += [text[done:start], "\u27e8", text[start:stop], "\u27e9"]
        done = stop
    return "".join([*pieces, text[done:]])


def _facts(
    segments: Sequence[Segment],
    spans: Sequence[tuple[int, int]],
    template: ChatTemplate,
    tokenizer: Tokenizer | None,
) -> Mapping[str, object]:
    text = "".join(segment.text for segment in segments)
    facts: dict[str, object] = {
        "prompt": text,
        "segments": [{"text": s.text, "template": s.template} for s in segments],
        "specials": [
            {"start": start, "stop": stop, "text": text[start:stop]} for start, stop in spans
        ],
    }
    if tokenizer is not None:
        facts["ids"] = tokenizer.encode_segments(segments)
    return {**facts, "origin": template.origin, "format": list(template.format.reasons)}


def _list(name: str, what: str) -> list[object]:
    text = sys.stdin.read() if name == "-" else read_file(name)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{name} is no JSON: {error}", what) from error
    if isinstance(value, dict) and isinstance(value.get(what), list):
        value = value[what]  # a whole request
    if not isinstance(value, list):
        raise RequestError(
            f"{name} holds {_KINDS[type(value)]}; it must be a list, or a request with {what!r}",
            what,
        )
    return value


def _variable(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(f"--set {text!r}; NAME=JSON would be right")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value  # a word is a string
