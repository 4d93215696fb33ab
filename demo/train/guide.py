"""The hand-written guide, read from `facts/*.txt`: facts, each with many phrasings.

The files' form, one block per fact, blank lines between blocks:

    == name
    ? a question {in|with} alternatives        (several lines: several phrasings)
    ! an answer                                (several lines: the same fact in other words)
    + what to say to "tell me more"
    > a follow-up that makes sense only now
    < its answer

A line that starts with `#` is a comment. `{a|b|}` picks one alternative; it may be nested. Short
forms stand for the usual phrasings: `?what NOUN`, `?how VERB`, `?can VERB`, `?story TOPIC`.
"""

import itertools
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

from demo.train.colloquial import colloquial
from demo.train.conversation import Turn, assistant, user

FOLDER = Path(__file__).with_name("facts")

FORMS = {
    "?what": (
        "{What is|What's|What are|whats|So what is} %s{ exactly| anyway| then|}?",
        "{Explain|Please explain|Can you explain|Could you explain} %s"
        "{ to me| in simple words| briefly| please|}.",
        "{Tell me|Can you tell me|Please tell me} {about|something about|what you know about} %s.",
        "{I'd like to know about|I want to know more about|what do you know about} %s.",
        "{I don't know|I have no idea|I keep reading about it, but I don't know|I wonder|"
        "do you know|can you tell me|remind me} what %s {is|means|are}.",
        "{What do you mean by|What is meant by|Define|Give me a definition of|Describe} %s",
        "What {does %s mean|is %s for|is %s all about|is %s good for}?",
    ),
    "?how": (
        "How {do I|can I|do you|would I|does one|to|should I} %s?",
        "{I want to|I would like to|I'd like to|I need to|I am trying to} %s"
        "{. How|. How do I do that|. What do I have to do|}?",
        "{Show me how to|Tell me how to|Explain how to|Help me to|Please help me} %s.",
        "{What's the way to|What is the best way to|What must I do to|What do I do to} %s?",
        "{Is there a way to|Is it hard to|Where do I click to|what are the steps to} %s?",
    ),
    "?can": (
        "{Can I|Could I|May I|Am I able to|Is it possible to|Is there a way to} %s?",
        "{Is it okay to|Does it let me|Will it let me|Do you let me|Would it be possible to} %s?",
        "{I want to|I would like to|I'd love to} %s{. Is that possible|. Can I|. Does that work|}?",
    ),
    "?story": (
        "{Tell me|Can you tell me|Could you tell me|Please tell me|I want to hear} "
        "{a story|a short story|a little story|another story} about %s.",
        "{Write|Make up|Invent|Please write|Can you write} {me |}{a story|a short story|"
        "a tale} {about|with} %s.",
        "{a story|story|a tale|bedtime story} about %s{, please|}",
    ),
}
MORE = "+"  # at the end of the name of a fact: what is said to "tell me more"
_CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Exchange:
    """Ways to ask one thing, and ways to answer it."""

    name: str
    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def turns(self, chance: random.Random) -> list[Turn]:
        """Return one asking and one answer."""
        question = colloquial(expand(chance.choice(self.questions), chance), chance)
        answer = expand(chance.choice(self.answers), chance)
        return [user(question), assistant(answer, self.name)]


@dataclass(frozen=True)
class Fact(Exchange):
    """An exchange, and what may be asked right after it."""

    more: list[str] = field(default_factory=list)
    follow_ups: list[Exchange] = field(default_factory=list)


def read_facts(folder: Path = FOLDER) -> dict[str, list[Fact]]:
    """Return the facts of every guide file, by the file's name."""
    return {path.stem: _read_file(path) for path in sorted(folder.glob("*.txt"))}


def exchange_names() -> list[str]:
    """Return what the answers of the guide's chats carry as `Turn.fact`."""
    names: list[str] = []
    for fact in itertools.chain(*read_facts().values()):
        names += [fact.name, fact.name + MORE, *(other.name for other in fact.follow_ups)]
    return names


def expand(text: str, chance: random.Random) -> str:
    """Pick one alternative of every `{a|b}`, the innermost first."""
    while found := _CHOICE.search(text):
        text = text[: found.start()] + chance.choice(found[1].split("|")) + text[found.end() :]
    return re.sub(r" +(?=[ ?!,]|\.(?!\w))", "", text).strip()


def _read_file(path: Path) -> list[Fact]:
    facts: list[Fact] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        kind, _, words = line.partition(" ")
        if kind == "==":
            facts.append(Fact(f"{path.stem}.{words.strip()}"))
        elif line.strip() and not line.startswith("#"):
            if not facts or not _put(facts[-1], kind, words):
                raise ValueError(f"{path.name}:{number}: {line!r} starts with none of == ? ! + > <")
    for fact in facts:
        for part in (fact, *fact.follow_ups):
            if not part.questions or not part.answers:
                raise ValueError(f"{path.name}: {fact.name!r} lacks a question or an answer")
    return facts


def _put(fact: Fact, kind: str, words: str) -> bool:
    """Add one line to its fact; false if the line is of no known kind."""
    if kind == ">" and (not fact.follow_ups or fact.follow_ups[-1].answers):
        fact.follow_ups.append(Exchange(f"{fact.name}>{len(fact.follow_ups)}"))
    if kind in FORMS:
        fact.questions.extend(form.replace("%s", words) for form in FORMS[kind])
        return True
    places = {"?": fact.questions, "!": fact.answers, "+": fact.more}
    if fact.follow_ups:
        places |= {">": fact.follow_ups[-1].questions, "<": fact.follow_ups[-1].answers}
    if kind in places:
        places[kind].append(words)
    return kind in places
