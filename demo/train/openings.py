"""Small talk whose answer takes up a word of the opening: a relative, a name, a city, a dish.

The texts lie in `openings/*.txt`, in the guide's notation with the gaps of `slots.py`.
"""

import random
from functools import cache
from itertools import chain
from pathlib import Path

from demo.train.conversation import Turn, assistant, user
from demo.train.guide import Fact, read_facts
from demo.train.names import any_name
from demo.train.slots import articles, fill, typed
from demo.train.words import COLOURS, DAYS, JOBS, PLACES

FOLDER = Path(__file__).with_name("openings")

_RELATIVES = {
    "sister": "she", "brother": "he", "mother": "she", "father": "he", "mum": "she", "dad": "he",
    "grandmother": "she", "grandfather": "he", "grandma": "she", "grandpa": "he", "aunt": "she",
    "uncle": "he", "son": "he", "daughter": "she", "wife": "she", "husband": "he", "niece": "she",
    "nephew": "he", "little sister": "she", "big brother": "he", "girlfriend": "she",
    "boyfriend": "he", "mom": "she", "twin brother": "he", "stepmother": "she", "godfather": "he",
}  # fmt: skip
_PRONOUNS = {
    "he": {"they": "he", "them": "him", "their": "his"},
    "she": {"they": "she", "them": "her", "their": "her"},
}
_PETS = (
    "dog cat rabbit hamster parrot horse tortoise pony ferret mouse puppy kitten poodle terrier "
    "goat donkey rat gecko canary budgie bunny"
).split()
_CITIES = (
    *PLACES,
    *(
        "Bergen Florence Naples Venice Lyon Geneva Basel Salzburg Budapest Krakow Riga Helsinki "
        "Stockholm Copenhagen Reykjavik Edinburgh Glasgow Cork York Istanbul Ankara Beirut "
        "Marrakesh Tunis Dakar Accra Bangkok Hanoi Manila Jakarta Singapore Osaka Beijing Shanghai "
        "Auckland Wellington Melbourne Brisbane Bogota Quito Havana Dallas Miami Atlanta Phoenix "
        "Vancouver Ottawa Quebec Iceland Norway Italy Spain Japan Greece Scotland Portugal India"
    ).split(),
)
_FOODS = (
    "pizza,pasta,soup,rice,bread,curry,sushi,salad,cake,fish,chicken,risotto,goulash,lasagne,"
    "porridge,couscous,paella,ramen,chili,apple pie,cheesecake,fried rice,onion soup,potato salad,"
    "roast beef,falafel,ice cream,chocolate cake,tomato soup,spaghetti,omelette,stew,bean soup"
).split(",")
_SUBJECTS = (
    "maths biology chemistry physics history geography French Spanish German Latin English music "
    "art philosophy economics law statistics programming algebra geometry literature Chinese"
).split()
_SPORTS = (
    "football,tennis,basketball,volleyball,swimming,judo,karate,hockey,badminton,chess,"
    "rugby,cricket,handball,skiing,cycling,rowing,climbing,golf,yoga,fencing,boxing,archery"
).split(",")
_INSTRUMENTS = (
    "piano guitar violin drum flute trumpet harp cello saxophone clarinet ukulele banjo accordion "
    "organ trombone recorder bass"
).split()
_THINGS = (
    "phone bike car lamp sofa table camera coat hat watch backpack umbrella bed desk book ring "
    "tent kite guitar chair bag laptop necklace teapot skateboard wallet jacket"
).split()
_JOBS = (
    *JOBS,
    *(
        "plumber electrician dentist vet baker butcher tailor actor dancer judge scientist chemist "
        "firefighter midwife secretary mechanic architect barber sailor translator"
    ).split(),
)


@cache
def _openings() -> tuple[Fact, ...]:
    return tuple(chain(*read_facts(FOLDER).values()))


def opening(chance: random.Random) -> list[Turn]:
    """Return one opening of small talk and an answer that takes up its word."""
    fact = chance.choice(_openings())
    relative, pronoun = chance.choice(list(_RELATIVES.items()))
    words = {
        **_PRONOUNS[pronoun],
        "relative": relative,
        "name": any_name(chance),
        "pet": chance.choice(_PETS),
        "city": chance.choice(_CITIES),
        "food": chance.choice(_FOODS),
        "subject": chance.choice(_SUBJECTS),
        "sport": chance.choice(_SPORTS),
        "instrument": chance.choice(_INSTRUMENTS),
        "thing": chance.choice(_THINGS),
        "job": chance.choice(_JOBS),
        "day": chance.choice(DAYS),
        "colour": chance.choice(COLOURS),
    }
    asked = fill(chance.choice(fact.questions), words.__getitem__, chance)
    answer = fill(chance.choice(fact.answers), words.__getitem__, chance)
    return [user(typed(articles(asked), chance)), assistant(answer)]
