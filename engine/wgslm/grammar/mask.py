"""Which tokens of a vocabulary may follow a state: asked one by one, or all at once.

All at once depends on how much may follow: little is walked to; where any text may follow, as in a
string, plain tokens are not looked at, and of those that end or escape something there only the
ends, which many share. Masks are kept by state.
"""

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from wgslm.grammar.followers import runs
from wgslm.grammar.plain import PLAIN_BUT
from wgslm.grammar.states import Reader, State
from wgslm.grammar.vocabulary import Vocabulary

MOST_MASKS = 1_000


@dataclass(frozen=True)
class Mask:
    """Allowed ranks as ranges, and allowed control tokens. A range is starts[i] to stops[i]."""

    starts: "array[int]"
    stops: "array[int]"
    specials: frozenset[int]

    def has(self, rank: int) -> bool:
        """Say whether a rank is allowed."""
        index = bisect_right(self.starts, rank) - 1
        return index >= 0 and rank < self.stops[index]

    def __len__(self) -> int:
        """Count the allowed tokens."""
        return sum(self.stops) - sum(self.starts) + len(self.specials)


class Masks:
    """The masks of one grammar over one vocabulary, kept for all answers."""

    def __init__(
        self, reader: Reader, vocabulary: Vocabulary, specials: Mapping[int, bytes]
    ) -> None:
        """Compute nothing yet; `specials` are control tokens that may be chosen."""
        self.reader = reader
        self.vocabulary = vocabulary
        self.specials = specials
        self._kept: dict[State, Mask] = {}

    def kept(self, state: State) -> Mask | None:
        """Return the mask if it has been computed."""
        return self._kept.get(state)

    def of(self, state: State) -> Mask:
        """Return the mask of a state."""
        mask = self._kept.get(state)
        if mask is None:
            mask = self._computed(state)
            if len(self._kept) >= MOST_MASKS:
                del self._kept[next(iter(self._kept))]
            self._kept[state] = mask
        return mask

    def _computed(self, state: State) -> Mask:
        reader, vocabulary = self.reader, self.vocabulary
        first = vocabulary.plain_count
        by_ends = self._by_ends(state)
        others = vocabulary.others.of(reader, state) if by_ends is None else runs(by_ends, 0)
        starts, stops = array("I"), array("I")
        for start, stop in vocabulary.plain.following(reader, state):
            _add(starts, stops, start, stop)
        for start, stop in others:
            _add(starts, stops, first + start, first + stop)
        allowed = [id for id, text in self.specials.items() if reader.read(state, text) is not None]
        return Mask(starts, stops, frozenset(allowed))

    def _by_ends(self, state: State) -> bytes | None:
        """Return a byte for each other token: 0 if it may follow a state, else 1.

        Those tokens are followed from their first byte on that is not plain, as where plain
        characters only count. None where they do more.
        """
        reader, come = self.reader, 0
        barred = bytearray(b"\1" * self.vocabulary.others_count)
        for count, ends in self.vocabulary.ends:
            while come < count:
                nearest, but = reader.common(state)
                if nearest is None or but & ~PLAIN_BUT:
                    return bytes(barred) if reader.is_closed(state, PLAIN_BUT) else None
                state = nearest
                come += 1
            for start, stop in ends.ranks(ends.reached(reader, state) or ()):
                barred[start:stop] = bytes(stop - start)
        return bytes(barred)


def _add(starts: "array[int]", stops: "array[int]", start: int, stop: int) -> None:
    """Add a range, or make the last one longer."""
    if stops and stops[-1] == start:
        stops[-1] = stop
    else:
        starts.append(start)
        stops.append(stop)


class Matcher:
    """One answer's place in a grammar."""

    def __init__(self, masks: Masks) -> None:
        """Start before the first token."""
        self._masks = masks
        self._state = masks.reader.start

    @property
    def is_accepting(self) -> bool:
        """Whether the answer may end here."""
        return self._state.accepting

    @property
    def is_final(self) -> bool:
        """Whether nothing but the end may follow."""
        return self._state.is_final

    def allows(self, id: int) -> bool:
        """Say whether a token may come next."""
        vocabulary = self._masks.vocabulary
        if id in vocabulary.end_ids:
            return self._state.accepting
        rank = vocabulary.ranks[id]
        if rank < 0:
            if id not in self._masks.specials:
                return False
        elif (mask := self._masks.kept(self._state)) is not None:
            return mask.has(rank)
        return self._masks.reader.read(self._state, vocabulary.pieces[id]) is not None

    def allowed(self) -> list[int]:
        """Return every token that may come next, in no order."""
        mask, vocabulary = self._masks.of(self._state), self._masks.vocabulary
        found: list[int] = []
        for start, stop in zip(mask.starts, mask.stops, strict=True):
            found += vocabulary.ids[start:stop]
        ends = vocabulary.end_ids if self._state.accepting else ()
        return [*found, *mask.specials, *ends]

    def advance(self, id: int) -> None:
        """Take a token that is allowed; an end changes nothing."""
        vocabulary = self._masks.vocabulary
        if id in vocabulary.end_ids:
            return
        state = self._masks.reader.read(self._state, vocabulary.pieces[id])
        assert state is not None, f"token {id} is not allowed here"
        self._state = state
