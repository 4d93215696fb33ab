"""Which tokens of a vocabulary may follow a state: asked one by one, or all at once.

All at once is a walk over the tree of the vocabulary. Where any text may follow, as in a string,
it takes whole branches without looking into them. Masks are kept by state.
"""

from array import array
from bisect import bisect_right
from dataclasses import dataclass

from wgslm.grammar.states import Reader, State
from wgslm.grammar.vocabulary import Vocabulary

MOST_MASKS = 1_000
SMALL = 4  # tokens of a branch that are not worth a look at what they hold


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

    def __init__(self, reader: Reader, vocabulary: Vocabulary, *, writes_specials: bool) -> None:
        """Compute nothing yet."""
        self.reader = reader
        self.vocabulary = vocabulary
        self.specials = vocabulary.specials if writes_specials else ()
        self.special_ids = frozenset(id for id, _ in self.specials)
        self._kept: dict[State, Mask] = {}

    def kept(self, state: State) -> Mask | None:
        """Return the mask if it has been computed."""
        return self._kept.get(state)

    def of(self, state: State) -> Mask:
        """Return the mask of a state."""
        mask = self._kept.get(state)
        if mask is None:
            mask = self._walk(state)
            if len(self._kept) >= MOST_MASKS:
                del self._kept[next(iter(self._kept))]
            self._kept[state] = mask
        return mask

    def _walk(self, state: State) -> Mask:
        v, reader = self.vocabulary, self.reader
        bytes_, skip, after = v.byte, v.skip, v.after
        first, last, depths = v.first, v.last, v.depth
        contents, height = v.contents, v.height
        starts, stops = array("I"), array("I")
        row_at: list[list[State | bool | None]] = [state.row] * (max(depths, default=0) + 2)
        state_at = [state] * len(row_at)
        node, count = 0, len(bytes_)
        while node < count:
            depth = depths[node]
            found = row_at[depth][bytes_[node]]
            if found is None:
                found = reader.step(state_at[depth], bytes_[node]) or False
            if found is False:
                node = skip[node]
                continue
            assert isinstance(found, State)
            rank = first[node]
            if last[node] - rank > SMALL:
                free = found.free or reader.free(found)
                if not contents[node] & free.but and (free.ends or height[node] <= free.most):
                    if height[node] <= free.most:
                        starts.append(rank)
                        stops.append(last[node])
                    else:
                        for start, stop in v.short(node, free.most):
                            starts.append(start)
                            stops.append(stop)
                    node = skip[node]
                    continue
            if after[node] > rank:
                starts.append(rank)
                stops.append(after[node])
            depth += 1
            row_at[depth] = found.row
            state_at[depth] = found
            node += 1
        allowed = [id for id, text in self.specials if reader.read(state, text) is not None]
        return Mask(starts, stops, frozenset(allowed))


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
        rank = vocabulary.rank.get(id)
        if rank is None:
            if id not in self._masks.special_ids:
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
