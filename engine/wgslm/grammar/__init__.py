"""Which tokens may come next, so that an answer is what a schema, an expression or a grammar says.

Knows bytes and ids; neither the GPU nor how text becomes ids.
"""

import json
from collections.abc import Sequence
from functools import lru_cache

from wgslm.errors import RequestError
from wgslm.grammar.expression import either
from wgslm.grammar.gbnf import read_gbnf
from wgslm.grammar.grammar import Grammar
from wgslm.grammar.json_schema import any_object, read_schema
from wgslm.grammar.mask import Matcher
from wgslm.grammar.program import ROOT
from wgslm.grammar.regex import matching
from wgslm.grammar.vocabulary import Vocabulary, arranging

__all__ = [
    "Grammar",
    "Matcher",
    "Vocabulary",
    "arranging",
    "for_choices",
    "for_gbnf",
    "for_json",
    "for_regex",
    "for_schema",
]

KEPT = 16  # grammars of each kind, with their masks, for those who ask again
MOST_CHOICES = 10_000
MOST_CHARACTERS = 1_000_000  # of a schema


@lru_cache(1)
def for_json() -> Grammar:
    """Return the grammar of any JSON object."""
    return Grammar(any_object())


def for_schema(schema: object) -> Grammar:
    """Return the grammar of the documents that a JSON Schema allows."""
    text = json.dumps(schema)
    if len(text) > MOST_CHARACTERS:
        raise RequestError(
            f"the JSON schema has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read",
            "json_schema",
        )
    return _for_schema(text)


@lru_cache(KEPT)
def for_regex(pattern: str) -> Grammar:
    """Return the grammar of the texts that a regular expression matches as a whole."""
    return Grammar({ROOT: matching(pattern)})


@lru_cache(KEPT)
def for_gbnf(source: str) -> Grammar:
    """Return the grammar that GBNF, llama.cpp's notation, describes."""
    return Grammar(read_gbnf(source))


def for_choices(choices: Sequence[str]) -> Grammar:
    """Return the grammar of these texts only."""
    if not 0 < len(choices) <= MOST_CHOICES:
        raise RequestError(
            f"there are {len(choices):,} choices; 1 to {MOST_CHOICES:,} are possible", "choices"
        )
    return Grammar({ROOT: either(choices)})


@lru_cache(KEPT)
def _for_schema(text: str) -> Grammar:
    return Grammar(read_schema(json.loads(text)))
