"""Skills that need many examples rather than many words: sums, copying, remembering, naming.

Every function returns turns: what somebody asks, and the right answer.
"""

import random
from collections.abc import Callable, Sequence

from demo.train.conversation import Turn, assistant, user
from demo.train.guide import expand
from demo.train.names import any_name
from demo.train.slots import articles, typed
from demo.train.words import (
    DAYS,
    IDEAS,
    KINDS,
    LETTERS,
    MONTHS,
    NAMES,
    OPPOSITES,
    SOUNDS,
    SPELL,
    THING_COLOURS,
    THINGS,
)

Skill = Callable[[random.Random], list[Turn]]

NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
_ASK = (
    "{What is|What's|How much is|whats|calculate|compute|Can you tell me what is|What is|What does|"
    "How much does|Tell me,|Please calculate|Do you know what is|Solve|Work out|Hey, what's|and|}"
)


def ask(question: str, answer: str, chance: random.Random) -> list[Turn]:
    """Return one exchange, typed without slips; both texts in the guide's notation."""
    asked, said = articles(expand(question, chance)), articles(expand(answer, chance))
    return [user(typed(asked, chance)), assistant(said)]


def _sum(said: str, answer: str, chance: random.Random) -> list[Turn]:
    """Ask for a sum in one of many ways; `said` is the sum, or begins with what is to be done."""
    asked, ending = expand(_ASK, chance), ""
    if said.startswith(("add", "multiply")):
        asked = expand("{|Please|Can you|Could you}", chance)
    elif asked.endswith("does"):
        ending = "make"
    elif not asked:
        ending = expand("{|||equals|is}", chance)
    return ask(f"{asked} {said} {ending}{{?|}}", answer, chance)


def _number(number: int, chance: random.Random) -> str:
    """Write a number in digits, or, up to twenty, sometimes as a word."""
    return NUMBERS[number] if number <= 20 and chance.random() < 0.2 else str(number)


def addition(chance: random.Random) -> list[Turn]:
    """Add two numbers, mostly up to twenty."""
    most = chance.choice((10, 12, 20, 20, 20, 20, 20, 20, 20, 50, 99))
    a, b = chance.randint(0, most), chance.randint(0, most)
    x, y = _number(a, chance), _number(b, chance)
    said = chance.choice(
        (f"{x} plus {y}", f"{x} plus {y}", f"{a} + {b}", f"{a}+{b}", f"the sum of {x} and {y}",
         f"{x} and {y}", f"add {x} and {y}", f"add {x} to {y}", f"{x} added to {y}")
    )  # fmt: skip
    return _sum(said, f"{a} plus {b} is {a + b}.", chance)


def subtraction(chance: random.Random) -> list[Turn]:
    """Take a number from a larger one."""
    most = chance.choice((10, 20, 20, 20, 50))
    a = chance.randint(0, most)
    b = chance.randint(0, a)
    said = chance.choice((f"{a} minus {b}", f"{a} - {b}", f"{a}-{b}", f"{a} take away {b}"))
    return _sum(said, f"{a} minus {b} is {a - b}.", chance)


def multiplication(chance: random.Random) -> list[Turn]:
    """Multiply within the table of twelve."""
    most = chance.choice((10, 12))
    a, b = chance.randint(0, most), chance.randint(0, most)
    x, y = _number(a, chance), _number(b, chance)
    said = chance.choice(
        (f"{x} times {y}", f"{x} times {y}", f"{a} * {b}", f"{a} x {b}", f"{a}*{b}", f"{a}x{b}",
         f"{x} multiplied by {y}", f"the product of {x} and {y}", f"multiply {x} by {y}")
    )  # fmt: skip
    return _sum(said, f"{a} times {b} is {a * b}.", chance)


def division(chance: random.Random) -> list[Turn]:
    """Divide without a remainder, within the table of twelve."""
    b, result = chance.randint(1, 12), chance.randint(0, 12)
    a = b * result
    said = chance.choice((f"{a} divided by {b}", f"{a} / {b}", f"{a} : {b}"))
    return _sum(said, f"{a} divided by {b} is {result}.", chance)


def words_sum(chance: random.Random) -> list[Turn]:
    """Add numbers given as words, or apples."""
    a, b = chance.randint(1, 12), chance.randint(1, 12)
    if chance.random() < 0.4:
        thing = chance.choice(("apples", "books", "cookies", "coins", "eggs", "stamps", "cats"))
        name = any_name(chance)
        return ask(
            f"{name} has {a} {thing} and gets {b} more. How many {thing} does {name} have?",
            f"{name} has {a + b} {thing}, because {a} plus {b} is {a + b}.",
            chance,
        )
    return _sum(f"{NUMBERS[a]} plus {NUMBERS[b]}", f"{a} plus {b} is {a + b}.", chance)


def compare(chance: random.Random) -> list[Turn]:
    """Say which of two numbers is bigger."""
    a, b = chance.sample(range(100), 2)
    return ask(
        f"{{Which is|What is|Which number is}} {{bigger|larger|greater}}, {a} or {b}?",
        f"{max(a, b)} is bigger than {min(a, b)}.",
        chance,
    )


def count(chance: random.Random) -> list[Turn]:
    """Count up or down."""
    start = chance.choice((1, 1, 1, chance.randint(2, 12)))
    stop = start + chance.randint(2, 9)
    if chance.random() < 0.3:
        numbers = ", ".join(map(str, range(stop - start, 0, -1)))
        return ask(
            f"{{Count down from|count backwards from}} {stop - start}", numbers + ".", chance
        )
    asked = f"count to {stop}" if start == 1 else f"count from {start} to {stop}"
    numbers = ", ".join(map(str, range(start, stop + 1)))
    return ask(f"{{Please|Can you|}} {asked}{{.|?|}}", numbers + ".", chance)


def following(chance: random.Random) -> list[Turn]:
    """Say what comes after or before a day, a month, a letter or a number."""
    row: Sequence[str] = chance.choice((DAYS, MONTHS, list(LETTERS), [str(n) for n in range(40)]))
    at = chance.randrange(1, len(row) - 1)
    step, word = chance.choice(((1, "after"), (-1, "before")))
    return ask(
        f"{{What comes|What is|Which one comes}} {word} {row[at]}?",
        f"{row[at + step]} comes {word} {row[at]}.",
        chance,
    )


def spelling(chance: random.Random) -> list[Turn]:
    """Spell a word."""
    word = chance.choice(SPELL)
    return ask(
        f"{{How do you spell|Spell|Can you spell|Please spell|spell the word}} {word}{{?|}}",
        "-".join(word),
        chance,
    )


def opposite(chance: random.Random) -> list[Turn]:
    """Name the opposite of a word."""
    word, other = chance.choice(list(OPPOSITES.items()))
    return ask(
        f"{{What is|What's|Tell me|Do you know}} the opposite of {word}?",
        f"The opposite of {word} is {other}.",
        chance,
    )


def sound(chance: random.Random) -> list[Turn]:
    """Say what an animal says."""
    animal, noise = chance.choice(list(SOUNDS.items()))
    return ask(
        f"{{What does|What sound does|Which noise does}} a {animal} {{say|make}}?",
        f"A {animal} says {noise}.",
        chance,
    )


def colour(chance: random.Random) -> list[Turn]:
    """Say which colour a thing has."""
    thing, shade = chance.choice(list(THING_COLOURS.items()))
    verb = "are" if thing.endswith("s") and thing != "grass" else "is"
    return ask(
        f"{{What|Which}} {{colour|color}} {verb} {thing}?",
        f"{thing.capitalize()} {verb} {shade}.",
        chance,
    )


_LISTINGS = (
    "{Name|Tell me|Give me|List|Name|Say|Write down|Think of|Mention|Name me} %s{.|, please.|}",
    "{Can you name|Could you name|Can you list|Do you know|Can you tell me|Can you give me} %s?",
    "{I need|I want|I would like|Please name|Please list|Please give me|Now} %s{.|}",
    "{What are|Which are} %s{ that you know|}?",
    "{A list of|Give me a list of|The names of} %s{, please|}{.|}",
    "%s{ please|, please}{.|}",
    "{What would be|Which would be|Any idea for|Suggest|Tell us|I am looking for} %s{?|}",
    "{Quick|Now|So|Hey}{,|:} {name|list|tell me} %s{, not more|, no more and no less|}{.|}",
)


def listing(chance: random.Random) -> list[Turn]:
    """Name some things of a kind."""
    kind, words = chance.choice(list({**KINDS, **IDEAS}.items()))
    number = min(chance.choice((2, 3, 3, 3, 4, 4, 5, 5, 6)), len(words))
    chosen = chance.sample(words, number)
    said = f"{', '.join(chosen[:-1])} and {chosen[-1]}."
    exactly = chance.choice(("", "", "", "", "exactly ", "just ", "only "))
    wanted = f"{exactly}{chance.choice((NUMBERS[number], number))} {kind}"
    return ask(chance.choice(_LISTINGS).replace("%s", wanted), said[0].upper() + said[1:], chance)


def belongs(chance: random.Random) -> list[Turn]:
    """Say whether a thing is of a kind."""
    singular = {"animals": "an animal", "fruits": "a fruit", "vegetables": "a vegetable"}
    kind, other = chance.sample(list(singular), 2)
    word = chance.choice(KINDS[kind])
    article = "an" if word[0] in "aeiou" else "a"
    asked = chance.choice((kind, other))
    said = f"{article} {word} is {singular[kind]}."
    answer = f"Yes, {said}" if asked == kind else f"No, {said}"
    return ask(f"Is {article} {word} {singular[asked]}?", answer, chance)


def repeat(chance: random.Random) -> list[Turn]:
    """Say again what somebody says."""
    words = [
        chance.choice((*NAMES, *THINGS, *SPELL, any_name(chance)))
        for _ in range(chance.randint(1, 5))
    ]
    text = " ".join(words)
    asked = expand("{Say|Repeat after me:|Please say|Repeat:|Write|Say the words}", chance)
    return [user(f"{asked} {text}"), assistant(f"{text[0].upper()}{text[1:]}.")]


SKILLS: tuple[Skill, ...] = (
    *(addition,) * 8,
    *(multiplication,) * 6,
    *(subtraction,) * 3,
    *(division,) * 2,
    *(words_sum,) * 3,
    *(listing,) * 8,
    *(repeat,) * 2,
    *(spelling,) * 2,
    compare,
    count,
    following,
    opposite,
    sound,
    colour,
    belongs,
)
