"""Judge a GGUF file: bits per byte, held-out questions, repetition, endings, memory, a sheet.

`python -m demo.train evaluate --model A.gguf [--beside B.gguf]` prints one table for all files and
writes `sheet.md` into the run's folder: the free prompts with the answers, for reading.
"""

import itertools
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from demo.train.conversation import Conversation, Turn, assistant, user
from demo.train.corpus import read_heldout
from demo.train.guide import Fact, read_facts
from demo.train.held_out import read_held_out
from demo.train.player import Player, Reply, Sampling
from demo.train.words import NAMES, THINGS

FREE_PROMPTS = Path(__file__).with_name("free_prompts.txt")
GREEDY = Sampling(temperature=0)
LONGEST = 900  # characters of a SODA dialogue: what fits TinyTalk's 256 ids
MEMORY_CHATS = 40
RIGHT = 0.5  # the least overlap of words with a fact's answer


def evaluate(paths: Sequence[Path], corpora: Path, folder: Path) -> None:
    """Print the table of the files' figures and write the sheet."""
    players = [Player(path) for path in paths]
    soda = read_soda(corpora)
    rows: dict[str, list[str]] = {
        "bits per byte, SODA": [f"{bits_per_byte(player, soda):.3f}" for player in players]
    }
    prompts = free_prompts()
    openings = [*prompts, *(dialogue[0].text for dialogue in soda)][:100]
    replies = [_replies(player, openings) for player in players]
    rows["distinct 4-grams, 100 replies together"] = [f"{distinct(part):.3f}" for part in replies]
    rows["distinct 4-grams, each reply for itself"] = [
        f"{sum(distinct([reply]) for reply in part) / len(part):.3f}" for part in replies
    ]
    rows["replies that end by themselves"] = [
        f"{sum(reply.ended for reply in part) / len(part):.3f}" for part in replies
    ]
    for what, pool in (("name", NAMES), ("topic", THINGS)):
        rows[f"{what} of turn 1 used in turn 3"] = [
            f"{remembered(player, what, pool):.3f}" for player in players
        ]
    questions = read_held_out()
    rows[f"held-out questions right, of {len(questions)}"] = [
        f"{answered(player, questions):.3f}" for player in players
    ]
    _print_table([player.name for player in players], rows)
    _write_sheet(folder / "sheet.md", prompts, replies[0])


def compare(paths: Sequence[Path], corpora: Path) -> None:
    """Print size, bits per byte and share of right answers: what quality costs in bytes."""
    players = [Player(path) for path in paths]
    soda, questions = read_soda(corpora)[:200], read_held_out()
    rows = {
        "bytes": [f"{path.stat().st_size:,}" for path in paths],
        "bits per byte, 200 of SODA": [f"{bits_per_byte(player, soda):.3f}" for player in players],
        f"held-out questions right, of {len(questions)}": [
            f"{answered(player, questions):.3f}" for player in players
        ],
    }
    _print_table([path.stem for path in paths], rows)


def read_soda(corpora: Path) -> list[Conversation]:
    """Return SODA's dialogues that fit TinyTalk's context."""
    dialogues = read_heldout(corpora)
    return [d for d in dialogues if sum(len(turn.text) + 12 for turn in d) < LONGEST]


def bits_per_byte(player: Player, dialogues: Sequence[Conversation]) -> float:
    """Return the mean cost of the dialogues' words."""
    measured = [player.bits(dialogue) for dialogue in dialogues]
    return sum(bits for bits, _ in measured) / sum(nbytes for _, nbytes in measured)


def distinct(replies: Sequence[Reply]) -> float:
    """Return the share of 4-grams of words, over all replies, that are not repeats."""
    grams = [gram for reply in replies for gram in _grams(reply.text, 4)]
    return len(set(grams)) / len(grams) if grams else 1.0


def remembered(player: Player, what: str, pool: Sequence[str]) -> float:
    """Return how often a name or topic of the first turn comes back when asked in the third."""
    chance = random.Random(7)
    told = {"name": "Hi! My name is %s.", "topic": "I would like to talk about %s."}[what]
    asked = {"name": "What is my name?", "topic": "What did I want to talk about?"}[what]
    right = 0
    for word in chance.choices(pool, k=MEMORY_CHATS):
        turns: list[Turn] = []
        for question in (told % word, "What is a token?", asked):
            turns.append(user(question))
            turns.append(assistant(player.reply(tuple(turns), GREEDY, 0, most=80).text))
        right += word.lower() in turns[-1].text.lower()
    return right / MEMORY_CHATS


def answered(player: Player, questions: Sequence[tuple[str, str]]) -> float:
    """Return the share of questions whose greedy answer is nearest to the right fact's answer."""
    answers = {
        name: [_words(text) for text in (*fact.answers, *fact.more)]
        for name, fact in _facts().items()
    }
    right = 0
    for name, question in questions:
        words = _words(player.reply((user(question),), GREEDY, 0, most=120).text)
        scores = {
            other: max(_overlap(words, text) for text in texts) for other, texts in answers.items()
        }
        right += scores[name] >= max(RIGHT, max(scores.values()))
    return right / len(questions)


def free_prompts() -> list[str]:
    """Return the prompts of the sheet."""
    return FREE_PROMPTS.read_text(encoding="utf-8").splitlines()


def _replies(player: Player, openings: Sequence[str]) -> list[Reply]:
    return [
        player.reply((user(opening),), player.sampling, seed)
        for seed, opening in enumerate(openings)
    ]


def _facts() -> dict[str, Fact]:
    return {fact.name: fact for fact in itertools.chain(*read_facts().values())}


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[a-z0-9_.-]*[a-z0-9]", text.lower()))


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    """Return the F1 of two bags of words."""
    return 2 * (one & other).total() / max(1, one.total() + other.total())


def _grams(text: str, size: int) -> list[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9']+", text.lower())
    return [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]


def _print_table(names: Sequence[str], rows: dict[str, list[str]]) -> None:
    width = max(map(len, rows)) + 2
    print("".ljust(width) + "  ".join(name.rjust(24) for name in names))
    for title, figures in rows.items():
        print(title.ljust(width) + "  ".join(figure.rjust(24) for figure in figures))


def _write_sheet(path: Path, prompts: Sequence[str], replies: Sequence[Reply]) -> None:
    lines = ["# Free prompts", ""]
    for prompt, reply in zip(prompts, replies, strict=False):
        lines += [f"**{prompt}**", "", reply.text + ("" if reply.ended else " [cut]"), ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    print(f"the sheet is in {path}")
