"""Groups digits in threes from the right, as an expression could only in quadratic time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from wgslm.text.characters import LAST
from wgslm.text.expressions import translated


@dataclass(frozen=True)
class Threes:
    """Cuts 12345 into 12 and 345; `attached`, it leaves what stands before and after with them."""

    runs: str  # the expression of what is grouped
    attached: bool = False

    def split(self, text: str, *, beyond: bool) -> Iterator[str]:
        """Return the pieces of a text in order."""
        done = 0
        for run in self._pattern.finditer(text):
            start, stop = run.span()
            cuts = range(start + (stop - start) % 3, stop, 3)
            for cut in cuts if self.attached else (start, *cuts, stop):
                if cut > done:
                    yield text[done:cut]
                    done = cut
        if done < len(text):
            yield text[done:]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(translated(self.runs, LAST))


# \p{N}+, whatever follows.
NUMBERS = Threes(r"\p{N}+")
# \d{1,3}(?=(?:\d{3})*\b): digits that a word goes on after are no number.
WHOLE_NUMBERS = Threes(r"\d++(?![\p{L}\p{M}\p{Nd}\p{Pc}])")
# (?=(\d{3})+(?!\d)), which matches nothing but the cuts.
THOUSANDS = Threes(r"\d++", attached=True)
