"""Turns text into ids and ids into bytes, whatever the kind of vocabulary."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from wgslm.errors import RequestError
from wgslm.pauses import Pausing, whole
from wgslm.text.bpe import BpeModel
from wgslm.text.segment import Segment
from wgslm.text.specials import SpecialTokens
from wgslm.text.spm import SpmModel
from wgslm.text.unigram import UnigramModel
from wgslm.text.vocabulary import Kind, Vocabulary
from wgslm.text.wordpiece import WordPieceModel

NORMAL = int(Kind.NORMAL)  # which most are, so that asking must cost little
Model = SpmModel | BpeModel | UnigramModel | WordPieceModel


class Tokenizer:
    """One model's vocabulary in use; holds no state between calls but a cache of words."""

    def __init__(self, vocabulary: Vocabulary, model: Model, *, space_prefix: bool = False) -> None:
        """Encode with `model`; `space_prefix` puts a space before text that starts a sequence."""
        self.tokens: Sequence[str] = vocabulary.tokens
        self.vocab_size = len(vocabulary.tokens)
        self.bos_id = vocabulary.bos_id
        self.eos_id = vocabulary.eos_id
        self.eot_id = vocabulary.eot_id
        self.eom_id = vocabulary.eom_id
        self.unknown_id = vocabulary.unknown_id
        self.end_ids = vocabulary.end_ids
        self.suppressed = vocabulary.suppressed
        self.add_bos = vocabulary.add_bos
        self.add_eos = vocabulary.add_eos
        self._end = vocabulary.eos_id if vocabulary.add_eos else None
        if vocabulary.add_sep:
            self._end = vocabulary.sep_id
        self.specials = tuple(vocabulary.controls)  # texts that only a template may write
        self.user_defined = tuple(vocabulary.user_defined)  # texts that any text may write
        self._kinds = vocabulary.kinds
        self._model = model
        self._space_prefix = space_prefix
        self._special_tokens = SpecialTokens(
            vocabulary.controls, vocabulary.user_defined, vocabulary.strips
        )

    @cached_property
    def longest_nbytes(self) -> int:
        """The most bytes of text that one id stands for."""
        longest = 4  # a character that the unknown token stands for
        for id, text in enumerate(self.tokens):
            if 4 * len(text) > longest:
                longest = max(longest, len(self.piece(id)))
        return longest

    def encode(self, text: str, *, bos: bool | None = None, specials: bool = False) -> list[int]:
        """Return the ids of a text; only with `specials` can its text make control tokens.

        With `bos` None the file says whether BOS and EOS (or SEP) are added; True or False decides
        BOS and adds no EOS. Lone surrogates count as U+FFFD, as everywhere on the web.
        """
        return whole(self.encoding(text, bos=bos, specials=specials))

    def encoding(
        self, text: str, *, bos: bool | None = None, specials: bool = False
    ) -> Pausing[list[int]]:
        """Do `encode` with pauses, for long texts."""
        ids = yield from self._encode([Segment(text, specials)])
        if self._wants_bos(bos):
            ids[:0] = self._bos()
        if bos is None and self._end is not None:
            ids.append(self._end)
        return ids

    def encode_segments(self, segments: Sequence[Segment], *, bos: bool | None = None) -> list[int]:
        """Return the ids of a prompt: as of the segments joined, but content makes no specials.

        BOS is not added twice, where the template writes it; EOS is never added, because the
        answer comes next.
        """
        return whole(self.encoding_segments(segments, bos=bos))

    def encoding_segments(
        self, segments: Sequence[Segment], *, bos: bool | None = None, starts: bool = True
    ) -> Pausing[list[int]]:
        """Do `encode_segments` with pauses; with `starts` False they go on with a text."""
        ids = yield from self._encode(segments, starts=starts, is_prompt=True)
        if self._wants_bos(bos) and ids[:1] != self._bos():
            ids[:0] = self._bos()
        return ids

    def piece(self, id: int, *, specials: bool = False) -> bytes:
        """Return the bytes that an id writes: maybe part of a character.

        Control tokens write nothing, or their own text with `specials`.
        """
        if not 0 <= id < self.vocab_size:
            raise RequestError(
                f"token id {id} is not in the vocabulary, which has 0 to {self.vocab_size - 1}"
            )
        text, kind = self.tokens[id], self._kinds[id]
        if kind == NORMAL:
            return self._model.piece(text)
        if kind == Kind.BYTE:
            return bytes.fromhex(text[3:5])  # its form was checked at load
        if kind == Kind.USER_DEFINED or (specials and kind in (Kind.CONTROL, Kind.UNKNOWN)):
            return text.encode()
        return b""

    def kind(self, id: int) -> Kind:
        """Return what the file calls a token (ends that it calls ordinary are control tokens)."""
        return Kind(self._kinds[id])

    def decode(self, ids: Iterable[int], *, specials: bool = False) -> str:
        """Return the text of ids; bytes that are no UTF-8 become U+FFFD."""
        pieces = (self.piece(id, specials=specials) for id in ids)
        text = b"".join(pieces).decode("utf-8", "replace")
        return self._model.tidied(text) if isinstance(self._model, WordPieceModel) else text

    def _wants_bos(self, bos: bool | None) -> bool:
        return self.add_bos if bos is None else bos

    def _bos(self) -> list[int]:
        if self.bos_id is None:
            raise RequestError("this model has no BOS token that could be added", param="bos")
        return [self.bos_id]

    def _encode(
        self, segments: Sequence[Segment], *, starts: bool = True, is_prompt: bool = False
    ) -> Pausing[list[int]]:
        """Return the ids; `starts` says whether this is no text that goes on."""
        ids: list[int] = []
        clean = [Segment(_whole_characters(s.text), s.template) for s in segments]
        for part in (yield from self._special_tokens.split(clean, is_prompt=is_prompt)):
            if isinstance(part, int):
                ids.append(part)
                starts = True
            else:
                ids += yield from self._model.encode(part, prefix=starts and self._space_prefix)
                starts = False
        return ids


def _whole_characters(text: str) -> str:
    """Join pairs of surrogates and replace lone ones, which no UTF-8 can write."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
