"""Lowers rules to one graph of bytes with calls, and drops from it what leads nowhere.

A node has byte edges, moves without a byte, and calls of other rules, which need a stack.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from wgslm.errors import RequestError
from wgslm.grammar.characters import Ranges, utf8
from wgslm.grammar.expression import (
    Chars,
    Either,
    Expression,
    Graph,
    Repeat,
    Row,
    Rule,
    Text,
    depth_of,
)

MOST_NODES = 100_000
MOST_DEPTH = 200  # of nested expressions
ROOT = "root"

Edge = tuple[int, int, int]  # first and last byte (or code point), target


@dataclass(frozen=True)
class Program:
    """A grammar as a graph; index by node."""

    start: int
    edges: tuple[tuple[Edge, ...], ...]
    moves: tuple[tuple[int, ...], ...]
    calls: tuple[tuple[tuple[int, int], ...], ...]  # first node of the rule, where it returns to
    ends: frozenset[int]  # of rules
    tails: frozenset[int]  # nodes that only lead to the end of their rule


class Lowering:
    """Nodes under construction. `by_bytes` lowers characters to UTF-8; else they stay."""

    def __init__(self, *, by_bytes: bool = True, most: int = MOST_NODES) -> None:
        """Start without a node."""
        self.edges: list[list[Edge]] = []
        self.moves: list[list[int]] = []
        self.calls: list[list[tuple[str, int]]] = []
        self.parts: dict[str, Expression] = {}  # repeated, made rules to be written once
        self._by_bytes = by_bytes
        self._most = most

    def node(self) -> int:
        """Return a new node."""
        if len(self.edges) >= self._most:
            raise RequestError(
                f"the grammar needs more than {self._most:,} nodes; repeat fewer times or less",
                "grammar",
            )
        self.edges.append([])
        self.moves.append([])
        self.calls.append([])
        return len(self.edges) - 1

    def add(self, part: Expression, start: int, end: int) -> None:
        """Add the ways from `start` to `end`."""
        match part:
            case Chars(ranges):
                self._chars(ranges, start, end)
            case Text(text):
                self._text(text, start, end)
            case Row(parts):
                for each in parts[:-1]:
                    self.add(each, start, start := self.node())
                if parts:
                    self.add(parts[-1], start, end)
                else:
                    self.moves[start].append(end)
            case Either(parts):
                for each in parts:
                    self.add(each, start, end)
            case Repeat(each, least, most):
                self._repeat(each, least, most, start, end)
            case Rule(name):
                self.calls[start].append((name, end))
            case Graph():
                self._graph(part, start, end)

    def _chars(self, ranges: Ranges, start: int, end: int) -> None:
        if not self._by_bytes:
            self.edges[start] += [(low, high, end) for low, high in ranges]
            return
        tails: dict[tuple[tuple[int, int], ...], int] = {(): end}

        def tail(sequence: tuple[tuple[int, int], ...]) -> int:
            if sequence not in tails:
                tails[sequence] = node = self.node()
                (low, high), *rest = sequence
                self.edges[node].append((low, high, tail(tuple(rest))))
            return tails[sequence]

        for (low, high), *rest in utf8(ranges):
            self.edges[start].append((low, high, tail(tuple(rest))))

    def _text(self, text: str, start: int, end: int) -> None:
        codes = list(text.encode()) if self._by_bytes else [ord(c) for c in text]
        for code in codes[:-1]:
            after = self.node()
            self.edges[start].append((code, code, after))
            start = after
        if codes:
            self.edges[start].append((codes[-1], codes[-1], end))
        else:
            self.moves[start].append(end)

    def _repeat(self, part: Expression, least: int, most: int | None, start: int, end: int) -> None:
        copies = least + 1 if most is None else most
        if copies > self._most:
            raise RequestError(
                f"the grammar repeats something {copies:,} times; at most {self._most:,} "
                "are possible",
                "grammar",
            )
        if copies > 2 and self._by_bytes and not isinstance(part, Rule):
            name = f"repeated {len(self.parts)}"
            self.parts[name] = part
            part = Rule(name)
        here = self.node()
        self.moves[start].append(here)
        for _ in range(least):
            self.add(part, here, here := self.node())
        if most is None:
            loop = self.node()  # of its own, so that nothing else leads back
            self.moves[here].append(loop)
            self.add(part, loop, loop)
            here = loop
        else:
            for _ in range(most - least):
                self.moves[here].append(end)
                self.add(part, here, here := self.node())
        self.moves[here].append(end)

    def _graph(self, graph: Graph, start: int, end: int) -> None:
        nodes = [self.node() for _ in graph.edges]
        self.moves[start].append(nodes[0])
        for state, node in enumerate(nodes):
            if state in graph.accepting:
                self.moves[node].append(end)
            for label, target in graph.edges[state]:
                self.add(label, node, nodes[target])


def lower(rules: Mapping[str, Expression]) -> Program:
    """Return the program of rules that starts with "root"; refuse what has no text."""
    if depth_of(list(rules.values())) > MOST_DEPTH:
        raise RequestError(
            f"the grammar is nested more than {MOST_DEPTH} deep; split it into rules", "grammar"
        )
    lowering, spans = Lowering(), {ROOT: (0, 0)}
    names = [ROOT]
    while names:
        name = names.pop()
        expression = lowering.parts.get(name) or rules.get(name)
        if expression is None:
            raise RequestError(f"the grammar has no rule {name!r}", "grammar")
        start, end = spans[name] = lowering.node(), lowering.node()
        first = len(lowering.calls) - 2
        lowering.add(expression, start, end)
        for calls in lowering.calls[first:]:
            for called, _ in calls:
                if called not in spans:
                    spans[called] = (0, 0)
                    names.append(called)
    return _finish(lowering, spans)


def _finish(lowering: Lowering, spans: Mapping[str, tuple[int, int]]) -> Program:
    ends = {end for _, end in spans.values()}
    calls = [[(spans[name][0], to) for name, to in each] for each in lowering.calls]
    targets = [[to for _, _, to in each] for each in lowering.edges]
    good = _reaching(ends, lowering.moves, targets, calls)
    start = spans[ROOT][0]
    if start not in good:
        raise RequestError("no text at all satisfies the grammar", "grammar")
    edges = [tuple(e for e in each if e[2] in good) for each in lowering.edges]
    moves = [tuple(dict.fromkeys(to for to in each if to in good)) for each in lowering.moves]
    kept = [tuple(c for c in each if c[0] in good and c[1] in good) for each in calls]
    empty = _reaching(ends, moves, [()] * len(moves), kept)
    _refuse_left_recursion({s: name for name, (s, _) in spans.items()}, moves, kept, empty)
    return Program(
        start, tuple(edges), tuple(moves), tuple(kept), frozenset(ends),
        _tails(ends, edges, moves, kept),
    )  # fmt: skip


def _reaching(
    ends: set[int],
    moves: Iterable[Iterable[int]],
    targets: Iterable[Iterable[int]],
    calls: Iterable[Iterable[tuple[int, int]]],
) -> set[int]:
    """Return the nodes from which their rule's end can be reached."""
    before: dict[int, list[int]] = {}
    for node, tos in [*enumerate(moves), *enumerate(targets)]:
        for to in tos:
            before.setdefault(to, []).append(node)
    waiting: dict[int, list[tuple[int, int]]] = {}  # on a rule's start, or on a return
    for node, each in enumerate(calls):
        for start, to in each:
            waiting.setdefault(start, []).append((to, node))
            waiting.setdefault(to, []).append((start, node))
    found, todo = set(ends), list(ends)
    while todo:
        node = todo.pop()
        ready = before.get(node, []) + [n for other, n in waiting.get(node, []) if other in found]
        for each_node in ready:
            if each_node not in found:
                found.add(each_node)
                todo.append(each_node)
    return found


def _tails(
    ends: set[int],
    edges: list[tuple[Edge, ...]],
    moves: list[tuple[int, ...]],
    calls: list[tuple[tuple[int, int], ...]],
) -> frozenset[int]:
    tails = set(ends)
    is_changed = True
    while is_changed:  # a few rounds: chains are short
        is_changed = False
        for node in range(len(edges) - 1, -1, -1):
            if node in tails or edges[node] or calls[node] or not moves[node]:
                continue
            if tails.issuperset(moves[node]):
                tails.add(node)
                is_changed = True
    return frozenset(tails)


def _refuse_left_recursion(
    names: Mapping[int, str],
    moves: list[tuple[int, ...]],
    calls: list[tuple[tuple[int, int], ...]],
    empty: set[int],
) -> None:
    """Refuse a rule that can call itself before any byte: its stack would grow for ever."""

    def first_calls(start: int) -> list[int]:
        called, seen, todo = [], {start}, [start]
        while todo:
            node = todo.pop()
            tos = list(moves[node])
            for rule, to in calls[node]:
                called.append(rule)
                tos += [to] if rule in empty else []
            todo += [to for to in tos if to not in seen]
            seen.update(tos)
        return called

    _refuse_cycles(list(names), first_calls, names)


def _refuse_cycles(
    starts: list[int], following: Callable[[int], list[int]], names: Mapping[int, str]
) -> None:
    done: set[int] = set()
    for start in starts:
        path, on_path = [(start, iter(following(start)))], {start}
        if start in done:
            continue
        while path:
            node, rest = path[-1]
            to = next(rest, None)
            if to is None:
                path.pop()
                on_path.discard(node)
                done.add(node)
            elif to in on_path:
                raise RequestError(
                    f"rule {names[to]!r} begins with itself (left recursion), so reading it would "
                    "never end; write it as a repetition, or let it begin with something else",
                    "grammar",
                )
            elif to not in done:
                on_path.add(to)
                path.append((to, iter(following(to))))
