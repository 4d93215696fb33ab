"""Reference vocabularies, each read once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tiny_vocabularies import read_metadata
from wgslm.text import Tokenizer, load_tokenizer


@pytest.fixture
def reference_tokenizer(reference_data: Path) -> Callable[[str], Tokenizer]:
    """Return a function from a path inside the reference data to its tokenizer."""
    return lambda path: _load(reference_data / path)


@cache
def _load(path: Path) -> Tokenizer:
    return load_tokenizer(read_metadata(path))
