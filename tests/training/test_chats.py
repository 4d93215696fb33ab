"""What the made conversations claim is true."""

import itertools
import random
import re

from demo.train import memory, skills
from demo.train.chats import chats
from demo.train.colloquial import colloquial
from demo.train.conversation import SPECIALS
from demo.train.guide import read_facts

_SUM = re.compile(r"(\d+) (plus|minus|times|divided by) (\d+) is (\d+)")


def test_every_sum_is_right() -> None:
    chance = random.Random(1)
    makers = (
        skills.addition,
        skills.subtraction,
        skills.multiplication,
        skills.division,
        skills.words_sum,
    )

    for maker in makers:
        for _ in range(200):
            answer = maker(chance)[-1].text
            found = _SUM.search(answer)
            assert found, answer
            a, b, said = int(found[1]), int(found[3]), int(found[4])
            right = {"plus": a + b, "minus": a - b, "times": a * b, "divided by": a / b if b else 0}
            assert said == right[found[2]], answer


def test_what_was_told_is_recalled() -> None:
    chance = random.Random(2)

    for _ in range(300):
        told: memory.Told = {}
        memory.tell(told, chance)
        (word,) = told.values()
        answer = memory.recall(told, chance)[-1].text
        assert word.lower() in answer.lower() or answer.startswith("You have not told me"), answer


def test_what_was_never_told_is_not_invented() -> None:
    chance = random.Random(3)

    answers = {memory.recall({}, chance)[-1].text for _ in range(300)}

    assert all(answer.startswith("You have not told me") for answer in answers)


def test_asking_again_gives_the_same_words() -> None:
    chance = random.Random(4)
    turns = skills.ask("What {is|was} it?", "It is {this|that}.", chance)

    answers = {memory.again(turns, chance)[-1].text for _ in range(20)}

    assert answers == {turns[1].text, f'You wrote: "{turns[0].text}"'}


def test_people_type_differently_but_never_nothing() -> None:
    chance = random.Random(5)

    typed = {colloquial("How do I load a bigger model?", chance) for _ in range(200)}

    assert len(typed) > 50
    assert all(len(text) > 10 for text in typed)


def test_the_chats_are_the_same_every_time() -> None:
    first, second = (list(itertools.islice(chats(read_facts(), 9), 30)) for _ in range(2))

    assert first == second


def test_no_chat_holds_a_trace_of_the_notation() -> None:
    for conversation in itertools.islice(chats(read_facts(), 6), 500):
        for turn in conversation:
            assert turn.text == turn.text.strip() != ""
            assert not re.search(r"[{}|]|%s", turn.text), turn
            assert not any(special in turn.text for special in SPECIALS)
