"""Reads a program byte by byte: sets of places with stacks, made when they are first met.

A state is immutable and is met again by what may follow it, so whoever keeps something per state
(the next states here, the masks in `mask`) computes it once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from wgslm.errors import RequestError
from wgslm.grammar.program import Program

MOST_PLACES = 10_000  # of one state
MOST_STATES = 20_000  # remembered at a time
FAR = 1 << 30  # characters: no limit
HALVES = 1 << 128  # a bit of `Free.but`: parts of characters
FOREIGN = 1 << 129  # characters outside ASCII
LONG = 32  # characters: few tokens are longer
FEW = 3  # characters that lead to the same place and are not worth looking at
MOST_LOOKED_AT = 200  # places of a state, for it to be examined


class Cell:
    """Where a call returns to, and the calls around it."""

    __slots__ = ("below", "node")

    def __init__(self, node: int, below: "Cell | None") -> None:
        """Put a return on a stack."""
        self.node = node
        self.below = below


Place = tuple[int, Cell | None]


@dataclass(frozen=True)
class Free:
    """After a state any text may follow of up to `most` characters, none of them in `but`.

    Bits 0 to 127 of `but` are ASCII; HALVES and FOREIGN stand for others. Where it `ends`, no
    longer text may follow that has none of `but`.
    """

    but: int
    most: int
    ends: bool


UNKNOWN = Free(0, -1, False)


class State:
    """What has been read, as far as it matters for what may follow."""

    __slots__ = ("accepting", "common", "free", "places", "row")

    def __init__(self, places: frozenset[Place], *, accepting: bool) -> None:
        """Know nothing of the next states yet."""
        self.places = places
        self.accepting = accepting
        self.row: list[State | bool | None] = [None] * 256  # by byte; None: not known; False: dead
        self.free: Free | None = None
        self.common: tuple[State | None, int] | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing may follow."""
        return not self.places


class Reader:
    """The states of a program, as far as they have been met."""

    def __init__(self, program: Program) -> None:
        """Start with the state before the first byte."""
        self._program = program
        self._states: dict[tuple[frozenset[Place], bool], State] = {}
        self._cells: dict[Place, Cell] = {}
        self.start = self._closed([(program.start, None)])

    def step(self, state: State, byte: int) -> State | None:
        """Return the state after one more byte; None if that byte may not follow."""
        found = state.row[byte]
        if found is None:
            found = self._stepped(state, byte)
        return found if isinstance(found, State) else None

    def read(self, state: State, text: bytes) -> State | None:
        """Return the state after some bytes; None if they may not follow."""
        for byte in text:
            found = state.row[byte]
            if found is None:
                found = self._stepped(state, byte)
            if not isinstance(found, State):
                return None
            state = found
        return state

    def free(self, state: State) -> Free:
        """Return which texts may follow whatever they are."""
        if state.free is None:
            state.free = self._freedom(state)
        return state.free

    def _stepped(self, state: State, byte: int) -> State | bool:
        """Fill in the row around a byte, as far as the same edges lead on."""
        low, high, reached = 0, 255, []
        edges = self._program.edges
        for node, cell in state.places:
            for first, last, to in edges[node]:
                if first <= byte <= last:
                    low, high = max(low, first), min(high, last)
                    reached.append((to, cell))
                elif last < byte:
                    low = max(low, last + 1)
                else:
                    high = min(high, first - 1)
        found: State | bool = self._closed(reached) if reached else False
        state.row[low : high + 1] = [found] * (high + 1 - low)
        return found

    def _closed(self, places: Iterable[Place]) -> State:
        """Return the state of all places that need no further byte to be reached."""
        program = self._program
        todo = list(places)
        seen = set(todo)
        kept: list[Place] = []
        accepting = False
        while todo:
            node, cell = place = todo.pop()
            if program.edges[node]:
                kept.append(place)
            reached: list[Place] = [(to, cell) for to in program.moves[node]]
            for start, to in program.calls[node]:
                # A call that ends its rule needs no return: so right recursion keeps no stack.
                reached.append((start, cell if to in program.tails else self._cell(to, cell)))
            if node in program.ends:
                if cell is None:
                    accepting = True
                else:
                    reached.append((cell.node, cell.below))
            for each in reached:
                if each not in seen:
                    seen.add(each)
                    todo.append(each)
            if len(seen) > MOST_PLACES:
                raise RequestError(
                    f"the grammar is so ambiguous that more than {MOST_PLACES:,} readings of one "
                    "text would have to be followed; write it so that fewer are possible",
                    "grammar",
                )
        return self._known(frozenset(kept), accepting)

    def _known(self, places: frozenset[Place], accepting: bool) -> State:
        key = (places, accepting)
        if key not in self._states:
            if len(self._states) >= MOST_STATES:
                self._forget()
            self._states[key] = State(places, accepting=accepting)
        return self._states[key]

    def _forget(self) -> None:
        """Let go of all states but the first; whoever holds one goes on with it."""
        self._states = {(self.start.places, self.start.accepting): self.start}
        self.start.row = [None] * 256
        self._cells.clear()

    def _cell(self, node: int, below: Cell | None) -> Cell:
        key = (node, below)
        if key not in self._cells:
            self._cells[key] = Cell(node, below)
        return self._cells[key]

    def _freedom(self, state: State) -> Free:
        for _ in range(3):  # out of the middle of a character
            state = self._inside(state) or state
        but, most = HALVES, 0
        met = {state}
        while most < LONG:
            nearest, barred = self.common(state)
            if nearest is None:
                return Free(but, most, self.is_closed(state, but)) if most else UNKNOWN
            if most and barred & ~but:
                break
            but |= barred
            most += 1
            if nearest in met:
                return Free(but, FAR, False)  # nothing more is barred on the way around
            met.add(nearest)
            state = nearest
        return Free(but, most, False)

    def _inside(self, state: State) -> State | None:
        """Return where every byte leads that may go on inside a character; None if not one."""
        if len(state.places) > MOST_LOOKED_AT or self.step(state, 0x20):
            return None
        after = {self.step(state, byte) for byte in range(0x80, 0xC0)}
        return after.pop() if len(after) == 1 else None

    def is_closed(self, state: State, but: int) -> bool:
        """Say whether no character outside `but` may follow."""
        plain = [byte for byte in range(128) if not but >> byte & 1]
        leads = range(0x80, 0x100) if not but & FOREIGN else ()
        return not any(self.step(state, byte) for byte in (*plain, *leads))

    def common(self, state: State) -> tuple[State | None, int]:
        """Return where most characters lead to, and the bits of those that lead elsewhere.

        None where few lead to one place.
        """
        if state.common is None:
            state.common = self._counted(state)
        return state.common

    def _counted(self, state: State) -> tuple[State | None, int]:
        if len(state.places) > MOST_LOOKED_AT:
            return None, 0
        after = [self.step(state, byte) for byte in range(128)]
        counts: dict[State, int] = {}
        for each in after:
            if each is not None:
                counts[each] = counts.get(each, 0) + 1
        if not counts:
            return None, 0
        nearest = max(counts, key=lambda each: (counts[each], each is state))
        if counts[nearest] < FEW:
            return None, 0
        barred = sum(1 << byte for byte, each in enumerate(after) if each is not nearest)
        if not self._takes_foreign(state, nearest):
            barred |= FOREIGN
        return nearest, barred

    def _takes_foreign(self, state: State, wanted: State) -> bool:
        """Say whether every character outside ASCII leads to `wanted`."""
        todo: set[tuple[State | None, int, int, int]] = set()
        for lead in range(0xC2, 0xF5):
            count = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
            low = {0xE0: 0xA0, 0xF0: 0x90}.get(lead, 0x80)
            high = {0xED: 0x9F, 0xF4: 0x8F}.get(lead, 0xBF)
            todo.add((self.step(state, lead), low, high, count))
        while todo:
            place, low, high, count = todo.pop()
            if place is None or (not count and place is not wanted):
                return False
            if count:
                after = {self.step(place, byte) for byte in range(low, high + 1)}
                todo |= {(each, 0x80, 0xBF, count - 1) for each in after}
        return True
