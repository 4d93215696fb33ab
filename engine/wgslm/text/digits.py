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
    unless: str = "(?!)"  # the expression of what may not follow; this one never matches
    attached: bool = False

    def split(self, text: str, *, beyond: bool) -> Iterator[str]:
        """Return the pieces of a text in order."""
        done = 0
        for run in self._pattern.finditer(text):
            start, stop = run.span(1)
            if start < 0:
                continue
            cuts = range(start + (stop - start) % 3, stop, 3)
            for cut in cuts if self.attached else (start, *cuts, stop):
                if cut > done:
                    yield text[done:cut]
                    done = cut
        if done < len(text):
            yield text[done:]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # The second alternative takes a run that counts not, so that it is looked at only once.
        return re.compile(translated(f"({self.runs})(?!{self.unless})|{self.runs}", LAST))


# \p{N}+, whatever follows.
NUMBERS = Threes(r"\p{N}++")
# \d{1,3}(?=(?:\d{3})*\b): digits that a word goes on after are no number.
WHOLE_NUMBERS = Threes(r"\d++", unless=r"[\p{L}\p{M}\p{N}\p{Pc}]")
# (?=(\d{3})+(?!\d)), which matches nothing but the cuts.
THOUSANDS = Threes(r"\d++", attached=True)
