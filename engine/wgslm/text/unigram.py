"""SentencePiece's unigram model: of all ways to cut a text into pieces, the likeliest."""

from collections.abc import Sequence

from wgslm.errors import GgufError
from wgslm.pauses import Pausing, whole
from wgslm.text.charsmap import Charsmap
from wgslm.text.metadata import PREFIX
from wgslm.text.vocabulary import Kind, Vocabulary
from wgslm.text.words import SPACE, Ids, Words, lengths_by_beginning, word_splitter

UNKNOWN_PENALTY = 10.0  # an unknown character scores this much less than the rarest piece
PAUSE = 1024  # characters or pieces between two pauses


class UnigramModel:
    """Encodes plain text with the pieces of a `tokenizer.ggml.model = t5` file."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        scores: Sequence[float],
        charsmap: Charsmap | None,
        *,
        merge_spaces: bool,
    ) -> None:
        """Score the pieces; `merge_spaces` makes one of many, and drops those at the end."""
        normal = {t: id for t, id in vocabulary.ids.items() if vocabulary.kinds[id] == Kind.NORMAL}
        if not normal or vocabulary.unknown_id is None:
            raise GgufError(
                f"{PREFIX}model is 't5', but the file has "
                + (f"no {PREFIX}unknown_token_id" if normal else "no ordinary token")
            )
        self._unknown_id = vocabulary.unknown_id
        self._pieces = {text: (id, scores[id]) for text, id in normal.items()}
        self._unknown_score = min(scores[id] for id in normal.values()) - UNKNOWN_PENALTY
        self._lengths = lengths_by_beginning(normal)
        byte_ids = vocabulary.byte_ids()
        self._byte_ids = None if None in byte_ids else byte_ids
        self._charsmap = charsmap
        self._merge_spaces = merge_spaces
        self._split = word_splitter(normal)
        self._words = Words(lambda word: whole(self._encode_word(word)), self._encode_word)

    def encode(self, text: str, *, prefix: bool) -> Pausing[list[int]]:
        """Return the ids of text that contains no special token; `prefix` puts a space before."""
        if self._charsmap is not None:
            text = yield from self._charsmap.normalize(text)
        text = (" " if prefix else "") + text
        if self._merge_spaces:
            words = list(filter(None, text.split(" ")))
            text = (" " if words and text[0] == " " else "") + " ".join(words)
        ids: list[int] = []
        for found in (yield from self._words.encode(self._split(text.replace(" ", SPACE)))):
            # Neighbours that are unknown are one unknown, across words too.
            joined = ids[-1:] == [self._unknown_id] == list(found[:1])
            ids += found[joined:]
        return ids

    def piece(self, text: str) -> bytes:
        """Return what an ordinary token writes."""
        return text.replace(SPACE, " ").encode()

    def _encode_word(self, word: str) -> Pausing[Ids]:
        ids: list[int] = []
        best = yield from self._best(word)
        for count, (start, stop, id) in enumerate(reversed(best), 1):
            if not count % PAUSE:
                yield
            if id != self._unknown_id:
                ids.append(id)
            elif self._byte_ids is not None:
                ids += (self._byte_ids[byte] for byte in word[start:stop].encode())  # type: ignore[misc]  # none is None
            elif ids[-1:] != [id]:
                ids.append(id)
        return tuple(ids)

    def _best(self, word: str) -> Pausing[list[tuple[int, int, int]]]:
        """Return (start, stop, id) of the likeliest pieces, the last first.

        Of equally likely ones the first that is found counts.
        """
        size, pieces, lengths = len(word), self._pieces, self._lengths
        unknown = self._unknown_id, self._unknown_score
        scores = [0.0] + [float("-inf")] * size
        starts, ids = [0] * (size + 1), [self._unknown_id] * (size + 1)
        for start in range(size):
            if not start % PAUSE:
                yield
            before = scores[start]
            id, score = pieces.get(word[start], unknown)
            if before + score > scores[start + 1]:
                scores[start + 1], starts[start + 1], ids[start + 1] = before + score, start, id
            for length in lengths.get(word[start : start + 2], ()):
                stop = start + length
                if stop > size:
                    break
                piece = pieces.get(word[start:stop])
                if piece is None:
                    continue
                score = before + piece[1]
                if score > scores[stop]:
                    scores[stop], starts[stop], ids[stop] = score, start, piece[0]
        path, stop = [], size
        while stop > 0:
            path.append((starts[stop], stop, ids[stop]))
            stop = starts[stop]
            if not len(path) % PAUSE:
                yield
        return path
