"""The names of split models: `model-00002-of-00003.gguf` is part 2 of 3."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from wgslm.errors import SourceError

F = TypeVar("F")

MOST_PARTS = 1000

# A query or fragment may follow in a URL; a path keeps its "?" before the last "/".
PART = re.compile(
    r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf(?P<rest>[?#].*)?", re.S
)


@dataclass(frozen=True)
class Part:
    """One file of a split model, as its name says."""

    stem: str
    number: int  # from 1
    count: int
    rest: str = ""  # a URL's query

    @property
    def location(self) -> str:
        """The path or URL of this part."""
        return f"{self.stem}-{self.number:05}-of-{self.count:05}.gguf{self.rest}"


def part_of(location: str) -> Part | None:
    """Return which part of a split model a path or URL names, or None for a whole model."""
    match = PART.fullmatch(location)
    if match is None:
        return None
    part = Part(match["stem"], int(match["number"]), int(match["count"]), match["rest"] or "")
    if not 1 <= part.number <= part.count <= MOST_PARTS:
        raise SourceError(
            f"{location!r} says it is part {part.number} of {part.count}; parts are numbered from "
            f"1 and there are at most {MOST_PARTS}"
        )
    return part


def all_parts(part: Part) -> list[Part]:
    """Return every part of the model that `part` belongs to, in order."""
    return [Part(part.stem, number, part.count, part.rest) for number in range(1, part.count + 1)]


def sort_parts(named: Sequence[tuple[str, F]]) -> list[tuple[Part | None, F]]:
    """Bring picked (name, file) pairs in order: one whole model or all parts of one split model."""
    parts = {part: file for name, file in named if (part := part_of(name)) is not None}
    if len(named) == 1 and not parts:
        return [(None, named[0][1])]
    names = ", ".join(name for name, _ in named) or "nothing"
    if not parts or len(parts) != len(named) or len({(p.stem, p.count) for p in parts}) != 1:
        raise SourceError(f"{names} was picked; pick one GGUF file, or all parts of one split GGUF")
    wanted = all_parts(next(iter(parts)))
    missing = [part.location for part in wanted if part not in parts]
    if missing:
        raise SourceError(
            f"{names} was picked, but this model has {len(wanted)} parts; pick them all together: "
            f"{', '.join(missing[:5])} {'is' if len(missing) == 1 else 'are'} missing"
        )
    return [(part, parts[part]) for part in wanted]
