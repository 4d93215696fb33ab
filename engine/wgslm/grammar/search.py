"""Texts around marks: up to one, without any, and with something said after each that comes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from wgslm.grammar.characters import Ranges, complement, intersection, single, union
from wgslm.grammar.expression import Chars, Expression, Graph


def until(mark: str, barred: Sequence[str] = ()) -> Expression:
    """Return the texts that end where `mark` comes for the first time; none has one of `barred`."""
    return _Search([mark, *barred]).graph({mark: None}, may_end=False)


def without(marks: Sequence[str]) -> Graph:
    """Return the texts in which none of the marks comes."""
    return _Search(marks).graph({}, may_end=True)


def marked(
    after: Mapping[str, Expression],
    back: Mapping[str, Expression],
    *,
    first: Ranges | None = None,
) -> Graph:
    """Return texts in which each mark is followed by what belongs to it.

    What is `after` a mark ends the text; after what brings it `back` the text goes on. `first`
    are the only characters that it may begin with, if it has any.
    """
    return _Search([*after, *back]).graph({**after, **back}, may_end=True, back=back, first=first)


class _Search:
    """Aho and Corasick's automaton: a state is the longest beginning of a mark that came last."""

    def __init__(self, marks: Sequence[str]) -> None:
        self._marks = [mark for mark in dict.fromkeys(marks) if mark]
        beginnings = {mark[:length] for mark in self._marks for length in range(len(mark))}
        self._states = sorted(beginnings, key=lambda text: (len(text), text)) or [""]
        self._numbers = {text: number for number, text in enumerate(self._states)}
        self._signs = sorted(set("".join(self._marks)))
        self._others = complement(union(single(sign) for sign in self._signs))

    def graph(
        self,
        after: Mapping[str, Expression | None],
        *,
        may_end: bool,
        back: Iterable[str] = (),
        first: Ranges | None = None,
    ) -> Graph:
        """Return the automaton; a mark that nothing is said of never comes."""
        end = len(self._states)
        edges: list[list[tuple[Expression, int]]] = []
        more: list[list[tuple[Expression, int]]] = []
        come: dict[str, int] = {}  # the states in which a mark has come
        for mark, following in after.items():
            if following is not None:
                come[mark] = end + 1 + len(more)
                more.append([(following, 0 if mark in back else end)])
            else:
                come[mark] = end
        for state in self._states:
            edges.append([(Chars(ranges), to) for to, ranges in self._moves(state, come).items()])
        accepting = {end, *(range(end) if may_end else ())}
        if first is not None:
            edges, more, accepting = _limited(edges, more, accepting, first)
        return Graph(tuple(map(tuple, [*edges, [], *more])), frozenset(accepting))

    def _moves(self, state: str, come: Mapping[str, int]) -> dict[int, Ranges]:
        sets: dict[int, list[Ranges]] = defaultdict(list)
        sets[0].append(self._others)
        for sign in self._signs:
            text = state + sign
            whole = [mark for mark in self._marks if text.endswith(mark)]
            if whole:
                if max(whole, key=len) in come:
                    sets[come[max(whole, key=len)]].append(single(sign))
                continue
            while text not in self._numbers:
                text = text[1:]
            sets[self._numbers[text]].append(single(sign))
        return {to: union(ranges) for to, ranges in sets.items()}


Edges = list[list[tuple[Expression, int]]]


def _limited(
    edges: Edges, more: Edges, accepting: set[int], first: Ranges
) -> tuple[Edges, Edges, set[int]]:
    """Put a state before the first that only some characters leave."""
    start: list[tuple[Expression, int]] = []
    for label, to in edges[0]:
        assert isinstance(label, Chars)
        start.append((Chars(intersection(label.ranges, first)), to + 1))
    moved = [[(label, to + 1) for label, to in each] for each in edges]
    rest = [[(label, to + 1) for label, to in each] for each in more]
    return [start, *moved], rest, {0, *(state + 1 for state in accepting)}
