"""From corpora and guide to a vocabulary and ids on disk: everything before the first step."""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from demo.train.chats import guide_askings, guide_chats, skill_chats, tale_chats, varied_chats
from demo.train.conversation import Conversation
from demo.train.corpus import read_corpora
from demo.train.dataset import ROW_LENGTHS, Source
from demo.train.guide import exchange_names
from demo.train.tokenizer import Document, Vocabulary, nbytes_per_token

Readers = dict[str, Callable[[], Iterator[Conversation]]]

VOCABULARY = "vocabulary.model"
HELD_BACK = 0.01  # of every source, for validation


def prepare(corpora: Path, folder: Path, vocabulary_size: int, seed: int) -> None:
    """Write the vocabulary, and per source a validation and a training file, unless it is there.

    A source that has changed is made anew when its files were deleted.
    """
    guide = {
        "guide": partial(guide_chats, seed),
        "askings": partial(guide_askings, seed),
        "varied": partial(varied_chats, seed),
    }
    skills = {"skills": partial(skill_chats, seed)}
    tales = {"tales": partial(tale_chats, seed)}
    readers: Readers = {**read_corpora(corpora, seed), **guide, **skills, **tales}
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / VOCABULARY).exists():
        Vocabulary.train(_sample(readers, seed), vocabulary_size).save(folder / VOCABULARY)
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    numbers = {name: number for number, name in enumerate(exchange_names(), 1)}
    for name, reader in readers.items():
        if (folder / f"{name}.train.npz").exists():  # the last that is written of a source
            print(f"{name} is there")
            continue
        chance = random.Random(f"{seed} {name}")
        conversations = list(reader())
        chance.shuffle(conversations)
        cut = max(1, int(HELD_BACK * len(conversations)))
        for part, chosen in (("valid", conversations[:cut]), ("train", conversations[cut:])):
            encode = partial(
                vocabulary.encode_conversation,
                is_guide=name in guide,
                is_skill=name in skills,
                copies=name in {**guide, **skills, **tales},
            )
            documents: Iterable[Document] = map(encode, chosen)
            if name == "askings":
                documents = (document.up_to_decision() for document in documents)
            source = Source.of(documents, max(ROW_LENGTHS), numbers)
            source.save(folder / f"{name}.{part}.npz")
            print(f"{name}.{part}: {len(source)} conversations, {len(source.ids)} ids")
        texts = [turn.text for turn in itertools.chain(*conversations[:200])]
        print(f"{name}: {nbytes_per_token(vocabulary, texts):.2f} bytes a token")


def load_sources(folder: Path, part: str) -> dict[str, Source]:
    """Return the prepared sources of a part: "train" or "valid"."""
    ending = f".{part}.npz"
    return {
        path.name.removesuffix(ending): Source.load(path)
        for path in sorted(folder.glob("*" + ending))
    }


def _sample(readers: Readers, seed: int) -> Iterator[str]:
    """Yield the same number of bytes of every source, for the vocabulary."""
    for name, reader in readers.items():
        conversations = list(reader())
        random.Random(f"{seed} {name} sample").shuffle(conversations)
        left = 1_500_000
        for conversation in conversations:
            for turn in conversation:
                yield from (turn.role, turn.text)  # the roles become tokens, too
                left -= len(turn.text)
            if left < 0:
                break
