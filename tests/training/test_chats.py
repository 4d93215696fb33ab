"""What the made conversations claim is true."""

import itertools
import random
import re

from demo.train import memory, openings, skills, storytelling
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


def test_as_many_things_are_named_as_were_asked_for() -> None:
    chance = random.Random(7)
    numbers = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}

    for _ in range(300):
        asked, answer = skills.listing(chance)
        wanted = re.search(r"\b(two|three|four|five|six|\d)\b", asked.text.lower())
        assert wanted, asked
        assert len(re.split(", | and ", answer.text)) == int(numbers.get(wanted[1], wanted[1]))


def test_a_question_about_numbers_names_both_numbers() -> None:
    chance = random.Random(8)
    words = {word: str(number) for number, word in enumerate(skills.NUMBERS)}

    for maker in (skills.addition, skills.multiplication, skills.division):
        for _ in range(300):
            asked, answer = maker(chance)
            given = re.findall(r"\d+|[a-z]+", asked.text.lower())
            written = {words.get(one, one) for one in given}
            assert set(re.findall(r"\d+", answer.text)[:2]) <= written, (asked, answer)


def test_a_story_keeps_the_name_and_the_hero_of_its_request() -> None:
    for conversation in storytelling.stories(1, 2000):
        request, story = conversation[0].text.lower(), conversation[1].text.lower()
        named = re.search(r"\ban? (?:[a-z]+ )?([a-z]+) (?:named|called) ([a-z]+)", request)
        if named:
            assert named[1] in story and named[2] in story, conversation


def test_a_story_is_short_and_whole() -> None:
    texts = [conversation[1].text for conversation in storytelling.stories(2, 1000)]

    assert len(set(texts)) > 950
    for text in texts:
        assert 150 < len(text) < 900 and text[-1] in '.!?"', text
        assert not re.search(r"[\[\]]|\b[Aa] [aeio]", text), text


def test_small_talk_takes_up_the_name_it_was_given() -> None:
    chance = random.Random(9)
    taken = 0

    for _ in range(2000):
        asked, answer = openings.opening(chance)
        said = set(re.findall(r"[a-z]{4,}", asked.text.lower()))
        taken += bool(said & set(re.findall(r"[a-z]{4,}", answer.text.lower())))

    assert taken > 1000


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
