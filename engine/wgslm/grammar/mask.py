"""Which tokens of a vocabulary may follow a state: asked one by one, or all at once.

All at once is a walk over the vocabulary. Where any text may follow, as in a string, it takes whole
branches without looking into them, and of the tokens that end or escape something there it reads
only the ends, which many share. Masks are kept by state.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wgslm.grammar.states import FOREIGN, Reader, State
from wgslm.grammar.tree import Tree
from wgslm.grammar.vocabulary import NOT_PLAIN, PLAIN_BUT, Vocabulary, runs

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
        self._others: dict[State, bytes] = {}  # which of the other tokens may follow, by rank

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
        reader, first = self.reader, self.vocabulary.plain_count
        ranges = list(self._plain(state))
        ranges += [(first + at, first + end) for at, end in runs(self._others_of(state), 0)]
        allowed = [id for id, text in self.specials if reader.read(state, text) is not None]
        starts = array("I", [start for start, _ in ranges])
        stops = array("I", [stop for _, stop in ranges])
        return Mask(starts, stops, frozenset(allowed))

    def _plain(self, state: State) -> Iterator[tuple[int, int]]:
        """Yield the ranges of the plain tokens that may follow a state."""
        tree, free = self.vocabulary.plain, self.reader.free(state)
        only = self._only(state)
        if only is not None:
            yield from self.vocabulary.of(only)
        elif free.but & tree.all_contents or self.reader.step(state, 0x61) is None:
            yield from self._reached(state, tree)
        elif tree.deepest < free.most:
            yield 0, self.vocabulary.plain_count
        elif free.ends:
            yield from self.vocabulary.short(-1, free.most)
        else:
            yield from self._reached(state, tree)

    def _only(self, state: State) -> bytes | None:
        """Return which bytes may follow, where each leads back and all others nowhere; or None.

        Bytes that are not plain do not matter.
        """
        reader, first = self.reader, self.vocabulary.plain.begun
        looping, _ = reader.common(state)
        if looping is None:
            return None
        if looping is not state and any(
            reader.step(state, byte) is not reader.step(looping, byte) for byte in first
        ):
            return None
        nearest, but = reader.common(looping)
        after = {byte: reader.step(looping, byte) for byte in range(0x20, 0x80)}
        after |= {byte: reader.step(looping, byte) for byte in first if byte > 0x7F}
        is_foreign = not but & FOREIGN
        for byte, to in after.items():
            if to is None or (is_foreign and byte > 0x7F) or byte in NOT_PLAIN:
                continue
            if to is not looping:
                return None
        if nearest is not looping:
            return None
        plain = bytes(byte for byte in range(0x20, 0x80) if after[byte] is looping)
        return plain + bytes(range(0x80, 0x100)) if is_foreign else plain

    def _others_of(self, state: State) -> bytes:
        """Return a byte for each other token: 0 if it may follow a state, else 1."""
        found = self._others.get(state)
        if found is None:
            if len(self._others) >= MOST_MASKS:
                del self._others[next(iter(self._others))]
            found = self._others[state] = self._others_computed(state)
        return found

    def _others_computed(self, state: State) -> bytes:
        reader, vocabulary = self.reader, self.vocabulary
        found = self._by_ends(state)
        if found is not None:
            return found
        barred = bytearray(b"\1" * vocabulary.others_count)
        nearest, _ = reader.common(state)
        known = self._by_ends(nearest) if nearest and nearest is not state else None
        if nearest is None or known is None:
            self._allow(self._reached(state, vocabulary.others, branches=False), barred)
            return bytes(barred)
        # Most characters lead to where they lead from `nearest`: only the rest is looked at.
        differs = [reader.step(state, b) is not reader.step(nearest, b) for b in range(256)]
        is_other = vocabulary.others_first.translate(bytes(differs))
        joined = int.from_bytes(known, "little") | int.from_bytes(is_other, "little")
        barred[:] = joined.to_bytes(len(barred), "little")
        for byte, (start, stop) in vocabulary.others.begun.items():
            if differs[byte]:
                reached = self._reached(state, vocabulary.others, start, stop, branches=False)
                self._allow(reached, barred)
        return bytes(barred)

    def _by_ends(self, state: State) -> bytes | None:
        """Follow tokens from their first byte on that is not plain, as plain ones only count.

        None where they do more.
        """
        reader, come = self.reader, 0
        barred = bytearray(b"\1" * self.vocabulary.others_count)
        for count, tree in self.vocabulary.ends:
            while come < count:
                nearest, but = reader.common(state)
                if nearest is None or but & ~PLAIN_BUT:
                    return bytes(barred) if reader.is_closed(state, PLAIN_BUT) else None
                state = nearest
                come += 1
            self._allow(self._reached(state, tree, branches=False), barred)
        return bytes(barred)

    def _allow(self, ranges: Iterable[tuple[int, int]], barred: bytearray) -> None:
        first = self.vocabulary.plain_count
        for start, stop in ranges:
            barred[start - first : stop - first] = bytes(stop - start)

    def _reached(
        self,
        state: State,
        tree: Tree,
        node: int = 0,
        count: int | None = None,
        *,
        branches: bool = True,
    ) -> Iterator[tuple[int, int]]:
        """Yield the ranges of a tree's tokens that may follow a state.

        Whole `branches` are taken without a look into them where any of their texts may follow.
        """
        reader = self.reader
        bytes_, skip, after = tree.byte, tree.skip, tree.after
        first, last, depths = tree.first, tree.last, tree.depth
        contents, height = tree.contents, tree.height
        row_at: list[list[State | bool | None]] = [state.row] * (tree.deepest + 2)
        state_at = [state] * len(row_at)
        count = len(bytes_) if count is None else count
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
            if branches and last[node] - rank > SMALL:
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
