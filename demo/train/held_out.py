"""The held-out questions: asked by `evaluate`, kept out of the training data by `prepare`."""

import re
from pathlib import Path

HELD_OUT = Path(__file__).with_name("heldout.txt")
SHARED = 5  # words in a row that no training question may share with a held-out one


def read_held_out(path: Path = HELD_OUT) -> list[tuple[str, str]]:
    """Return (fact's name, question) of lines `name<TAB>question`; # begins a comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("\t") for line in lines if line.strip() and not line.startswith("#")]
    return [(name, question) for name, _, question in pairs]


def grams(text: str, size: int = SHARED) -> set[tuple[str, ...]]:
    """Return every run of `size` words in a row."""
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def kept_back() -> set[tuple[str, ...]]:
    """Return the runs of words that no training question may have."""
    return {gram for _, question in read_held_out() for gram in grams(question)}
