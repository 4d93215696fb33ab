"""A vocabulary for grammars: the bytes of each token, in orders that make masks cheap.

Knows tokens as bytes and ids, nothing of how text becomes ids.
"""

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from wgslm.grammar.columns import Columns, by_length
from wgslm.grammar.followers import Followers
from wgslm.grammar.ordered import PAUSE, Ordered, in_order
from wgslm.grammar.plain import NOT_PLAIN, Plain, characters
from wgslm.pauses import Pausing

_NOT_PLAIN = re.compile(b"[" + re.escape(NOT_PLAIN) + b"]")
Other = tuple[int, bytes, bytes, int]  # characters before the end, the end, all of it, id


class Vocabulary:
    """The tokens that a grammar may choose from, numbered by ranks. Made by `arranging`.

    As most states of JSON are inside strings, tokens that are plain there come first. The others
    follow, in the order of what they have from the first byte on that is not plain; `ends` are
    those, by the number of characters before it, with ranks from the first other on.
    """

    def __init__(
        self,
        pieces: Sequence[bytes],
        end_ids: frozenset[int],
        specials: Mapping[int, bytes],
        plain: Plain,
        others: Followers,
        ends: Sequence[tuple[int, Ordered]],
        ids: "array[int]",
    ) -> None:
        """Take the parts; `ids` are by rank."""
        self.size = len(pieces)
        self.pieces = pieces
        self.end_ids, self.specials = end_ids, specials
        self.plain, self.others, self.ends = plain, others, ends
        self.ids = ids
        self.ranks = array("i", [-1]) * self.size  # by id; -1: it has none
        for rank, id in enumerate(ids):
            self.ranks[id] = rank
        self.plain_count, self.others_count = len(plain), len(ids) - len(plain)


def arranging(
    pieces: Sequence[bytes],
    end_ids: Iterable[int] = (),
    specials: Iterable[tuple[int, bytes]] = (),
) -> Pausing[Vocabulary]:
    """Arrange tokens by the bytes of each id; an id without any can never be chosen.

    `end_ids` end an answer; `specials` are control tokens and their text, for grammars that may
    write them.
    """
    pieces, ends = list(pieces), frozenset(end_ids)
    controls = {id: text for id, text in specials if id not in ends}
    for id in ends | controls.keys():
        pieces[id] = b""
    plain_ids, others = yield from _parted(pieces)
    plain_ids = yield from in_order(plain_ids, pieces)
    plain_ids, plain = yield from _plain(plain_ids, pieces)
    others.sort()
    ranked = list(enumerate(others))
    ordered = _ordered(sorted((piece, rank) for rank, (_, _, piece, _) in ranked))
    pieces_of_others = [piece for _, _, piece, _ in others]
    longest_first = by_length(pieces_of_others)
    places = array("I", longest_first)
    for place, rank in enumerate(longest_first):
        places[rank] = place
    columns = Columns([pieces_of_others[rank] for rank in longest_first], places)
    by_count = []
    for count, group in groupby(ranked, key=lambda each: each[1][0]):
        of_count = _ordered([(end, rank) for rank, (_, end, _, _) in group])
        by_count.append((count, of_count))
    for id, text in controls.items():
        pieces[id] = text
    ids = array("I", [*plain_ids, *(id for *_, id in others)])
    return Vocabulary(pieces, ends, controls, plain, Followers(ordered, columns), by_count, ids)


def _parted(pieces: Sequence[bytes]) -> Pausing[tuple[list[int], list[Other]]]:
    """Return the ids of plain tokens, and the others."""
    plain: list[int] = []
    others: list[Other] = []
    is_not_plain = _NOT_PLAIN.search
    for id, piece in enumerate(pieces):
        length = -1 if piece.isascii() and not is_not_plain(piece) else _plain_length(piece)
        if length >= 0:
            others.append((characters(piece[:length]), piece[length:], piece, id))
        elif piece:
            plain.append(id)
        if not id % PAUSE:
            yield
    return plain, others


def _plain(ids: Sequence[int], pieces: Sequence[bytes]) -> Pausing[tuple[list[int], Plain]]:
    """Rank plain tokens, given in the order of their bytes; return ids by rank too."""
    ordered = [pieces[id] for id in ids]
    by_rank = by_length(ordered)
    yield
    starts, stops = array("I", by_rank), array("I", by_rank)
    for rank, place in enumerate(by_rank):
        starts[place], stops[place] = rank, rank + 1
    ranked = [ordered[place] for place in by_rank]
    yield
    columns = Columns(ranked)
    plain = Plain(ranked, Followers(Ordered(ordered, starts, stops), columns))
    return [ids[place] for place in by_rank], plain


def _ordered(tokens: Sequence[tuple[bytes, int]]) -> Ordered:
    """Order tokens, sorted bytes with ranks; equal ones have neighbouring ranks."""
    pieces: list[bytes] = []
    starts, stops = array("I"), array("I")
    for piece, rank in tokens:
        if pieces[-1:] == [piece]:
            stops[-1] = rank + 1
            continue
        pieces.append(piece)
        starts.append(rank)
        stops.append(rank + 1)
    return Ordered(pieces, starts, stops)


def _plain_length(piece: bytes) -> int:
    """Count the bytes before the first that is not plain, as one inside half a character is not.

    -1 where all are plain.
    """
    found = _NOT_PLAIN.search(piece)
    end = found.start() if found else len(piece)
    if not piece.isascii():
        try:
            piece[:end].decode()
        except UnicodeDecodeError as error:
            return error.start
    return end if found else -1
