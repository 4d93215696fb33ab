"""The hand-written guide: facts with many phrasings, read from `guide/*.txt`, made into chats.

The files' form, one block per fact, blank lines between blocks:

    == name
    ? a question {in|with} alternatives        (several lines: several phrasings)
    ! an answer                                (several lines: the same fact in other words)
    > a follow-up that makes sense only now
    < its answer

A line that starts with `#` is a comment. `{a|b|}` picks one alternative; it may be nested.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demo.train.conversation import Conversation, Turn, assistant, user

FOLDER = Path(__file__).with_name("guide")
_CHOICE = re.compile(r"\{([^{}]*)\}")
_KINDS = {"? ": "question", "! ": "answer", "> ": "follow question", "< ": "follow answer"}


@dataclass(frozen=True)
class Exchange:
    """Ways to ask one thing, and ways to answer it."""

    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def turns(self, chance: random.Random) -> list[Turn]:
        """Return one asking and one answer."""
        question = colloquial(expand(chance.choice(self.questions), chance), chance)
        return [user(question), assistant(expand(chance.choice(self.answers), chance))]


@dataclass(frozen=True)
class Fact(Exchange):
    """An exchange with a name, and what may be asked right after it."""

    name: str = ""
    follow_ups: list[Exchange] = field(default_factory=list)


def read_facts(folder: Path = FOLDER) -> dict[str, list[Fact]]:
    """Return the facts of every guide file, by the file's name."""
    return {path.stem: _read_file(path) for path in sorted(folder.glob("*.txt"))}


def expand(text: str, chance: random.Random) -> str:
    """Pick one alternative of every `{a|b}`, the innermost first."""
    while found := _CHOICE.search(text):
        text = text[: found.start()] + chance.choice(found[1].split("|")) + text[found.end() :]
    return re.sub(r"  +", " ", text).strip()


def colloquial(text: str, chance: random.Random) -> str:
    """Write a question the way people type: often without capitals or marks, rarely mistyped."""
    if chance.random() < 0.35:
        text = text.lower()
    if chance.random() < 0.35:
        text = text.rstrip("?.!")
    if chance.random() < 0.1:
        text = text.replace("'", "")
    if chance.random() < 0.08:
        text = chance.choice(("hey, ", "hi, ", "ok, ", "so ", "and ", "please, ", "hm, ")) + text
    if chance.random() < 0.05 and len(text) > 12:
        at = chance.randrange(4, len(text) - 1)
        swap = text[at + 1] + text[at] if chance.random() < 0.5 else text[at]
        text = text[:at] + swap + text[at + 2 :]
    return text


def chats(
    facts: Sequence[Fact], openings: Sequence[Fact], closings: Sequence[Fact], seed: int
) -> Iterator[Conversation]:
    """Yield chats for ever: one to six facts, with greetings, follow-ups and farewells."""
    chance = random.Random(seed)
    while True:
        turns: list[Turn] = []
        if chance.random() < 0.2:
            turns += chance.choice(openings).turns(chance)
        for _ in range(chance.choice((1, 1, 1, 1, 2, 2, 3, 4, 6))):
            fact = chance.choice(facts)
            turns += fact.turns(chance)
            follow_ups = list(fact.follow_ups)
            chance.shuffle(follow_ups)
            for follow_up in follow_ups[: chance.choice((0, 1, 1, 2, 3))]:
                turns += follow_up.turns(chance)
        if chance.random() < 0.15:
            turns += chance.choice(closings).turns(chance)
        yield tuple(turns)


def _read_file(path: Path) -> list[Fact]:
    facts: list[Fact] = []
    latest = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("== "):
            facts.append(Fact(name=f"{path.stem}.{line[3:].strip()}"))
            latest = ""
            continue
        kind = _KINDS.get(line[:2])
        if kind is None or not facts:
            raise ValueError(f"{path.name}:{number}: {line!r} starts with none of == ? ! > < #")
        if kind == "follow question" and latest != kind:
            facts[-1].follow_ups.append(Exchange())
        target = facts[-1].follow_ups[-1] if kind.startswith("follow") else facts[-1]
        (target.questions if kind.endswith("question") else target.answers).append(line[2:])
        latest = kind
    for fact in facts:
        for part in (fact, *fact.follow_ups):
            if not part.questions or not part.answers:
                raise ValueError(f"{path.name}: {fact.name!r} lacks a question or an answer")
    return facts
