"""What every kind of grammar is read into: expressions over characters, with named rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wgslm.grammar.characters import Ranges, single, union


@dataclass(frozen=True)
class Chars:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True)
class Text:
    """These characters."""

    text: str


@dataclass(frozen=True)
class Row:
    """One part after the other."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Either:
    """One of the parts; none of them where there is no part."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Repeat:
    """A part from `least` to `most` times; None: any number."""

    part: "Expression"
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Rule:
    """What a name stands for; this is how a grammar refers to itself."""

    name: str


@dataclass(frozen=True)
class Graph:
    """An automaton: `edges[state]` are labels and targets; it starts in state 0."""

    edges: tuple[tuple[tuple["Expression", int], ...], ...]
    accepting: frozenset[int]


Expression: TypeAlias = Chars | Text | Row | Either | Repeat | Rule | Graph
NOTHING = Either(())
EMPTY = Row(())


def row(*parts: Expression | str) -> Expression:
    """Return the parts one after the other; strings stand for themselves."""
    return Row(tuple(Text(part) if isinstance(part, str) else part for part in parts))


def either(parts: Iterable[Expression | str]) -> Expression:
    """Return a choice."""
    known = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return known[0] if len(known) == 1 else Either(known)


def optional(part: Expression) -> Expression:
    """Return the part or nothing."""
    return Repeat(part, 0, 1)


def one_of(characters: str) -> Chars:
    """Return one of these characters."""
    return Chars(union(single(character) for character in characters))


def depth_of(parts: Sequence[Expression]) -> int:
    """Return how deep expressions are nested, without recursion."""
    deepest, todo = 0, [(part, 1) for part in parts]
    while todo:
        part, depth = todo.pop()
        deepest = max(deepest, depth)
        match part:
            case Row(inner) | Either(inner):
                todo += [(each, depth + 1) for each in inner]
            case Repeat(each):
                todo.append((each, depth + 1))
    return deepest
