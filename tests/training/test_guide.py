"""The guide files hold together."""

import random
import re

import pytest

from demo.train import guide

FACTS = [fact for group in guide.read_facts().values() for fact in group]


def test_every_fact_has_a_name_of_its_own() -> None:
    names = [fact.name for fact in FACTS]

    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_a_fact_expands_without_a_trace_of_the_notation(fact: guide.Fact) -> None:
    chance = random.Random(1)

    for part in (fact, *fact.follow_ups):
        for text in (*part.questions, *part.answers):
            for _ in range(10):
                expanded = guide.expand(text, chance)
                assert expanded and not re.search(r"[{}|]|  ", expanded), (text, expanded)


def test_a_chat_alternates_and_ends_with_an_answer() -> None:
    stream = guide.chats(FACTS, FACTS[:1], FACTS[1:2], 1)

    for conversation, _ in zip(stream, range(100), strict=False):
        roles = [turn.role for turn in conversation]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
