"""Cuts text into the words inside which BPE merges, by the pre-tokenizer that a file names."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain

from wgslm.errors import UnsupportedError
from wgslm.text.digits import Threes
from wgslm.text.expressions import BEYOND, Expression
from wgslm.text.pretokenizers import PRE_TOKENIZERS, PreTokenizer


def by_name(pre: str | None) -> PreTokenizer:
    """Return what a file's `tokenizer.ggml.pre` names; refuse what is not known."""
    for known in PRE_TOKENIZERS:
        if pre in known.names:
            return known
    names = ", ".join(name for known in PRE_TOKENIZERS for name in known.names)
    if pre is None:
        raise UnsupportedError(
            "the file has no tokenizer.ggml.pre, so how its text is split into words is unknown "
            f"and answers would be subtly wrong; convert the model again; supported: {names}"
        )
    raise UnsupportedError(f"tokenizer.ggml.pre is {pre!r}, which is not supported; "
                           f"supported: {names}")  # fmt: skip


@cache
def splitter(pre: PreTokenizer) -> Callable[[str], Iterator[str]]:
    """Return the function that cuts text into words: all of it, in order, nothing dropped.

    It looks for the next word only when asked for it, so a long text takes no long call.
    """
    steps = [Expression(step) if isinstance(step, str) else step for step in pre.steps]

    def split(text: str) -> Iterator[str]:
        beyond = BEYOND.search(text) is not None

        def further(pieces: Iterable[str], step: Expression | Threes) -> Iterator[str]:
            return chain.from_iterable(step.split(piece, beyond=beyond) for piece in pieces)

        words: Iterable[str] = (text,)
        for step in steps:
            words = further(words, step)
        return iter(words)

    return split
