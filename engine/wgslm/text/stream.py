"""Turns ids into text as they come, without ever cutting a character."""

import codecs

from wgslm.text.tokenizer import Tokenizer


class TextStream:
    """Decodes one answer; any way of cutting it into pushes gives the same text.

    Bytes that are no UTF-8 become U+FFFD, by the same rule as `bytes.decode(errors="replace")`.
    """

    def __init__(
        self, tokenizer: Tokenizer, *, specials: bool = False, shown: frozenset[int] = frozenset()
    ) -> None:
        """Decode ids of `tokenizer`; of control tokens those `shown` show, all with `specials`."""
        self._tokenizer = tokenizer
        self._specials = specials
        self._shown = shown
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, id: int) -> str:
        """Return the text that is certain now: maybe nothing, until a character is whole."""
        is_shown = self._specials or id in self._shown
        return self._decoder.decode(self._tokenizer.piece(id, specials=is_shown))

    def flush(self) -> str:
        """Return what an unfinished character leaves; the stream can be used anew afterwards."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest
