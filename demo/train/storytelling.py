"""Stories on request whose hero, name, thing or place comes from the request.

The storylines lie in `storylines/*.txt`, in the guide's notation with the gaps of `slots.py`:
`[a shy hero]` introduces the hero, `[hero]`, `[they]`, `[them]`, `[their]`, `[self]` come back.
"""

import itertools
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from demo.train.conversation import Conversation, Turn, assistant, user
from demo.train.guide import Fact, expand, read_facts
from demo.train.names import BOYS, GIRLS, invented_name
from demo.train.slots import articles, fill, typed

FOLDER = Path(__file__).with_name("storylines")

_ANIMALS = (
    "fox owl bear rabbit hare mouse cat dog hedgehog squirrel badger otter beaver frog toad turtle "
    "snail duck goose hen rooster pig cow goat sheep lamb horse pony donkey wolf deer lion tiger "
    "elephant giraffe zebra monkey kangaroo koala panda penguin seal walrus camel llama hamster "
    "mole bat raven crow sparrow robin stork swan parrot peacock pigeon eagle ant bee beetle "
    "ladybird butterfly spider crab lizard snake crocodile hippo rhino kitten puppy bunny moose "
    "reindeer raccoon skunk sloth weasel worm cricket caterpillar dragonfly dinosaur octopus "
    "puffin flamingo ostrich chicken duckling piglet calf foal cub chick hummingbird woodpecker "
    "seagull ferret guinea-pig lynx gorilla whale dolphin shark lobster jellyfish firefly moth "
    "earthworm gecko chameleon tortoise salamander newt bison yak mammoth lioness wasp fish"
).split()
_CHARACTERS = {
    "robot": "", "dragon": "", "knight": "", "giant": "", "ghost": "", "elf": "", "monster": "",
    "pirate": "", "dwarf": "", "wizard": "he", "witch": "she", "princess": "she", "prince": "he",
    "king": "he", "queen": "she", "fairy": "she", "unicorn": "", "troll": "", "baker": "",
    "farmer": "", "fisherman": "he", "clown": "", "mermaid": "she", "alien": "", "sailor": "",
    "astronaut": "", "gardener": "", "teacher": "", "painter": "", "nurse": "", "postman": "he",
    "cook": "", "detective": "", "shepherd": "", "musician": "", "snowman": "he", "vampire": "",
    "grandmother": "she", "grandfather": "he", "inventor": "", "tailor": "", "goblin": "",
}  # fmt: skip
_THINGS = (
    "kite ball key lantern umbrella drum book map shell button cup scarf coin whistle box pencil "
    "doll boat bell mirror hat glove spoon ring lamp basket clock flute bucket blanket balloon "
    "bicycle backpack marble teapot telescope camera puzzle feather necklace stone wagon sled"
).split()
_HEROIC = {  # what is the hero in the storylines of a file
    "things": (
        "clock lamp umbrella teapot bell chair suitcase balloon key candle shoe spoon pebble shell "
        "button mirror pencil kettle stone lantern drum violin kite boot bottle cup hat basket "
        "compass globe flute trumpet doll typewriter coin book picture box"
    ).split(),
    "machines": "train bus car tractor truck tram taxi van lorry".split(),
    "nature": "tree star cloud flower leaf oak rose sunflower mountain hill island".split(),
}
_COLOURS = "red blue green yellow golden silver white black purple orange wooden old shiny".split()
_PLACES = {
    "forest": "in", "garden": "in", "park": "in", "village": "in", "valley": "in", "castle": "in",
    "jungle": "in", "desert": "in", "mountains": "in", "harbour": "in", "market": "at",
    "lake": "at", "river": "by", "sea": "by", "farm": "on", "island": "on", "beach": "on",
    "meadow": "in", "old mill": "at", "lighthouse": "at", "swamp": "in", "big city": "in",
    "orchard": "in", "library": "in", "zoo": "at", "attic": "in", "cave": "in",
}  # fmt: skip
_PLURALS = {
    "mouse": "mice", "goose": "geese", "wolf": "wolves", "sheep": "sheep", "deer": "deer",
    "elf": "elves", "moose": "moose", "reindeer": "reindeer", "leaf": "leaves",
    "fisherman": "fishermen", "dwarf": "dwarves", "postman": "postmen", "snowman": "snowmen",
    "calf": "calves", "bison": "bison", "fish": "fish", "lynx": "lynxes",
}  # fmt: skip
_PRONOUNS = {
    "he": {"they": "he", "them": "him", "their": "his", "self": "himself"},
    "she": {"they": "she", "them": "her", "their": "her", "self": "herself"},
    "it": {"they": "it", "them": "it", "their": "its", "self": "itself"},
}
_KIND = "{story|short story|little story|nice story|tale|bedtime story|funny story|story|story}"
_REQUESTS = (
    "{Tell|Please tell|Can you tell|Could you tell|Will you tell|Would you tell} me a " + _KIND
    + " about %s{.|?|, please.|}",
    "{Tell us|I want|I would like|I'd like|I'd love|Give me|May I have|Can I have} a " + _KIND
    + " about %s{.|, please.|}",
    "{Write|Please write|Can you write|Write me|Make up|Invent|Think of|Compose} a " + _KIND
    + " about %s{.|?|, please.|}",
    "{I want|I would like|I'd like} to hear a " + _KIND + " about %s{.|}",
    "{Do you know|Have you got|Do you have} a " + _KIND + " about %s?",
    "{Story|A story|Short story|A tale|Bedtime story|one more story|another story} about %s"
    "{ please|, please|}{.|}",
    "{Let's have|My child wants|We want|How about|Now} a " + _KIND + " about %s{.|!|}",
    "%s{: a story please|. Tell me a story about that|, make a story of it}.",
)  # fmt: skip
_WHERE = (
    "{Write|Tell me|Make up|Please tell me|Can you write|I want} a " + _KIND
    + " {where|in which} %s{.|, please.|}"
)  # fmt: skip
_PLAIN = (
    "{Tell me|Can you tell me|Please tell me|I want|Give me|Write|Do you know|Read me} "
    "{a|another|one more|a new} {story|short story|tale|nice story|little story}{.|, please.|?|}"
)
_SORT = (
    "{Tell me|Can you tell me|Please tell me|I want|Give me|Write|Do you know|I'd like} "
    "a %s story{.|, please.|?|}"
)
_SORTS = frozenset("bedtime funny scary spooky happy cheerful sad touching adventure".split())
_THANKS = (
    "{That was nice|Thank you, I liked it|What a nice story|good story|lovely, thanks}{.|!|}",
    "{I am glad you like it.|Thank you! I like [hero], too.|Then [hero] is happy, and so am I.|"
    "Thank you. Would you like another one?|How kind of you! Shall I tell one more?}",
)
_WHO = (
    "{What was the name of the [noun]|What is the [noun] called|how was the [noun] called}?",
    "{The [noun] was called [name].|[name] was the name of the [noun].|[name].}",
)
_ABOUT = (
    "{Who was the story about|Who was it about|who is the hero of the story}?",
    "{It was about [a hero].|[A hero] was the hero of it.}",
)


def stories(seed: int, count: int) -> Iterator[Conversation]:
    """Yield requests with their stories; after some, a word about it."""
    chance = random.Random(f"{seed} tales")
    lines = list(itertools.chain(*read_facts(FOLDER).values()))
    for _ in range(count):
        yield tuple(_told(chance.choice(lines), chance))


@dataclass(frozen=True)
class Cast:
    """Who and what a story is about."""

    noun: str
    name: str
    called: str  # "named" or "called"
    words: Mapping[str, str]  # what fills the other gaps
    is_known: bool = False  # by the name alone: "a story about Mia"

    def word(self, gap: str) -> str:
        """Return what fills a gap of a storyline."""
        if gap == "hero":
            return self.name or f"the {self.noun}"
        if gap.endswith((" hero", " child")):
            if self.is_known:
                return self.name
            introduced = gap.rpartition(" ")[0] + f" {self.noun}"
            introduced = introduced.replace("coloured", self.words["colour"])
            return f"{introduced} {self.called} {self.name}" if self.name else introduced
        return self.words[gap]


def cast(line: Fact, chance: random.Random) -> Cast:
    """Choose who and what a storyline is told about this time."""
    gaps = _gaps(line)
    kind = chance.random()
    pronoun = chance.choice(("he", "she"))
    name = chance.choice(GIRLS if pronoun == "she" else BOYS)
    if chance.random() < 0.4:
        name = invented_name(chance)
    is_child = bool({"a child", "name"} & gaps) or 0.55 <= kind < 0.85
    others = "others"
    if line.name.split(".")[0] in _HEROIC:
        noun, pronoun, name = chance.choice(_HEROIC[line.name.split(".")[0]]), "it", ""
    elif is_child:
        noun, others = "girl" if pronoun == "she" else "boy", "children"
    elif kind < 0.55:
        noun = chance.choice(_ANIMALS)
        others = chance.choice(("animals", _plural(noun)))
    else:
        noun = chance.choice(list(_CHARACTERS))
        pronoun, others = _CHARACTERS[noun] or pronoun, _plural(noun)
    if "name" not in gaps and chance.random() < (0.2 if is_child else 0.5):
        name = ""
    animal, beast, friend = chance.sample([one for one in _ANIMALS if one != noun], 3)
    bare, place = chance.choice(_THINGS), chance.choice(list(_PLACES))
    sort, given = chance.choice((("girl", GIRLS), ("boy", BOYS)))
    mate = chance.choice([one for one in given if one != name])
    words = {
        **_PRONOUNS[pronoun],
        "noun": noun,
        "others": f"the other {others}",
        "a friend": f"a {chance.choice(('', '', 'old ', 'young ', 'kind ', 'small '))}{friend}",
        "friend": f"the {friend}",
        "animal": animal,
        "beast": beast,
        "bare": bare,
        "thing": f"{chance.choice(_COLOURS)} {bare}" if chance.random() < 0.6 else bare,
        "place": place,
        "in place": f"{_PLACES[place]} the {place}",
        "colour": chance.choice(_COLOURS),
        "name": name,
        "mate": mate if chance.random() < 0.6 or mate == name else invented_name(chance),
    }
    if is_child and chance.random() < 0.3:
        words |= {"a friend": f"a {sort} named {mate}", "friend": mate}
    return Cast(noun, name, chance.choice(("named", "named", "called")), words)


def _told(line: Fact, chance: random.Random) -> list[Turn]:
    whole = cast(line, chance)
    asked = whole
    if whole.name and chance.random() < 0.4:
        asked = replace(whole, name="")
    elif whole.name and whole.noun in ("girl", "boy") and chance.random() < 0.4:
        asked = replace(whole, is_known=True)
    topic = fill(chance.choice(line.questions), asked.word, chance)
    plain = {"a hero", "a child"} & _gaps(line)
    if plain and chance.random() < 0.35:  # most people name the hero and nothing else
        topic = fill(f"[{min(plain)}]", asked.word, chance)
    request = expand(_form(topic, chance).replace("%s", topic.removeprefix("where ")), chance)
    story = fill(chance.choice(line.answers), whole.word, chance)
    turns = [user(typed(articles(request), chance)), assistant(story)]
    if "a hero" in _gaps(line) and chance.random() < 0.2:
        question, said = chance.choice((_WHO, _ABOUT, _THANKS) if whole.name else (_THANKS,))
        turns.append(user(typed(fill(question, whole.word, chance), chance)))
        turns.append(assistant(fill(said, whole.word, chance)))
    return turns


def _form(topic: str, chance: random.Random) -> str:
    if topic in _SORTS:
        return _SORT
    if chance.random() < 0.04:
        return _PLAIN
    return _WHERE if topic.startswith("where ") else chance.choice(_REQUESTS)


def _gaps(line: Fact) -> set[str]:
    """Return the gaps of a storyline, with every introduction of the hero as "a hero"."""
    found = re.findall(r"\[([^\[\]]+)\]", " ".join((*line.questions, *line.answers)))
    gaps = {gap[0].lower() + gap[1:] for gap in found}
    return gaps | {"a hero" for gap in gaps if gap.endswith(" hero")}


def _plural(noun: str) -> str:
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")
