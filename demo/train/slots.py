"""Texts with gaps: `[animal]` is filled in, the same in a question and in its answer.

A gap with a capital, `[They]`, begins a sentence. `a` becomes `an` before a vowel.
"""

import random
import re
from collections.abc import Callable

from demo.train.guide import expand

_GAP = re.compile(r"\[([^\[\]]+)\]")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU](?!ni|se|ne\b))")


def fill(text: str, word: Callable[[str], str], chance: random.Random) -> str:
    """Pick the alternatives of a text and fill its gaps: `word` knows what goes into each."""

    def filled(found: re.Match[str]) -> str:
        gap = found[1]
        filling = word(gap[0].lower() + gap[1:])
        return filling[0].upper() + filling[1:] if gap[0].isupper() else filling

    return articles(_GAP.sub(filled, expand(text, chance)))


def articles(text: str) -> str:
    """Write `an` for `a` before a vowel that is spoken as one."""
    return _ARTICLE.sub(r"\1n ", text)


def typed(text: str, chance: random.Random) -> str:
    """Write a request the way people type it, without slips: its words are to be copied."""
    if chance.random() < 0.35:
        text = text.lower()
    elif chance.random() < 0.85:
        text = text[:1].upper() + text[1:]
    if chance.random() < 0.4:
        text = text.rstrip(".?!")
    return text.strip()
