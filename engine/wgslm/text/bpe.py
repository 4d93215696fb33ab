"""BPE by a list of merges: of each word's bytes, written as printable characters, or of its text.

Nearly all models merge bytes. Gemma 4 and its like merge characters, with U+2581 for spaces, and
write those without a token as bytes like <0x0A>. One embeds words, and has no tokens for spaces.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain, repeat
from operator import contains

from wgslm.errors import GgufError, RequestError
from wgslm.pauses import Pausing
from wgslm.text.characters import SPACES
from wgslm.text.merge import merge_word
from wgslm.text.metadata import PREFIX
from wgslm.text.pretokenize import splitter
from wgslm.text.pretokenizers import PreTokenizer
from wgslm.text.stitch import Stitcher, in_pieces
from wgslm.text.vocabulary import Vocabulary
from wgslm.text.words import SPACE, Ids, Words, in_slices, word_splitter


class BpeModel:
    """Encodes plain text with the merges of a `tokenizer.ggml.model = gpt2` file."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        merges: Sequence[str],
        pre: PreTokenizer,
        *,
        lowercase: bool = False,
    ) -> None:
        """Rank the merges, "left right" each; of two equal ones the first counts."""
        if not all(map(contains, merges, repeat(" "))):  # at C speed, for 300,000 of them
            bad = next(merge for merge in merges if " " not in merge)
            raise GgufError(
                f"{PREFIX}merges contains {bad[:60]!r}; a merge is two tokens with a space between"
            )
        self._unknown_id = vocabulary.unknown_id
        # The line itself is the key: no 300,000 pairs to build.
        self._ranks = dict(zip(reversed(merges), range(len(merges) - 1, -1, -1), strict=True))
        self._stitcher = Stitcher(self._ranks, " ")
        self._ignore_merges = pre.ignore_merges
        self._raw = pre.raw
        self._space = " " if pre.drops_spaces else SPACE  # what stands for a space inside pieces
        self._ids = vocabulary.ids
        if pre.raw:
            self._byte_ids = vocabulary.byte_ids()
            if pre.drops_spaces:
                self._split = _words_only(splitter(pre), lowercase=lowercase)
            else:
                within = word_splitter(merge.replace(" ", "") for merge in merges)
                self._split = _finer(splitter(pre), within)
        else:
            self._byte_ids = [vocabulary.ids.get(c) for c in _byte_characters()]
            self._split = splitter(pre)
        self._longest = max(map(len, self._ids), default=0)
        self._words = Words(self._short, self._long)

    def encode(self, text: str, *, prefix: bool) -> Pausing[list[int]]:
        """Return the ids of text that contains no special token; a `prefix` is never added."""
        words = self._split(text.replace(" ", self._space) if self._raw else text)
        found = yield from self._words.encode(words)
        return list(chain.from_iterable(found))

    def piece(self, text: str) -> bytes:
        """Return what an ordinary token writes; a character that is no byte writes itself."""
        if self._raw:
            return text.replace(self._space, " ").encode()
        if text.isascii():
            return text.encode()  # those that stand for a byte stand for their own
        codes = _byte_codes()
        try:
            return bytes(map(codes.__getitem__, text))
        except KeyError:
            pass
        return b"".join(bytes((codes[c],)) if c in codes else c.encode() for c in text)

    def _short(self, word: str) -> Ids:
        text = self._written(word)
        if text in self._ids and self._takes_whole(text):
            return (self._ids[text],)
        return self._ids_of(merge_word(list(text), self._ranks, " "))

    def _long(self, word: str) -> Pausing[Ids]:
        if len(word) <= self._longest and (text := self._written(word)) in self._ids:
            if self._takes_whole(text):
                return (self._ids[text],)
        symbols = yield from self._stitcher.merge(map(self._written, in_pieces(word)))
        return (yield from in_slices(self._ids_of, symbols))

    def _written(self, word: str) -> str:
        """Return the characters that are merged."""
        return word if self._raw else word.encode().decode("latin-1").translate(_byte_characters())

    def _takes_whole(self, text: str) -> bool:
        """Say whether a word that is a token is not merged."""
        # No merge makes a run of line breaks, which a list of lines cannot hold.
        return self._ignore_merges or (self._raw and text[0] == "\n")

    def _ids_of(self, symbols: Sequence[str]) -> Ids:
        ids: list[int] = []
        for symbol in symbols:
            id = self._ids.get(symbol)
            if id is not None:
                ids.append(id)
            else:  # a merge whose result is no token, or a character that has none
                ids += map(self._byte_id, self._bytes(symbol))
        return tuple(ids)

    def _bytes(self, symbol: str) -> bytes:
        return symbol.encode() if self._raw else self.piece(symbol)

    def _byte_id(self, byte: int) -> int:
        id = self._byte_ids[byte]
        if id is None:
            id = self._unknown_id
        if id is None:
            raise RequestError(
                f"the model's vocabulary has no token for the byte 0x{byte:02x}"
                " and no unknown token, so this text cannot be written with it"
            )
        return id


def _finer(
    lines: Callable[[str], Iterator[str]], words: Callable[[str], Iterator[str]]
) -> Callable[[str], Iterator[str]]:
    return lambda text: (word for line in lines(text) for word in words(line))


def _words_only(
    split: Callable[[str], Iterator[str]], *, lowercase: bool
) -> Callable[[str], Iterator[str]]:
    """Return how to cut a text into words without the white space between them."""
    spaces = frozenset(chr(code) for first, last in SPACES for code in range(first, last + 1))

    def words(text: str) -> Iterator[str]:
        for word in split(text):
            if word[0] not in spaces:
                yield word.lower() if lowercase else word

    return words


@cache
def _byte_characters() -> str:
    """Return GPT-2's alphabet: the character that stands for each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return "".join(chr(byte if byte in printable else next(others)) for byte in range(256))


@cache
def _byte_codes() -> dict[str, int]:
    return {character: byte for byte, character in enumerate(_byte_characters())}
