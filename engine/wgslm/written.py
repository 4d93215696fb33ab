"""What a model wrote after a head, and where that comes again in the text of a later prompt."""

from codecs import getincrementaldecoder
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Place:
    """Characters `start .. stop` of a text, and the ids that they were written with."""

    start: int
    stop: int
    ids: Sequence[int]


@dataclass(frozen=True)
class Written:
    """A run of ids without control tokens; `ends` are the ids before each place between them."""

    head: str
    text: str
    ids: Sequence[int]
    ends: dict[int, int]  # from characters of the text to ids

    @classmethod
    def of(cls, head: str, pieces: Iterable[tuple[int, bytes]]) -> Optional["Written"]:
        """Keep ids with their bytes, up to the first that writes nothing or no UTF-8."""
        decoder = getincrementaldecoder("utf-8")()
        ids: list[int] = []
        said: list[str] = []
        ends, length = {0: 0}, 0
        for id, piece in pieces:
            try:
                said.append(decoder.decode(piece))
            except UnicodeDecodeError:
                break
            ids.append(id)
            length += len(said[-1])
            if not piece:
                break
            if not decoder.getstate()[0]:  # else it ends inside a character
                ends[length] = len(ids)
        last = max(ends)
        return cls(head, "".join(said)[:last], ids[: ends[last]], ends) if last else None

    def place(self, text: str, least: int) -> Place | None:
        """Find what was written in a text, from character `least` on.

        Either a part of the head and then the end of what was written: so templates leave out
        thoughts. Or the head and all that was written, and then a space and whatever else.
        """
        return self._at_end(text, least) or self._after_head(text, least)

    def _at_end(self, text: str, least: int) -> Place | None:
        shared = _shared(self.head, text)
        if shared < least:
            return None
        for stop, end in ((len(text), len(self.text)), (_trimmed(text), _trimmed(self.text))):
            start, begin = shared, end - (stop - shared)
            if stop <= shared or begin < 0 or self.text[begin:end] != text[shared:stop]:
                continue
            # What was written may begin as the head goes on.
            while begin not in self.ends and begin > 0 and start > least:
                if self.text[begin - 1] != text[start - 1]:
                    break
                begin, start = begin - 1, start - 1
            if begin in self.ends and end in self.ends:
                return Place(start, stop, self.ids[self.ends[begin] : self.ends[end]])
        return None

    def _after_head(self, text: str, least: int) -> Place | None:
        start, end = len(self.head), _trimmed(self.text)
        stop = start + end
        if not (least <= start < stop and end in self.ends and text[stop : stop + 1].isspace()):
            return None
        if not (text.startswith(self.head) and text.startswith(self.text[:end], start)):
            return None
        return Place(start, stop, self.ids[: self.ends[end]])


def _trimmed(text: str) -> int:
    return len(text.rstrip())


def _shared(a: str, b: str) -> int:
    """Return the length of the common beginning; both may be long."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[:middle] == b[:middle] else (low, middle - 1)
    return low
