"""JSON's numbers, also between bounds, as expressions over their digits.

Whole numbers have at most 16 digits and bounded fractions at most 15 in all, so that a double
tells each apart from every bound.
"""

from dataclasses import dataclass
from decimal import Decimal

from wgslm.errors import RequestError
from wgslm.grammar.automaton import Automaton, determined, intersection
from wgslm.grammar.characters import DIGIT
from wgslm.grammar.expression import (
    EMPTY,
    NOTHING,
    Chars,
    Expression,
    Repeat,
    Text,
    either,
    one_of,
    optional,
    row,
)

MOST_DIGITS = 16
DOUBLE_DIGITS = 15
MOST_MULTIPLE = 1_000
ANY_DIGIT, NOT_ZERO = Chars(DIGIT), one_of("123456789")
WHOLE = either(["0", row(NOT_ZERO, Repeat(ANY_DIGIT, 0, MOST_DIGITS - 1))])
INTEGER = row(optional(Text("-")), WHOLE)
FRACTION = row(".", Repeat(ANY_DIGIT, 1, MOST_DIGITS))
EXPONENT = row(one_of("eE"), optional(one_of("+-")), Repeat(ANY_DIGIT, 1, 2))
NUMBER = row(INTEGER, optional(FRACTION), optional(EXPONENT))


@dataclass(frozen=True)
class Bounds:
    """What a number must be; None: no bound."""

    low: Decimal | None = None
    high: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    multiple: int | None = None  # 1 to MOST_MULTIPLE


NO_BOUNDS = Bounds()


def number(bounds: Bounds, *, is_integer: bool) -> Expression:
    """Return the numbers within bounds; NOTHING where there is none."""
    is_integer = is_integer or bounds.multiple is not None
    if bounds == NO_BOUNDS or bounds == Bounds(multiple=1):
        return INTEGER if is_integer else NUMBER
    limits = [b for b in (bounds.low, bounds.high, bounds.above, bounds.below) if b is not None]
    wide = max((len(_split(limit)[0]) for limit in limits), default=1)
    is_between = {bounds.low, bounds.above} != {None} != {bounds.high, bounds.below}
    least = wide if is_between else max(9, wide)
    most = MOST_DIGITS if is_integer else min(DOUBLE_DIGITS, least)
    places = 0 if is_integer else max(0, DOUBLE_DIGITS - most)
    digits = _Digits(most, places)
    positive, negative = [digits.any()], [digits.any()]
    for limit, is_strict in ((bounds.low, False), (bounds.above, True)):
        if limit is not None:
            _narrow(digits, positive, negative, limit, is_strict=is_strict)
    for limit, is_strict in ((bounds.high, False), (bounds.below, True)):
        if limit is not None:
            _narrow(digits, negative, positive, -limit, is_strict=is_strict)
    above, below = _all_of(positive, bounds.multiple), _all_of(negative, bounds.multiple)
    if above == below == NOTHING and wide > most:
        raise RequestError(
            f"the JSON schema has {_widest(bounds)}; only numbers of at most {most} digits before "
            "the point can be written",
            "json_schema",
        )
    return either([above, row("-", below)])


def _widest(b: Bounds) -> str:
    """Return the bound that is farthest from 0, by its keyword."""
    names = {"minimum": b.low, "maximum": b.high}
    names |= {"exclusiveMinimum": b.above, "exclusiveMaximum": b.below}
    given = [(limit, name) for name, limit in names.items() if limit is not None]
    limit, name = max(given, key=lambda pair: abs(pair[0]))
    return f"{name!r} of {limit:.0e}"


def multiples(of: int) -> Automaton:
    """Return the multiples of a number without a sign; leading zeros too."""
    edges = tuple(
        tuple((0x30 + digit, 0x30 + digit, (10 * left + digit) % of) for digit in range(10))
        for left in range(of)
    )
    return Automaton(edges, frozenset({0}))


def _narrow(
    digits: "_Digits",
    same: list[Expression],
    other: list[Expression],
    limit: Decimal,
    *,
    is_strict: bool,
) -> None:
    """Keep what is at least `limit`: `same` are magnitudes of positive numbers, `other` not."""
    whole, fraction = _split(limit)
    if limit > 0:
        same.append(digits.above(whole, fraction, is_strict=is_strict))
        other.append(NOTHING)
    else:
        other.append(digits.below(whole, fraction, is_strict=is_strict))
        if limit == 0 and is_strict:
            same.append(digits.above("0", "", is_strict=True))


def _all_of(parts: list[Expression], multiple: int | None) -> Expression:
    """Return what all parts match; the first is any magnitude, which the others are within."""
    if NOTHING in parts:
        return NOTHING
    limits = parts[1:] or parts
    if len(limits) == 1 and multiple is None:
        return limits[0]
    found = determined(limits[0])
    for limit in limits[1:]:
        found = intersection(found, determined(limit))
    if multiple is not None:
        found = intersection(found, multiples(multiple))
    return NOTHING if found.is_empty else found.graph()


def _split(limit: Decimal) -> tuple[str, str]:
    """Return the digits of a magnitude before and after its point."""
    whole, _, fraction = f"{abs(limit):f}".partition(".")
    return whole.lstrip("0") or "0", fraction.rstrip("0")


class _Digits:
    """Magnitudes with up to `most` digits before the point and `places` after it."""

    def __init__(self, most: int, places: int) -> None:
        self._most = most
        self._rest = Repeat(ANY_DIGIT, 0, places)
        self._zeros = Repeat(Text("0"), 0, places)
        self._places = places
        self._fraction = optional(row(".", Repeat(ANY_DIGIT, 1, places))) if places else EMPTY

    def any(self) -> Expression:
        whole = either(["0", row(NOT_ZERO, Repeat(ANY_DIGIT, 0, self._most - 1))])
        return row(whole, self._fraction)

    def above(self, whole: str, fraction: str, *, is_strict: bool) -> Expression:
        """Return the magnitudes from a bound on, or only above it."""
        ways: list[Expression] = []
        if len(whole) < self._most:
            more = Repeat(ANY_DIGIT, len(whole), self._most - 1)
            ways.append(row(NOT_ZERO, more, self._fraction))
        if len(whole) <= self._most:
            for i, digit in enumerate(whole):
                ways.append(self._from(whole[:i], int(digit) + 1, 9, len(whole) - i - 1))
            ways.append(row(whole, self._fraction_above(fraction, is_strict=is_strict)))
        return either(ways)

    def below(self, whole: str, fraction: str, *, is_strict: bool) -> Expression:
        """Return the magnitudes up to a bound, or only below it."""
        if len(whole) > self._most:
            return self.any()
        ways: list[Expression] = []
        if len(whole) > 1:
            fewer = row(NOT_ZERO, Repeat(ANY_DIGIT, 0, len(whole) - 2))
            ways.append(row(either(["0", fewer]), self._fraction))
        for i, digit in enumerate(whole):
            least = 1 if i == 0 and len(whole) > 1 else 0
            ways.append(self._from(whole[:i], least, int(digit) - 1, len(whole) - i - 1))
        ways.append(row(whole, self._fraction_below(fraction, is_strict=is_strict)))
        return either(ways)

    def _from(self, begin: str, least: int, most: int, rest: int) -> Expression:
        if most < least:
            return NOTHING
        digit = Chars(((0x30 + least, 0x30 + most),))
        return row(begin, digit, Repeat(ANY_DIGIT, rest, rest), self._fraction)

    def _fraction_above(self, fraction: str, *, is_strict: bool) -> Expression:
        if not fraction and not is_strict:
            return self._fraction
        if not self._places:
            return NOTHING
        ways: list[Expression] = []
        for i, digit in enumerate(fraction):
            if digit != "9":
                more = Chars(((0x31 + int(digit), 0x39),))
                ways.append(row("." + fraction[:i], more, self._rest))
        if is_strict:
            ways.append(row("." + fraction, self._zeros, NOT_ZERO, self._rest))
        else:
            ways.append(row("." + fraction, self._rest))
        return either(ways)

    def _fraction_below(self, fraction: str, *, is_strict: bool) -> Expression:
        ways: list[Expression] = []
        if fraction or not is_strict:
            ways.append(EMPTY)
        if self._places:
            for i, digit in enumerate(fraction):
                if digit != "0":
                    less = Chars(((0x30, 0x2F + int(digit)),))
                    ways.append(row("." + fraction[:i], less, self._rest))
                if i:
                    ways.append(Text("." + fraction[:i]))
            if not is_strict:
                ways.append(row("." + fraction + ("" if fraction else "0"), self._zeros))
        return either(ways)
