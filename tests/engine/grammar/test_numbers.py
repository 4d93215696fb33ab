"""Numbers between bounds, against decimal arithmetic."""

import random
import re
from decimal import Decimal

from wgslm.errors import RequestError
from wgslm.grammar import Grammar
from wgslm.grammar.numbers import Bounds, number

LIMITS = [0, 1, -1, 10, -10, 99, 100, -100, 0.5, -0.5, 2.25, 1e6, -33.125]
STEPS = "0 1 -1 0.1 -0.1 0.01 -0.01 0.001 -0.001 10 -10 1000 7 3 0.25".split()
ODD = ["-0", "-0.0", "0.0", "12", "-123", "1234567", "01", "-", "1.", ".5", "+1", "", "1.50"]


def is_within(text: str, b: Bounds, *, is_integer: bool) -> bool:
    if not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text):
        return False
    value = Decimal(text)
    return (
        not ("." in text and (is_integer or b.multiple))
        and (b.low is None or value >= b.low)
        and (b.high is None or value <= b.high)
        and (b.above is None or value > b.above)
        and (b.below is None or value < b.below)
        and (b.multiple is None or value % b.multiple == 0)
    )


def test_numbers_between_bounds_are_those_and_no_others() -> None:
    chance = random.Random(1)

    def limit() -> Decimal | None:
        given = chance.choice([*LIMITS, chance.randint(-500_000, 500_000) / 100])
        return Decimal(repr(given)) if chance.random() < 0.35 else None

    for _ in range(80):
        is_integer = chance.random() < 0.5
        multiple = chance.choice([None, None, 3, 7, 10]) if is_integer else None
        bounds = Bounds(limit(), limit(), limit(), limit(), multiple)
        limits = [n for n in (bounds.low, bounds.high, bounds.above, bounds.below) if n is not None]
        texts = {f"{n + Decimal(step):f}" for n in [*limits, Decimal()] for step in STEPS}
        try:
            grammar = Grammar({"root": number(bounds, is_integer=is_integer)})
            found = {text for text in {*texts, *ODD} if grammar.accepts(text)}
        except RequestError:
            found = set()

        wanted = {t for t in {*texts, *ODD} if is_within(t, bounds, is_integer=is_integer)}
        assert found == wanted, bounds


def test_free_numbers_are_json_numbers() -> None:
    grammar = Grammar({"root": number(Bounds(), is_integer=False)})

    good = ["0", "-0", "12.50", "1e5", "1E+05", "-2.5e-10"]
    bad = ["", "-", "01", "1.", ".5", "+1", "1e", "1e999", "NaN", "0x1"]
    assert [text for text in good if not grammar.accepts(text)] == []
    assert [text for text in bad if grammar.accepts(text)] == []
