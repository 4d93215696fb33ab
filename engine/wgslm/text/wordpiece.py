"""BERT's WordPiece: each word is cut into the longest pieces from its start, or is unknown."""

import re
import unicodedata
from itertools import chain

from wgslm.errors import GgufError
from wgslm.pauses import Pausing
from wgslm.text.characters import SPACES
from wgslm.text.decompose import decomposed
from wgslm.text.metadata import PREFIX
from wgslm.text.vocabulary import Vocabulary
from wgslm.text.words import SPACE, Ids, Words, lengths_by_beginning

LONGEST = 100  # characters; a longer word is unknown
SLICE = 8192  # characters whose words are found at once
# Characters that are words of their own, as BERT lists them.
IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip
# The spaces before these that a decoder takes out again.
TIDIED = re.compile(r" ([.?!,])| (?=n't|'m|'s|'ve|'re)")


class WordPieceModel:
    """Encodes plain text with the pieces of a `tokenizer.ggml.model = bert` file.

    Pieces that start a word are written with U+2581 before them, the others without ##.
    """

    def __init__(self, vocabulary: Vocabulary, *, lowercase: bool, strip_accents: bool) -> None:
        """Sort the pieces into those that start a word and those that go on with it."""
        if vocabulary.unknown_id is None:
            raise GgufError(f"the file has no {PREFIX}unknown_token_id, which this tokenizer needs")
        self._unknown_id = vocabulary.unknown_id
        self._firsts = {t[1:]: id for t, id in vocabulary.ids.items() if t[0] == SPACE}
        self._others = {t: id for t, id in vocabulary.ids.items() if t[0] != SPACE}
        self._first_lengths = lengths_by_beginning(self._firsts)
        self._other_lengths = lengths_by_beginning(self._others)
        self._characters = _Characters(lowercase=lowercase, strip_accents=strip_accents)
        self._clean = _Clean()
        self._strip_accents = strip_accents
        self._words = Words(self._encode_word, self._encode_long)

    def encode(self, text: str, *, prefix: bool) -> Pausing[list[int]]:
        """Return the ids of text that contains no special token; a `prefix` is never added."""
        text = yield from self._translated(text, self._clean)
        if self._strip_accents:
            text = yield from decomposed(text)
        text = yield from self._translated(text, self._characters)
        found = yield from self._words.encode(filter(None, text.split(" ")))
        return list(chain.from_iterable(found))

    def piece(self, text: str) -> bytes:
        """Return what an ordinary token writes."""
        return text.replace(SPACE, " ").encode()

    def tidied(self, text: str) -> str:
        """Return decoded text without the spaces that only encoding put there."""
        return TIDIED.sub(lambda match: match.group(1) or "", text.removeprefix(" "))

    def _translated(self, text: str, table: "_Clean | _Characters") -> Pausing[str]:
        parts: list[str] = []
        for start in range(0, len(text), SLICE):
            parts.append(text[start : start + SLICE].translate(table))
            yield
        return "".join(parts)

    def _encode_long(self, word: str) -> Pausing[Ids]:
        yield
        return self._encode_word(word) if len(word) <= LONGEST else (self._unknown_id,)

    def _encode_word(self, word: str) -> Ids:
        ids: list[int] = []
        start, pieces, lengths = 0, self._firsts, self._first_lengths
        while start < len(word):
            for length in reversed((1, *lengths.get(word[start : start + 2], ()))):
                id = pieces.get(word[start : start + length])
                if id is not None and start + length <= len(word):
                    break
            else:
                return (self._unknown_id,)
            ids.append(id)
            start, pieces, lengths = start + length, self._others, self._other_lengths
        return tuple(ids)


class _Clean(dict[int, str | None]):
    """For `str.translate`: control characters go, white space becomes a space."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        kept: str | None = character
        if character in "\t\n\r":
            kept = " "
        elif code == 0xFFFD or unicodedata.category(character)[0] == "C":
            kept = None
        elif _within(code, SPACES):
            kept = " "
        elif _within(code, IDEOGRAPHS):
            kept = f" {character} "
        self[code] = kept
        return kept


class _Characters(dict[int, str | None]):
    """For `str.translate`: accents go, capitals become small, punctuation stands alone."""

    def __init__(self, *, lowercase: bool, strip_accents: bool) -> None:
        super().__init__()
        self._lowercase = lowercase
        self._strip_accents = strip_accents

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        kept: str | None = character.lower() if self._lowercase else character
        if category == "Mn" and self._strip_accents:
            kept = None
        elif category[0] == "P" or (0x20 < code < 0x7F and not character.isalnum()):
            kept = f" {character} "
        self[code] = kept
        return kept


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)
