"""Which tokens of a vocabulary may follow a state: asked one by one, or all at once.

All at once is a walk over the tree of the vocabulary. Where any text may follow, as in a string,
it takes whole branches without looking into them. Masks are kept by state.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wgslm.grammar.states import LONG, Reader, State
from wgslm.grammar.tree import Tree
from wgslm.grammar.vocabulary import PLAIN_BUT, Vocabulary

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

    def __init__(
        self, reader: Reader, vocabulary: Vocabulary, specials: Sequence[tuple[int, bytes]]
    ) -> None:
        """Compute nothing yet; `specials` are control tokens that may be chosen."""
        self.reader = reader
        self.vocabulary = vocabulary
        self.specials = tuple(specials)
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
        vocabulary = self.vocabulary
        free, is_between = self.reader.free(state), self.reader.step(state, 0x61) is not None
        if is_between and free.but == PLAIN_BUT and (free.ends or free.most >= LONG):
            # In a string of JSON, between characters.
            ranges = [*vocabulary.plain(free.most), *self._reached(state, vocabulary.others)]
            ranges.sort()
        else:
            ranges = list(self._reached(state, vocabulary.tree))
        allowed = [id for id, text in self.specials if self.reader.read(state, text) is not None]
        starts = array("I", [start for start, _ in ranges])
        stops = array("I", [stop for _, stop in ranges])
        return Mask(starts, stops, frozenset(allowed))

    def _reached(self, state: State, tree: Tree) -> Iterator[tuple[int, int]]:
        """Yield the ranges of a tree's tokens that may follow a state."""
        reader, is_all = self.reader, tree is self.vocabulary.tree
        bytes_, skip, after = tree.byte, tree.skip, tree.after
        first, last, depths = tree.first, tree.last, tree.depth
        contents, height = tree.contents, tree.height
        row_at: list[list[State | bool | None]] = [state.row] * (tree.deepest + 2)
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
            if is_all and last[node] - rank > SMALL:
                free = found.free or reader.free(found)
                if not contents[node] & free.but and (free.ends or height[node] <= free.most):
                    if height[node] <= free.most:
                        yield rank, last[node]
                    else:
                        yield from self.vocabulary.short(node, free.most)
                    node = skip[node]
                    continue
            if after[node] > rank:
                yield rank, after[node]
            depth += 1
            row_at[depth] = found.row
            state_at[depth] = found
            node += 1


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
