"""Small talk whose answer takes up a word of the opening: a relative, a name, a city, a pastime.

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
    "tent kite guitar chair bag laptop necklace teapot skateboard wallet jacket scarf mirror clock "
    "radio television fridge oven kettle toaster printer keyboard tablet headset helmet scooter "
    "sweater shirt dress suit pillow carpet curtain vase candle ladder hammer drill bucket basket "
    "purse suitcase bracelet earring notebook diary pencil calculator fan heater door window fence "
    "boat van motorbike trailer sleeping-bag blanket cushion shelf cupboard drawer mug bottle"
).split()
_DOINGS = (
    "hiking,painting,baking bread,drawing,gardening,fishing,knitting,reading,running,cycling,"
    "learning Spanish,learning to cook,growing tomatoes,fixing my bike,playing chess,camping,"
    "taking photos,writing poems,writing a novel,singing in a choir,dancing,skating,sailing,"
    "surfing,climbing,doing yoga,lifting weights,meditating,collecting stamps,watching birds,"
    "playing video games,building models,sewing,pottery,making candles,making jam,brewing beer,"
    "cleaning the house,doing the dishes,doing my taxes,folding laundry,mowing the lawn,"
    "painting the fence,shopping,sightseeing,horse riding,rowing,juggling,learning the piano,"
    "watching old films,watching the stars,solving puzzles,volunteering,babysitting,walking dogs,"
    "commuting,jogging,swimming,skiing,bowling,travelling,moving furniture,studying,programming"
).split(",")
_EVENTS = (
    "party,wedding,concert,interview,meeting,exam,presentation,match,festival,race,dinner,barbecue,"
    "conference,audition,surgery,trip,school play,reunion,exhibition,picnic,parade,dance,lecture,"
    "driving test,job interview,first date,speech,performance,tournament,graduation,flight,test,"
    "birthday party,housewarming,marathon,recital,appointment,hearing,contest,first day,workshop,"
    "sleepover"
).split(",")
_DOWN = (
    "sad nervous lonely angry stressed worried bored confused jealous upset guilty frustrated "
    "exhausted anxious scared disappointed embarrassed homesick overwhelmed gloomy miserable hurt "
    "grumpy restless tired insecure unhappy depressed heartbroken ashamed moody annoyed"
).split()
_GLAD = (
    "happy excited proud relieved cheerful thankful delighted hopeful calm lucky grateful joyful "
    "content relaxed loved free alive rested confident thrilled"
).split()
_SPOTS = (
    "park beach mall gym library office museum market zoo cinema hospital airport station lake "
    "restaurant church pool forest supermarket bakery school farm theatre bank post-office harbour "
    "playground stadium hairdresser pharmacy garage café castle"
).split()
_WEATHERS = "rain snow wind fog heat cold sunshine frost hail thunder ice drizzle".split()
_BEFORE = (
    "Hey, ", "Hi! ", "Hey, guess what: ", "Well, ", "So ", "You know, ", "I have to tell you, ",
    "Hi [name], ", "Hey [name]! ", "Oh, [name], ", "Hello! ", "To be honest, ", "Honestly, ",
)  # fmt: skip
_AFTER = (
    ". What do you think?", ". Can you believe it?", ". I need to talk to somebody.", ", you know?",
    ". It's all I think about.", ". What about you?", ". How about you?", ". What should I do?",
    ". Do you know what I mean?", ". It is a long story.", ", and I don't know what to do.",
    ". I wanted to tell somebody.",
)  # fmt: skip
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
        "doing": chance.choice(_DOINGS),
        "event": chance.choice(_EVENTS),
        "down": chance.choice(_DOWN),
        "glad": chance.choice(_GLAD),
        "spot": chance.choice(_SPOTS),
        "weather": chance.choice(_WEATHERS),
    }
    said = chance.choice(fact.questions)
    if "greet" not in fact.name:
        said = _in_passing(said, chance)
    asked = fill(said, words.__getitem__, chance)
    answer = fill(chance.choice(fact.answers), words.__getitem__, chance)
    return [user(typed(articles(asked), chance)), assistant(answer)]


def _in_passing(said: str, chance: random.Random) -> str:
    """Put around an opening, now and then, what people put around it."""
    if "[name]" not in said and chance.random() < 0.15:
        said = chance.choice(_BEFORE) + said
    if not said.endswith(("?", "{?|}", "|?|}")) and chance.random() < 0.12:
        said += chance.choice(_AFTER)
    return said
