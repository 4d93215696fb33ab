"""The guide files hold together."""

import itertools
import random
import re

import pytest

from demo.train import guide
from demo.train.chats import chats, guide_chats
from demo.train.conversation import assistant, user
from demo.train.held_out import grams, read_held_out

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


def test_every_held_out_question_asks_for_a_fact() -> None:
    names = {fact.name for fact in FACTS}
    asked = read_held_out()

    assert len(asked) >= 200
    assert {name for name, _ in asked} <= names


def test_no_training_question_shares_five_words_with_a_held_out_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, question = read_held_out()[0]
    copied = (user(f"Well, {question} Please."), assistant("An answer."))
    other = (user("Something else"), assistant(question))
    monkeypatch.setattr("demo.train.chats.chats", lambda *_: iter([copied, other]))

    assert list(guide_chats(1)) == [other]
    assert grams("One two, three four five six") == {
        ("one", "two", "three", "four", "five"), ("two", "three", "four", "five", "six"),
    }  # fmt: skip
