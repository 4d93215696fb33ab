"""Plain jinja2 with Hugging Face's functions and no bounds: what our renderings must equal."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache

from jinja2 import Template, nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import SandboxedEnvironment

NOW = datetime(2025, 7, 26, 12, 34, 56)


class Generation(Extension):
    """`{% generation %}` as a call block, which is how transformers does it."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        """Read the block."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_text"), [], [], body).set_lineno(line)

    def _text(self, caller: object) -> object:
        assert callable(caller)
        return caller()


def plain_jinja(source: str, messages: Sequence[object], **variables: object) -> str:
    """Render as `transformers.apply_chat_template` does."""
    names: dict[str, object] = {
        "tools": None,
        "documents": None,
        "add_generation_prompt": True,
        "bos_token": "",
        "eos_token": "",
        **variables,
    }
    return _compiled(source).render(messages=messages, **names)


@cache
def _compiled(source: str) -> Template:
    environment = SandboxedEnvironment(  # Kimi's templates append to lists, as llama.cpp lets them
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = NOW.strftime
    return environment.from_string(source)


def _raise_exception(message: str) -> None:
    raise TemplateError(message)


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    if isinstance(value, Iterator):  # as llama.cpp does; jinja2 refuses
        value = list(value)
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
