"""SentencePiece's BPE: pieces are merged by score, and characters without a piece become bytes."""

from collections.abc import Sequence
from functools import lru_cache

from wgslm.text.merge import merge_pairs
from wgslm.text.vocabulary import Kind, Vocabulary
from wgslm.text.words import CACHED_CHARACTERS, CACHED_WORDS, SPACE, word_splitter


class SpmModel:
    """Encodes plain text with the pieces of a `tokenizer.ggml.model = llama` file."""

    def __init__(self, vocabulary: Vocabulary, scores: Sequence[float]) -> None:
        """Rank the pieces by score; bytes are found by their text, `<0x0A>`, or are unknown."""
        unknown_id = vocabulary.unknown_id
        assert unknown_id is not None, "SentencePiece's default is id 0, which always exists"
        self._byte_ids = [unknown_id if id is None else id for id in vocabulary.byte_ids()]
        kinds = vocabulary.kinds
        # Text that looks like a byte piece is not one.
        self._ids = {t: id for t, id in vocabulary.ids.items() if kinds[id] != Kind.BYTE}
        order = {score: rank for rank, score in enumerate(sorted(set(scores), reverse=True))}
        self._ranks = {text: order[scores[id]] for text, id in self._ids.items()}
        self._words = word_splitter(self._ids)
        self._cached = lru_cache(CACHED_WORDS)(self._encode_word)

    def encode(self, text: str, *, prefix: bool) -> list[int]:
        """Return the ids of text that contains no special token; `prefix` puts a space before."""
        ids: list[int] = []
        text = (" " if prefix else "") + text
        for word in self._words(text.replace(" ", SPACE)):
            ids += self._cached(word) if len(word) <= CACHED_CHARACTERS else self._encode_word(word)
        return ids

    def piece(self, text: str) -> bytes:
        """Return what an ordinary token writes."""
        return text.replace(SPACE, " ").encode()

    def _encode_word(self, word: str) -> tuple[int, ...]:
        ids: list[int] = []
        for symbol in merge_pairs(list(word), self._ranks, ""):
            id = self._ids.get(symbol)
            if id is not None:
                ids.append(id)
            else:
                ids += map(self._byte_ids.__getitem__, symbol.encode())
        return tuple(ids)
