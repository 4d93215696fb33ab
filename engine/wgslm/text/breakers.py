"""DRY's sequence breakers as ids: at which tokens a repeated sequence ends."""

from collections.abc import Iterable

from wgslm.text.tokenizer import Tokenizer

LONGEST_TAIL = 20  # ids of a breaker's rest, as in llama.cpp


BreakerIds = dict[int, list[tuple[int, ...]]]


class KeptBreakers:
    """The breakers of one tokenizer; those of the last answer are kept."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Look at nothing yet."""
        self._tokenizer = tokenizer
        self._last: tuple[tuple[str, ...], BreakerIds] = ((), {})

    def ids(self, texts: tuple[str, ...]) -> BreakerIds:
        """Return what `breaker_ids` does."""
        if texts != self._last[0]:
            self._last = texts, breaker_ids(self._tokenizer, texts)
        return self._last[1]


def breaker_ids(tokenizer: Tokenizer, texts: Iterable[str]) -> BreakerIds:
    """Return by the id that a breaker begins in what ids make the breaker whole.

    Nothing where the token holds all of it. A token that ends inside of a breaker needs the ids of
    the rest; where the rest begins inside of a character, those that the whole breaker is split
    into.
    """
    breakers = [text.encode("utf-8", "replace") for text in texts]
    found: dict[int, list[tuple[int, ...]]] = {}
    for id in range(tokenizer.vocab_size):
        piece = tokenizer.piece(id, specials=True)
        for breaker in breakers:
            if breaker in piece:
                found.setdefault(id, []).append(())
            elif breaker[:1] in piece:
                for length in _overlaps(piece, breaker):
                    tail = _tail(tokenizer, id, breaker, length)
                    if tail and tail not in found.setdefault(id, []):
                        found[id].append(tail)
    return {id: tails for id, tails in found.items() if tails}


def _overlaps(piece: bytes, breaker: bytes) -> list[int]:
    """Return how many bytes of the breaker's beginning the piece may end with."""
    most = min(len(piece), len(breaker) - 1)
    return [length for length in range(1, most + 1) if piece.endswith(breaker[:length])]


def _tail(tokenizer: Tokenizer, id: int, breaker: bytes, length: int) -> tuple[int, ...]:
    try:
        return tuple(tokenizer.encode(breaker[length:].decode(), bos=False)[:LONGEST_TAIL])
    except UnicodeDecodeError:
        first, *rest = tokenizer.encode(breaker.decode(), bos=False)
        return tuple(rest[:LONGEST_TAIL]) if first == id else ()
