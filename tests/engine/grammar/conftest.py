"""Vocabularies for grammars, each made once."""

import random
from functools import cache
from pathlib import Path

import pytest

from tiny_vocabularies import read_metadata
from wgslm.grammar import Vocabulary, arranging
from wgslm.pauses import whole
from wgslm.text import load_tokenizer
from wgslm.words import making_vocabulary


@pytest.fixture
def qwen(reference_data: Path) -> Vocabulary:
    """Return a real vocabulary of 151,936 tokens."""
    return _qwen(reference_data / "vocabs/ggml-vocab-qwen2.gguf")


@pytest.fixture(scope="session")
def small() -> Vocabulary:
    """Return a vocabulary of all bytes and some texts that JSON has, with one end."""
    texts = ['"}', "],", '": ', '{"', "true", "null", '", "', "e\u0301", "日本", "\\u", "12", "ab"]
    chance = random.Random(5)
    texts += ["".join(chance.choices('abé1 "\\[{,:日', k=chance.randint(2, 5))) for _ in range(900)]
    pieces = [bytes([byte]) for byte in range(256)] + [text.encode() for text in texts]
    return whole(arranging([*pieces, b""], end_ids=[len(pieces)]))


@cache
def _qwen(path: Path) -> Vocabulary:
    return whole(making_vocabulary(load_tokenizer(read_metadata(path))))
