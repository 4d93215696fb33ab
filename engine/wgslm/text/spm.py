"""SentencePiece's BPE: pieces are merged by score, and characters without a piece become bytes."""

from array import array
from collections.abc import Sequence
from itertools import chain

from wgslm.pauses import Pausing
from wgslm.text.merge import merge_word
from wgslm.text.stitch import Stitcher, in_pieces
from wgslm.text.vocabulary import Vocabulary
from wgslm.text.words import SPACE, Ids, Words, in_slices, word_splitter


class SpmModel:
    """Encodes plain text with the pieces of a `tokenizer.ggml.model = llama` file."""

    def __init__(self, vocabulary: Vocabulary, scores: Sequence[float]) -> None:
        """Rank the pieces by score; bytes are found by their text, `<0x0A>`, or are unknown."""
        unknown_id = vocabulary.unknown_id
        assert unknown_id is not None, "SentencePiece's default is id 0, which always exists"
        self._byte_ids = [unknown_id if id is None else id for id in vocabulary.byte_ids()]
        self._ids = vocabulary.ids
        ranks = _ranks(scores)
        self._ranks = {text: ranks[id] for text, id in self._ids.items()}
        self._stitcher = Stitcher(self._ranks, "")
        self._split = word_splitter(self._ids)
        self._words = Words(self._short, self._long)

    def encode(self, text: str, *, prefix: bool) -> Pausing[list[int]]:
        """Return the ids of text that contains no special token; `prefix` puts a space before."""
        text = (" " if prefix else "") + text
        found = yield from self._words.encode(self._split(text.replace(" ", SPACE)))
        return list(chain.from_iterable(found))

    def piece(self, text: str) -> bytes:
        """Return what an ordinary token writes."""
        return text.replace(SPACE, " ").encode()

    def _short(self, word: str) -> Ids:
        return self._ids_of(merge_word(list(word), self._ranks, ""))

    def _long(self, word: str) -> Pausing[Ids]:
        symbols = yield from self._stitcher.merge(in_pieces(word))
        return (yield from in_slices(self._ids_of, symbols))

    def _ids_of(self, symbols: Sequence[str]) -> Ids:
        ids: list[int] = []
        for symbol in symbols:
            id = self._ids.get(symbol)
            if id is not None:
                ids.append(id)
            else:
                ids += map(self._byte_ids.__getitem__, symbol.encode())
        return tuple(ids)


def _ranks(scores: Sequence[float]) -> "array[int]":
    """Return the place of each id among the scores, the best first; equal scores share one."""
    # A dict from scores to places would take 9 MB more while it is made, of 128,000 tokens.
    ranks = array("i", bytes(4 * len(scores)))
    rank, before = -1, None
    for id in sorted(range(len(scores)), key=scores.__getitem__, reverse=True):
        if scores[id] != before:
            rank, before = rank + 1, scores[id]
        ranks[id] = rank
    return ranks
