"""Deterministic automata over characters: for what needs "both" or "not", which graphs cannot say.

Their size is bounded; an expression that needs more is refused.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from wgslm.errors import RequestError
from wgslm.grammar.characters import ANY
from wgslm.grammar.expression import Chars, Expression, Graph
from wgslm.grammar.program import Edge, Lowering

BEGIN, END = 0x110000, 0x110001  # stand for where a text begins and ends; no characters
MOST_STATES = 3_000
MOST_NODES = 20_000
MOST_EDGES = 300_000
MOST_WORK = 200_000  # places in all states
MOST_PLACES = 400  # in one
DEAD = -1
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Automaton:
    """`edges[state]` are (first, last, target), sorted and apart; it starts in state 0."""

    edges: tuple[tuple[Edge, ...], ...]
    accepting: frozenset[int]

    @property
    def is_empty(self) -> bool:
        """Whether it accepts nothing; every state has been reached."""
        return not self.accepting

    def accepts(self, text: str) -> bool:
        """Say whether it accepts a text."""
        state = 0
        for character in text:
            point = ord(character)
            tos = [to for low, high, to in self.edges[state] if low <= point <= high]
            if not tos:
                return False
            state = tos[0]
        return state in self.accepting

    def graph(self) -> Graph:
        """Return it as an expression."""
        labelled = []
        for each in self.edges:
            by_target: dict[int, list[tuple[int, int]]] = defaultdict(list)
            for low, high, to in each:
                by_target[to].append((low, high))
            labelled.append(tuple((Chars(tuple(pairs)), to) for to, pairs in by_target.items()))
        return Graph(tuple(labelled), self.accepting)


EVERYTHING = Automaton((tuple((low, high, 0) for low, high in ANY),), frozenset({0}))


def determined(part: Expression) -> Automaton:
    """Return the automaton of an expression without rules."""
    nodes = Lowering(by_bytes=False, most=MOST_NODES)
    start, end = nodes.node(), nodes.node()
    nodes.add(part, start, end)
    work = 0

    def closed(places: Iterable[int]) -> frozenset[int]:
        todo = list(places)
        seen = set(todo)
        while todo:
            for to in nodes.moves[todo.pop()]:
                if to not in seen:
                    seen.add(to)
                    todo.append(to)
        nonlocal work
        work += len(seen)
        if work > MOST_WORK or len(seen) > MOST_PLACES:
            raise _too_many()
        return frozenset(place for place in seen if nodes.edges[place] or place == end)

    def following(places: frozenset[int]) -> list[tuple[int, int, frozenset[int]]]:
        edges = [edge for place in places for edge in nodes.edges[place]]
        return [(a, b, closed(tos)) for a, b, tos in _apart(edges)]

    return _explored(closed([start]), following, lambda places: end in places)


def intersection(a: Automaton, b: Automaton) -> Automaton:
    """Return what both accept."""
    return _product(a, b, lambda in_a, in_b: in_a and in_b, needs_b=True)


def difference(a: Automaton, b: Automaton) -> Automaton:
    """Return what only `a` accepts."""
    return _product(a, b, lambda in_a, in_b: in_a and not in_b, needs_b=False)


def words(texts: Iterable[str]) -> Automaton:
    """Return what accepts these texts only."""
    edges: list[dict[int, int]] = [{}]
    accepting = set()
    for text in texts:
        state = 0
        for character in text:
            to = edges[state].setdefault(ord(character), len(edges))
            if to == len(edges):
                edges.append({})
            state = to
        accepting.add(state)
    sorted_edges = tuple(tuple((c, c, to) for c, to in sorted(each.items())) for each in edges)
    return Automaton(sorted_edges, frozenset(accepting))


def _product(
    a: Automaton, b: Automaton, keep: Callable[[bool, bool], bool], *, needs_b: bool
) -> Automaton:
    def following(pair: tuple[int, int]) -> list[tuple[int, int, tuple[int, int]]]:
        left = a.edges[pair[0]]
        right = b.edges[pair[1]] if pair[1] != DEAD else ()
        found: list[tuple[int, int, tuple[int, int]]] = []
        marked = [(low, high, (0, to)) for low, high, to in left]
        marked += [(low, high, (1, to)) for low, high, to in right]
        for low, high, tos in _apart(marked):
            sides = dict(tos)
            if 0 in sides and (1 in sides or not needs_b):
                found.append((low, high, (sides[0], sides.get(1, DEAD))))
        return found

    return _explored(
        (0, 0), following, lambda pair: keep(pair[0] in a.accepting, pair[1] in b.accepting)
    )


def _explored(
    start: S,
    following: Callable[[S], list[tuple[int, int, S]]],
    is_accepting: Callable[[S], bool],
) -> Automaton:
    """Return the automaton of all states that can be reached and can reach an accepting one."""
    numbers, order = {start: 0}, [start]
    edges: list[list[Edge]] = []
    total = 0
    for state in order:
        row: list[Edge] = []
        for low, high, to in following(state):
            if to not in numbers:
                numbers[to] = len(order)
                order.append(to)
            row.append((low, high, numbers[to]))
        edges.append(row)
        total += len(row)
        if len(order) > MOST_STATES or total > MOST_EDGES:
            raise _too_many()
    accepting = {number for number, state in enumerate(order) if is_accepting(state)}
    good = _leading_to(accepting, edges)
    kept = tuple(tuple(edge for edge in row if edge[2] in good) for row in edges)
    return Automaton(kept, frozenset(accepting))


def _too_many() -> RequestError:
    return RequestError(
        f"a pattern or its combination with others needs more than {MOST_STATES:,} states, or too "
        "much work; make it simpler",
        "pattern",
    )


def _leading_to(accepting: set[int], edges: list[list[Edge]]) -> set[int]:
    before: dict[int, list[int]] = defaultdict(list)
    for state, row in enumerate(edges):
        for _, _, to in row:
            before[to].append(state)
    good, todo = set(accepting), list(accepting)
    while todo:
        for state in before[todo.pop()]:
            if state not in good:
                good.add(state)
                todo.append(state)
    return good


def _apart(edges: Iterable[tuple[int, int, T]]) -> list[tuple[int, int, frozenset[T]]]:
    """Cut overlapping ranges so that each has one set of targets; sorted."""
    events: list[tuple[int, int, T]] = []
    for low, high, to in edges:
        events += [(low, 1, to), (high + 1, -1, to)]
    events.sort(key=lambda event: event[0])
    active: dict[T, int] = defaultdict(int)
    found: list[tuple[int, int, frozenset[T]]] = []
    at = 0
    for point, change, to in events:
        targets = frozenset(each for each, count in active.items() if count)
        if point > at and targets:
            found.append((at, point - 1, targets))
        active[to] += change
        at = point
    return found
