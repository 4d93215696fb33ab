"""A model's words: the tokenizer and the chat template that a file describes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wgslm.chat.formats import FROM_FILE, choose
from wgslm.chat.template import ChatTemplate
from wgslm.errors import GgufError, RequestError
from wgslm.gguf import Directory
from wgslm.header import Header
from wgslm.pauses import Pausing, whole
from wgslm.text import Segment, Tokenizer, load_tokenizer

if TYPE_CHECKING:
    from wgslm.grammar import Vocabulary

TEMPLATE = "tokenizer.chat_template"
_SWITCHES = frozenset({"enable_thinking", "thinking", "reasoning_effort"})
_OFF = (False, None, "none")  # what every model that does not think does anyway
DEFAULT, FOR_TOOLS = "default", "tool_use"
PAUSE = 4096  # tokens between two pauses


class Named(ABC):
    """Chat templates by name."""

    @abstractmethod
    def named(self, name: str | None, *, has_tools: bool) -> ChatTemplate:
        """Return a template by its name, else the one that suits."""

    def render(
        self,
        messages: Sequence[Mapping[str, object]],
        tools: Sequence[object] | None,
        variables: Mapping[str, object],
    ) -> tuple[list[Segment], ChatTemplate]:
        """Write the prompt of OpenAI's messages; refuse what the template would leave unread.

        `chat_template` among the variables names the template.
        """
        return whole(self.rendering(messages, tools, variables))

    def rendering(
        self,
        messages: Sequence[Mapping[str, object]],
        tools: Sequence[object] | None,
        variables: Mapping[str, object],
    ) -> Pausing[tuple[list[Segment], ChatTemplate]]:
        """Do `render` with pauses."""
        named = variables.get("chat_template")
        if not isinstance(named, str | None):
            raise RequestError("chat_template must be the name of a template", "chat_template")
        template = self.named(named, has_tools=bool(tools))
        given = {name: value for name, value in variables.items() if name != "chat_template"}
        for name, value in given.items():
            if not template.names(name) and not (name in _SWITCHES and value in _OFF):
                raise RequestError(f"the model's chat template does not read {name!r}", name)
        if tools and not template.takes_tools:
            raise RequestError("the model's chat template has no place for tools", "tools")
        if _has_results(messages) and not template.takes_results:
            raise RequestError(
                "the model's chat template has no place for what tools gave, and would leave it"
                " out; messages of the role 'tool' need a model with tools",
                "messages",
            )
        given = {**template.own_variables(tools), **given}
        segments = yield from template.rendering(
            template.adapted(messages), tools=tools, variables=given
        )
        return segments, template


class OneTemplate(Named):
    """A template without a model."""

    def __init__(self, template: ChatTemplate) -> None:
        """Take the template."""
        self._template = template

    def named(self, name: str | None, *, has_tools: bool) -> ChatTemplate:
        """Return it; it has no name."""
        if name is not None:
            raise RequestError(f"there is no chat template {name!r}", "chat_template")
        return self._template


class Templates(Named):
    """A file's chat templates, each made when it is asked for; the default one at once."""

    def __init__(self, directory: Directory, tokenizer: Tokenizer) -> None:
        """Make the default template."""
        self.default = make_template(directory, tokenizer)
        self.names = tuple(template_sources(directory))
        self._made = {DEFAULT: self.default}
        self._directory, self._tokenizer = directory, tokenizer

    def named(self, name: str | None, *, has_tools: bool) -> ChatTemplate:
        """Return a template by its name, else the one for tools where there are any and it is."""
        if name is None:
            name = FOR_TOOLS if has_tools and FOR_TOOLS in self.names else DEFAULT
        if name not in self._made:
            self._made[name] = make_template(self._directory, self._tokenizer, name)
        return self._made[name]


def read_words(header: Header) -> tuple[Tokenizer, Templates]:
    """Return a model's tokenizer and chat templates; refuse those that cannot be used."""
    tokenizer = load_tokenizer(header.directory.metadata)
    _check_vocabulary(header, tokenizer)
    return tokenizer, Templates(header.directory, tokenizer)


def make_template(directory: Directory, tokenizer: Tokenizer, name: str = DEFAULT) -> ChatTemplate:
    """Return one of the file's chat templates; where it has none, one that its words suggest."""
    sources = template_sources(directory)
    if name not in sources and name != DEFAULT:
        known = ", ".join(sources) or "none"
        raise RequestError(
            f"the file has no chat template {name!r}; it has: {known}", "chat_template"
        )
    source, origin = sources.get(name, ""), FROM_FILE
    if not source.strip():
        chosen, origin = choose(tokenizer.tokens, directory.string("general.name", ""))
        source = chosen.source

    def text(id: int | None) -> str:
        return "" if id is None else tokenizer.tokens[id]

    return ChatTemplate(
        source,
        bos_token=text(tokenizer.bos_id),
        eos_token=text(tokenizer.eos_id),
        specials=tokenizer.specials,
        user_defined=tokenizer.user_defined,
        origin=origin,
    )


def template_sources(directory: Directory) -> dict[str, str]:
    """Return the file's chat templates by name: `default`, and others like `tool_use`."""
    found = {DEFAULT: directory.string(TEMPLATE, "")}
    for key in directory.metadata:
        if key.startswith(f"{TEMPLATE}."):
            found[key.removeprefix(f"{TEMPLATE}.")] = directory.string(key, "")
    return {name: source for name, source in found.items() if source.strip()}


def _has_results(messages: Sequence[Mapping[str, object]]) -> bool:
    return isinstance(messages, Sequence) and any(
        isinstance(message, Mapping) and message.get("role") == "tool" for message in messages
    )


def _check_vocabulary(header: Header, tokenizer: Tokenizer) -> None:
    rows = header.directory.tensors["token_embd.weight"].rows
    if tokenizer.vocab_size != rows:  # as llama.cpp asks; a row without a token could be drawn
        raise GgufError(
            f"the vocabulary has {tokenizer.vocab_size:,} tokens but token_embd.weight "
            f"{rows:,} rows"
        )


def making_vocabulary(tokenizer: Tokenizer) -> Pausing["Vocabulary"]:
    """Return a tokenizer's tokens as bytes, for grammars."""
    from wgslm.grammar import arranging

    pieces: list[bytes] = []
    specials: list[tuple[int, bytes]] = []
    for id in range(tokenizer.vocab_size):
        pieces.append(tokenizer.piece(id))
        if not pieces[-1] and (text := tokenizer.piece(id, specials=True)):
            specials.append((id, text))
        if not id % PAUSE:
            yield
    return (yield from arranging(pieces, tokenizer.end_ids, specials))
