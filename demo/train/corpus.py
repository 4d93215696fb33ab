"""The downloaded corpora as conversations: SGD, Taskmaster-4, TinyStories.

`soda_tinytalk_val.txt` lies in the same folder and is for evaluation only: `read_heldout` is the
one function that opens it, and only evaluate.py calls that.
"""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from demo.train.conversation import Conversation, Turn, assistant, user
from demo.train.words import NAMES

_SPEAKERS = {"user": "user", "assistant": "assistant", "bot": "assistant"}
CLERK = "You book tables, tickets and rooms, and look things up."
BARISTA = "You take orders in a coffee bar."
_STORY_END = "<|endoftext|>"

STORY_REQUESTS = (
    "Tell me a story about {}.",
    "Can you tell me a story about {}?",
    "Please tell me a short story about {}.",
    "I would like to hear a story about {}.",
    "Write a little story about {}.",
    "tell me a story about {}",
    "Do you know a story about {}?",
    "A story about {}, please.",
    "Make up a story about {}.",
    "Could you write a short story with {} in it?",
    "story about {} please",
    "I want a bedtime story about {}.",
)
PLAIN_REQUESTS = (
    "Tell me a story.",
    "Can you tell me a story?",
    "Please tell me a bedtime story.",
    "I would like to hear a story.",
    "tell me a story",
    "Write a short story.",
    "Do you know a nice story?",
    "Make up a story for me.",
)

# "a little girl named Lily", "a big crab": what a story is about, from its first sentences.
_NAMED = re.compile(r"\b(an? (?:[a-z]+ ){1,3})(?:named|called) ([A-Z][a-z]+)\b")
_THING = re.compile(
    r"\b(an? (?:(?:big|small|little|tiny|old|red|blue|green|yellow|pretty|happy|sad|brave|shiny|"
    r"soft|lonely|kind|clever|funny|silly|huge|new|magic|special) )?"
    r"(?:cat|dog|bird|fish|frog|bear|rabbit|bunny|mouse|horse|cow|duck|pig|lion|monkey|elephant|"
    r"crab|whale|dragon|robot|car|truck|train|boat|plane|tree|flower|garden|forest|farm|house|"
    r"castle|king|queen|princess|prince|boy|girl|man|woman|ball|doll|toy|kite|hat|box|book|cake|"
    r"apple|cookie|star|moon|cloud|rainbow|river|lake|mountain|beach|park|zoo|bee|ant|spider|"
    r"butterfly|turtle|snake|owl|fox|wolf|squirrel|chicken|sheep|goat|puppy|kitten|teddy bear|"
    r"bike|bus|drum|guitar|piano|mirror|lamp|clock|key|bell|stone|rock|shell|leaf|stick))\b"
)


def read_dialogues(path: Path, system: str = "") -> Iterator[Conversation]:
    """Yield the dialogues of a file of `Speaker: words` lines, blank lines between them.

    A system prompt, if given, precedes each: the clerk of the corpora is another character than
    the model that answers without one. Turns of one speaker in a row are joined; what precedes
    the first user turn is dropped.
    """
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        turns: list[Turn] = []
        for line in block.splitlines():
            speaker, _, words = line.partition(": ")
            role = _SPEAKERS.get(speaker.strip().lower())
            words = words.replace(_STORY_END, "").strip()
            if role is None or not words or (not turns and role == "assistant"):
                continue
            if turns and turns[-1].role == role:
                turns[-1] = Turn(turns[-1].role, f"{turns[-1].text} {words}")
            else:
                turns.append(user(words) if role == "user" else assistant(words))
        if len(turns) >= 2:
            whole = turns if turns[-1].role == "assistant" else turns[:-1]
            yield (Turn("system", system), *whole) if system else tuple(whole)


def read_stories(path: Path, seed: int) -> Iterator[Conversation]:
    """Yield the stories, each as the answer to somebody who asked for one like it."""
    chance = random.Random(seed)
    for text in path.read_text(encoding="utf-8").split(_STORY_END):
        story = "\n".join(line.strip() for line in text.strip().splitlines() if line.strip())
        if len(story) > 100 and story[-1] in '.!?"':
            story = _rename(story, chance)
            yield user(_request(story, chance)), assistant(story)


def read_corpora(folder: Path, seed: int) -> dict[str, Callable[[], Iterator[Conversation]]]:
    """Return a reader for each training source of the reference data's `corpora` folder."""
    return {
        "sgd": lambda: read_dialogues(folder / "sgd_dialogues.txt", CLERK),
        "tm4": lambda: read_dialogues(folder / "tm4.txt", BARISTA),
        "stories": lambda: read_stories(folder / "tinystories_B.txt", seed),
    }


def read_heldout(folder: Path) -> list[Conversation]:
    """Return SODA's validation dialogues, for evaluation only."""
    return list(read_dialogues(folder / "soda_tinytalk_val.txt"))


def _rename(story: str, chance: random.Random) -> str:
    """Give the hero another name in half of the stories, so that names are read, not recited."""
    found = _NAMED.search(story[:400])
    if found is None or chance.random() < 0.5:
        return story
    return re.sub(rf"\b{found[2]}\b", chance.choice(NAMES), story)


def _request(story: str, chance: random.Random) -> str:
    opening = story[:400]
    named = [f"{kind}{'named'} {name}" for kind, name in _NAMED.findall(opening)]
    topics = named + _THING.findall(opening)
    if not topics or chance.random() < 0.1:
        return chance.choice(PLAIN_REQUESTS)
    topic = chance.choice(topics)
    if topic in named and chance.random() < 0.5:
        topic = topic.split(" named ")[0]
    others = [other for other in topics if other not in topic and topic not in other]
    if others and chance.random() < 0.3:
        topic = f"{topic} and {chance.choice(others)}"
    return chance.choice(STORY_REQUESTS).format(topic)
