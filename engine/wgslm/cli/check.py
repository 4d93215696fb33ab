"""`wgslm check`: whether a file's template and tokens are as a model needs them."""

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Mapping

from wgslm.chat.formats import FROM_FILE
from wgslm.chat.specials import Specials
from wgslm.chat.template import ChatTemplate
from wgslm.cli.loading import opened
from wgslm.cli.terminal import table, write_json
from wgslm.errors import WgslmError
from wgslm.gguf import Directory
from wgslm.header import recommended
from wgslm.models import read_model
from wgslm.pauses import whole
from wgslm.text import Tokenizer, load_tokenizer
from wgslm.text.check import check_tokenizer
from wgslm.words import Templates

_LOOKS = ("<|", "<\uff5c", "[INST]", "[/INST]", "<start_of_turn>", "<end_of_turn>", "</s>")


def check(args: Namespace) -> None:
    """Print what was found, the warnings last."""
    asyncio.run(_check(args))


async def _check(args: Namespace) -> None:
    async with opened(args.model) as (_, directory):
        tokenizer = load_tokenizer(directory.metadata)
        templates = Templates(directory, tokenizer)
        found = [f"{one.key}: {one.text}" for one in check_tokenizer(directory.metadata)]
    template = templates.default
    ignored, refusal = _unread(directory)
    warnings = [*refusal, *found, *_warnings(tokenizer, template), *_broken(templates)]
    ends = {id: tokenizer.tokens[id] for id in sorted(tokenizer.end_ids)}
    tokens = {
        "bos": _named(tokenizer, tokenizer.bos_id),
        "eos": _named(tokenizer, tokenizer.eos_id),
        "add_bos": tokenizer.add_bos,
        "ends": {str(id): text for id, text in ends.items()},
        "specials": len(tokenizer.specials),
    }
    facts = {
        "template": {
            "origin": template.origin,
            "names": list(templates.names),
            "takes_system": template.takes_system,
            "takes_tools": _takes_tools(template),
        },
        "format": list(template.format.reasons),
        "tokens": tokens,
        "ignored": list(ignored),
        "warnings": warnings,
    }
    if args.json:
        write_json(facts)
    else:
        _print(directory, templates, tokens, ignored, warnings)


def _unread(directory: Directory) -> tuple[tuple[str, ...], list[str]]:
    """Return the keys that nothing here reads, or why this version cannot run the file at all."""
    try:
        read_model(directory, None)
        recommended(directory)
    except WgslmError as error:
        return (), [f"this version cannot run the model: {error}"]
    return tuple(directory.unread()), []


def _print(
    directory: Directory,
    templates: Templates,
    tokens: Mapping[str, object],
    ignored: tuple[str, ...],
    warnings: list[str],
) -> None:
    template = templates.default
    system = "yes" if template.takes_system else "no: it joins the user's first message"
    rows: list[tuple[object, ...]] = [
        ("model", directory.metadata.get("general.name", "unnamed")),
        ("template", template.origin),
        ("templates", ", ".join(templates.names) or "none"),
        ("takes system", system),
        ("takes tools", "yes" if _takes_tools(template) else "no"),
        *(("format", reason) for reason in template.format.reasons),
        *((name, value) for name, value in tokens.items()),
        ("ignored", ", ".join(ignored) or "nothing"),
        *(("warning", warning) for warning in warnings),
    ]
    print(table(rows))
    if not warnings:
        print("nothing suspicious")


def _takes_tools(template: ChatTemplate) -> bool:
    return template.origin == FROM_FILE and template.takes_tools  # no built-in format has them


def _named(tokenizer: Tokenizer, id: int | None) -> str | None:
    return None if id is None else f"{id} {tokenizer.tokens[id]!r}"


def _broken(templates: Templates) -> Iterator[str]:
    """Find templates that cannot be compiled."""
    for name in templates.names:
        try:
            templates.named(name, has_tools=False)
        except WgslmError as error:
            yield f"the template {name!r} cannot be used: {error}"


def _warnings(tokenizer: Tokenizer, template: ChatTemplate) -> Iterator[str]:
    if not tokenizer.end_ids:
        yield "no token ends an answer: it goes on up to its limit"
    if tokenizer.add_bos and tokenizer.bos_id is None:
        yield "BOS is to be added and the file names none"
    if tokenizer.eos_id is not None and tokenizer.eos_id not in tokenizer.end_ids:
        yield f"EOS, {_named(tokenizer, tokenizer.eos_id)}, does not end an answer"
    controls = frozenset(tokenizer.specials)
    for id, text in enumerate(tokenizer.tokens):
        if text not in controls and text.startswith(_LOOKS) and text.endswith((">", "]")):
            if text in template.source:
                yield f"token {id} {text!r} is written by the template and is no control token"
    for text in template.control_texts():
        if text not in controls and text not in tokenizer.tokens:
            yield f"the template writes {text!r}, which is no token of the vocabulary"
    ends = [tokenizer.tokens[id] for id in tokenizer.end_ids]
    if ends and not whole(Specials(ends).occurrences(_answered(template))):
        yield ("the template closes an answer with no token that ends one; the model may not stop")


def _answered(template: ChatTemplate) -> str:
    """Render a conversation with a past answer."""
    messages = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": "!"},
        {"role": "user", "content": "?"},
    ]
    try:
        return "".join(segment.text for segment in template.render(messages))
    except WgslmError:
        return "".join(template.specials)  # it wants another conversation: nothing can be said
