"""The guide files hold together."""

import itertools
import random
import re

from demo.train import guide
from demo.train.chats import chats

FACTS = [fact for group in guide.read_facts().values() for fact in group]


def test_every_fact_has_a_name_of_its_own() -> None:
    names = [fact.name for fact in FACTS]

    assert sorted(names) == sorted(set(names))


def test_a_fact_expands_without_a_trace_of_the_notation() -> None:
    chance = random.Random(1)

    for fact in FACTS:
        for part in (fact, *fact.follow_ups):
            for text in (*part.questions, *part.answers, *fact.more):
                expanded = guide.expand(text, chance)
                assert expanded and not re.search(r"[{}|]|  ", expanded), (text, expanded)


def test_a_chat_alternates_and_ends_with_an_answer() -> None:
    for conversation in itertools.islice(chats(guide.read_facts(), 1), 300):
        roles = [turn.role for turn in conversation if turn.role != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
