"""What a text has said so far, as far as it tells whether a mark in it is spoken of."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

_FENCE = re.compile(r"[\s>*+-]*(?:\d+[.)]\s+)?(`{3,}|~{3,})([^`]*)")
_CODE = re.compile(r" {4}|\t|\s*>")
_LINE = 100  # characters of one that tell what it is
_STOPS = ".!?…।؟。！？"  # noqa: RUF001
_CLOSED = " \t)\"'*_»”’"  # noqa: RUF001
_QUOTE = re.compile('"')
_TAG_END = re.compile(r"</(.+)>")


class Lines:
    """The lines of a part's text, as far as they tell what a mark in them means."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.is_empty = True
        self._fence = ""  # that a block of code has begun with
        self._break()

    @property
    def is_new(self) -> bool:
        """Whether a line of no code has nothing in it yet."""
        return not self._line.strip() and not self._fence

    @property
    def is_code(self) -> bool:
        """Whether a mark here is within code or a quotation."""
        return bool(self._fence or _CODE.match(self._line) or any(self._open.values()))

    @property
    def may_end(self) -> bool:
        """Whether a line begins, or a sentence has ended."""
        return len(self._line) < 2 if self.is_new else self._end in _STOPS

    def push(self, piece: str) -> None:
        """Take what was said next."""
        *ended, last = piece.split("\n")
        for line in ended:
            self._add(line)
            self._fenced()
            self._break()
        self._add(last)
        self.is_empty &= not piece.strip()

    def _break(self) -> None:
        self._line = ""  # its beginning,
        self._end = ""  # its last character but for what closes,
        self._last = ""  # and the last of all
        self._open = dict.fromkeys('`"', False)

    def _add(self, text: str) -> None:
        self._line += text[: _LINE - len(self._line)]
        self._end = text.rstrip(_CLOSED)[-1:] or self._end
        self._open["`"] ^= bool(text.count("`") % 2)
        for found in _QUOTE.finditer(text):
            before = text[found.start() - 1] if found.start() else self._last
            # Behind a letter or a digit it begins nothing: it ends a quotation, or means inches.
            self._open['"'] = not self._open['"'] and not before.isalnum()
        self._last = text[-1:] or self._last

    def _fenced(self) -> None:
        fence = _FENCE.fullmatch(self._line)
        if fence and not self._fence:
            self._fence = fence[1]
        elif fence and fence[1].startswith(self._fence) and not fence[2].strip():
            self._fence = ""


class Pairs:
    """The ends whose beginning was told as text: they belong to it."""

    def __init__(self, begins: Mapping[str, Sequence[str]]) -> None:
        """Prepare to count, for each end, the texts that begin it; `</name>` ends any `<name`."""
        self._begins = {
            end: (_TAG_END.sub(r"<\1", end),) if _TAG_END.search(end) else texts
            for end, texts in begins.items()
        }
        self._keep = max(map(len, chain(*self._begins.values())), default=1)
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._open: Counter[str] = Counter()
        self._tail = ""

    def push(self, text: str) -> None:
        """Take what was told next; an end in it is the end of one that began before."""
        whole = self._tail + text
        for end, texts in self._begins.items():
            begun = sum(whole.count(begin) - self._tail.count(begin) for begin in texts)
            self._open[end] = max(0, self._open[end] + begun - text.count(end))
        self._tail = whole[-self._keep :]

    def is_begun(self, end: str) -> bool:
        """Whether the text has begun what this ends, and not ended it."""
        return self._open[end] > 0
