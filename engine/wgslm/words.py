"""A model's words: the tokenizer and the chat template that a file describes."""

from wgslm.chat.template import ChatTemplate
from wgslm.errors import GgufError
from wgslm.gguf import Directory
from wgslm.header import Header
from wgslm.text import Tokenizer, load_tokenizer


def read_words(header: Header) -> tuple[Tokenizer, ChatTemplate]:
    """Return a model's tokenizer and chat template; refuse those that cannot be used."""
    tokenizer = load_tokenizer(header.directory.metadata)
    _check_vocabulary(header, tokenizer)
    return tokenizer, make_template(header.directory, tokenizer)


def make_template(directory: Directory, tokenizer: Tokenizer) -> ChatTemplate:
    """Return the file's chat template, or the built-in one."""

    def text(id: int | None) -> str:
        return "" if id is None else tokenizer.tokens[id]

    return ChatTemplate(
        directory.string("tokenizer.chat_template", ""),
        bos_token=text(tokenizer.bos_id),
        eos_token=text(tokenizer.eos_id),
        specials=tokenizer.specials,
    )


def _check_vocabulary(header: Header, tokenizer: Tokenizer) -> None:
    rows = header.directory.tensors["token_embd.weight"].rows
    if tokenizer.vocab_size != rows:  # as llama.cpp asks; a row without a token could be drawn
        raise GgufError(
            f"the vocabulary has {tokenizer.vocab_size:,} tokens but token_embd.weight "
            f"{rows:,} rows"
        )
