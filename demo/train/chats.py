"""Whole conversations out of the guide's facts, the skills and what people tell."""

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence

from demo.train import guide, memory, storytelling
from demo.train.colloquial import colloquial
from demo.train.conversation import Conversation, Turn, assistant, user
from demo.train.guide import Fact, expand, read_facts
from demo.train.held_out import grams, kept_back
from demo.train.openings import opening
from demo.train.skills import SKILLS
from demo.train.words import SYSTEMS

GUIDE_CHATS = 120_000
ASKINGS = 250  # of every fact
VARIED, MANY = 400, 6  # of every fact with so many answers
# What a visitor asks first, and is asked in the most different words.
OFTEN = frozenset(
    "wgslm.what wgslm.free me.can-do me.who me.human assistant.starter assistant.better-answers "
    "page.send quants.which-quant quants.q4-0 fun.joke talk.sad talk.happy talk.motivation "
    "loading.load-url loading.load-disk privacy.private sizes.bigger-better assistant.bigger-why "
    "everyday.job-interview everyday.presentation greetings.how-are-you limits.code".split()
)
SKILL_CHATS = 40_000
TALES = 20_000
MORE = (
    "{Tell me more|More please|Go on|Can you say more|Can you explain that in more detail|"
    "Please explain further|Could you elaborate|and what else|more details please}{.|?|}"
)


def guide_chats(seed: int) -> Iterator[Conversation]:
    """Yield the guide's chats without those that ask in the words of a held-out question."""
    return _allowed(itertools.islice(chats(read_facts(), seed), GUIDE_CHATS))


def guide_askings(seed: int) -> Iterator[Conversation]:
    """Yield every fact asked for in many ways, each alone, likewise."""
    chance = random.Random(f"{seed} askings")
    facts = list(itertools.chain(*read_facts().values()))
    return _allowed(
        tuple(fact.turns(chance))
        for fact in facts
        for _ in range(3 * ASKINGS if fact.name in OFTEN else ASKINGS)
    )


def varied_chats(seed: int) -> Iterator[Conversation]:
    """Yield what has many answers, each alone: that they are equally likely has to be learned."""
    chance = random.Random(f"{seed} varied")
    facts = [fact for fact in itertools.chain(*read_facts().values()) if len(fact.answers) >= MANY]
    return _allowed(tuple(fact.turns(chance)) for fact in facts for _ in range(VARIED))


def skill_chats(seed: int) -> Iterator[Conversation]:
    """Yield sums and the like, each alone, and what is told and asked for a little later."""
    chance = random.Random(f"{seed} skills")
    facts = list(itertools.chain(*read_facts().values()))
    return _allowed(_skill_chat(facts, chance) for _ in range(SKILL_CHATS))


def tale_chats(seed: int) -> Iterator[Conversation]:
    """Yield stories on request, likewise."""
    return _allowed(storytelling.stories(seed, TALES))


def _skill_chat(facts: Sequence[Fact], chance: random.Random) -> Conversation:
    """Chat about sums and the like, about what is small talk, or about what is told and asked."""
    kind = chance.random()
    if kind < 0.35:
        count = chance.choice((1, 1, 1, 2, 3))
        return tuple(turn for _ in range(count) for turn in chance.choice(SKILLS)(chance))
    if kind < 0.6:
        return tuple(opening(chance))
    told: memory.Told = {}
    turns = memory.tell(told, chance)
    between = chance.random()
    if between < 0.35:
        turns += chance.choice(facts).turns(chance)
    elif between < 0.6:
        turns += chance.choice((opening, *SKILLS[:1]))(chance)
    return (*turns, *memory.recall(told, chance))


def _allowed(conversations: Iterable[Conversation]) -> Iterator[Conversation]:
    forbidden = kept_back()
    for conversation in conversations:
        asked = (turn.text for turn in conversation if turn.role == "user")
        if all(forbidden.isdisjoint(grams(text)) for text in asked):
            yield conversation


def chats(files: Mapping[str, Sequence[Fact]], seed: int) -> Iterator[Conversation]:
    """Yield conversations for ever; one in twenty begins with a system prompt."""
    chance = random.Random(seed)
    facts = [fact for group in files.values() for fact in group]
    while True:
        turns: list[Turn] = []
        told: memory.Told = {}
        if chance.random() < 0.15:
            turns += chance.choice(files["greetings"]).turns(chance)
        short = chance.random() < 0.97  # the rest fills the context
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4, 6)) if short else 24):
            turns += _exchange(facts, turns, told, chance)
        if told and chance.random() < 0.7:
            turns += memory.recall(told, chance)
        if chance.random() < 0.1:
            turns += chance.choice(files["farewells"]).turns(chance)
        system = [Turn("system", chance.choice(SYSTEMS))] if chance.random() < 0.05 else []
        yield (*system, *turns)


def _exchange(
    facts: Sequence[Fact], turns: Sequence[Turn], told: memory.Told, chance: random.Random
) -> list[Turn]:
    """Return the next exchanges of a conversation."""
    kind = chance.random()
    if kind < 0.12:
        return chance.choice(SKILLS)(chance)
    if kind < 0.26:
        return chance.choice(memory.MEMORIES)(told, chance)
    if kind < 0.32:
        return opening(chance)
    if kind < 0.35 and len(turns) >= 2:
        return memory.again(turns, chance)
    return _fact(chance.choice(facts), chance)


def _fact(fact: Fact, chance: random.Random) -> list[Turn]:
    turns = fact.turns(chance)
    if fact.more and chance.random() < 0.3:
        more = expand(chance.choice(fact.more), chance)
        turns += [
            user(colloquial(expand(MORE, chance), chance)),
            assistant(more, fact.name + guide.MORE),
        ]
    follow_ups = list(fact.follow_ups)
    chance.shuffle(follow_ups)
    for follow_up in follow_ups[: chance.choice((0, 0, 1, 1, 2, 3))]:
        turns += follow_up.turns(chance)
    return turns
