"""Byte-level BPE: the bytes of each word, written as printable characters, are merged by rank."""

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import repeat
from operator import contains

from wgslm.errors import GgufError, RequestError
from wgslm.text.merge import merge_pairs
from wgslm.text.metadata import PREFIX
from wgslm.text.pretokenize import PreTokenizer, splitter
from wgslm.text.vocabulary import Vocabulary

CACHED_CHARACTERS = 64  # longer words do not come twice
CACHED_WORDS = 16384


class BpeModel:
    """Encodes plain text with the merges of a `tokenizer.ggml.model = gpt2` file."""

    def __init__(self, vocabulary: Vocabulary, merges: Sequence[str], pre: PreTokenizer) -> None:
        """Rank the merges, "left right" each; of two equal ones the first counts."""
        if not all(map(contains, merges, repeat(" "))):  # at C speed, for 300,000 of them
            bad = next(merge for merge in merges if " " not in merge)
            raise GgufError(
                f"{PREFIX}merges contains {bad[:60]!r}; a merge is two tokens with a space between"
            )
        self._ids = vocabulary.ids
        self._unknown_id = vocabulary.unknown_id
        # The line itself is the key: no 300,000 pairs to build.
        self._ranks = dict(zip(reversed(merges), range(len(merges) - 1, -1, -1), strict=True))
        self._ignore_merges = pre.ignore_merges
        self._split = splitter(pre.name)
        self._cached = lru_cache(CACHED_WORDS)(self._encode_word)

    def encode(self, text: str) -> list[int]:
        """Return the ids of text that contains no special token."""
        ids: list[int] = []
        for word in self._split(text):
            ids += self._cached(word) if len(word) <= CACHED_CHARACTERS else self._encode_word(word)
        return ids

    def piece(self, text: str) -> bytes:
        """Return what an ordinary token writes; a character that is no byte writes itself."""
        codes = _byte_codes()
        if all(character in codes for character in text):
            return bytes(map(codes.__getitem__, text))
        return b"".join(bytes((codes[c],)) if c in codes else c.encode() for c in text)

    def _encode_word(self, word: str) -> tuple[int, ...]:
        text = word.encode().decode("latin-1").translate(_byte_characters())
        if self._ignore_merges:
            whole = self._ids.get(text)
            if whole is not None:
                return (whole,)
        ids: list[int] = []
        for symbol in merge_pairs(list(text), self._ranks, " "):
            id = self._ids.get(symbol)
            if id is not None:
                ids.append(id)
            else:  # a merge whose result is no token
                ids += map(self._character_id, symbol)
        return tuple(ids)

    def _character_id(self, character: str) -> int:
        id = self._ids.get(character, self._unknown_id)
        if id is None:
            raise RequestError(
                f"the model's vocabulary has no token for the byte 0x{_byte_codes()[character]:02x}"
                " and no unknown token, so this text cannot be written with it"
            )
        return id


@cache
def _byte_characters() -> str:
    """Return GPT-2's alphabet: the character that stands for each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return "".join(chr(byte if byte in printable else next(others)) for byte in range(256))


@cache
def _byte_codes() -> dict[str, int]:
    return {character: byte for byte, character in enumerate(_byte_characters())}
