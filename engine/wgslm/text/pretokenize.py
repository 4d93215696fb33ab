r"""Splits text into the words inside which byte-level BPE merges.

The expressions are the published ones of each model, in the standard `re` module: its `\w` is
exactly `[\p{L}\p{N}_]` (a test compares all code points) and its `\d` is `\p{Nd}`, so that
`\p{L}` and `\p{N}` need only the numbers that are no decimal digits listed.
"""

import re
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from wgslm.errors import UnsupportedError

# Unicode's White_Space; Python's own \s has four control characters more.
SPACES = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


@dataclass(frozen=True)
class PreTokenizer:
    """What `tokenizer.ggml.pre` stands for."""

    name: str
    ignore_merges: bool = False  # a word that is a token becomes it without merging
    add_bos: bool = False  # where the file does not say
    aliases: tuple[str, ...] = ()  # names that mean exactly the same to llama.cpp


PRE_TOKENIZERS = (
    PreTokenizer(
        "gpt-2",
        aliases=("phi-2", "gigachat", "a.x-4.0", "mellum", "exaone4", "jina-es", "jina-de"),
    ),
    PreTokenizer(
        "llama-bpe",
        ignore_merges=True,
        add_bos=True,
        aliases=(
            "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
            "jina-v5-nano",
        ),
    ),
    PreTokenizer("qwen2", aliases=("deepseek-r1-qwen", "kormo", "f2llmv2", "megrez")),
)  # fmt: skip


def by_name(pre: str | None) -> PreTokenizer:
    """Return what a file's `tokenizer.ggml.pre` names; refuse what is not known."""
    for known in PRE_TOKENIZERS:
        if pre == known.name or pre in known.aliases:
            return known
    names = ", ".join(name for known in PRE_TOKENIZERS for name in (known.name, *known.aliases))
    if pre is None:
        raise UnsupportedError(
            "the file has no tokenizer.ggml.pre, so how its text is split into words is unknown "
            f"and answers would be subtly wrong; convert the model again; supported: {names}"
        )
    raise UnsupportedError(f"tokenizer.ggml.pre is {pre!r}, which is not supported yet; "
                           f"supported: {names}")  # fmt: skip


@cache
def splitter(name: str) -> Callable[[str], list[str]]:
    """Return the function that cuts text into words: all of it, in order, nothing dropped."""
    return re.compile(_expression(name)).findall


def _expression(name: str) -> str:
    numbers = _other_numbers()
    letter = rf"[^\W\d_{numbers}]"
    number = rf"[\d{numbers}]"
    space = f"[{SPACES}]"
    # [^\s\p{L}\p{N}]+ in runs: a negated class cannot leave the underscore out of \w. Possessive,
    # because giving a character back never helps; so a long run keeps no state per character.
    others = rf"(?:[^\w{SPACES}]++|_++)++"
    trailing_spaces = rf"{space}+(?![^{SPACES}])|{space}+"
    if name == "gpt-2":
        return rf"'(?:[stmd]|re|ve|ll)| ?{letter}+| ?{number}+| ?{others}|{trailing_spaces}"
    digits = {"llama-bpe": f"{number}{{1,3}}", "qwen2": number}[name]
    return (
        rf"'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|(?:[^\w\r\n]|_)?{letter}+|{digits}"
        rf"| ?{others}[\r\n]*|{space}*[\r\n]+|{trailing_spaces}"
    )


@cache
def _other_numbers() -> str:
    """Return the characters of the categories Nl and No, as the inside of a class."""
    # All are in the first two planes; scanning more would only cost time at load.
    order = "le" if sys.byteorder == "little" else "be"
    text = array("I", range(0x20000)).tobytes().decode(f"utf-32-{order}", "surrogatepass")
    found: list[str] = []
    for run in re.findall(r"[^\W\d_]+", text):
        if not run.isalpha():
            found += [character for character in run if not character.isalpha()]
    return "".join(found)
