"""Splitting a long text lets others have their turn, whatever the text is."""

import asyncio
import random
import unicodedata
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

import pytest

from tiny_vocabularies import bpe_metadata, spm_metadata
from wgslm.chat.template import ChatTemplate
from wgslm.pauses import Pausing, in_turns, whole
from wgslm.prompts import Prompts
from wgslm.text import Segment, Tokenizer, load_tokenizer, stitch
from wgslm.text.decompose import decomposed
from wgslm.text.merge import merge_chain, merge_word
from wgslm.text.stitch import Stitcher, in_pieces

SIZE = 60_000
# Characters between two pauses, on the average: 10 pauses in a text that takes a tab a second.
MOST = 6000
LETTERS = [a + b for a in "abcdefghij" for b in "abcdefghij"]
TEXTS = {
    "prose": "the cat and 12 hats. " * (SIZE // 21),
    "one letter": "a" * SIZE,
    "letters": "".join(random.Random(1).choices("abcdefghij", k=SIZE)),
    "spaces": " " * SIZE,
    "marks": "\u0301\u0323" * (SIZE // 2),
    "signs": "<" * SIZE,
    "special tokens": "<s>" * (SIZE // 3),
}


@cache
def loaded(kind: str) -> Tokenizer:
    if kind == "spm":
        return load_tokenizer(spm_metadata({piece: -n for n, piece in enumerate(LETTERS)}))
    if kind == "unigram":
        pieces = {piece: -n for n, piece in enumerate([*LETTERS, "a", "\u2581"])}
        return load_tokenizer(spm_metadata(pieces, model="t5", unknown_token_id=0))
    if kind == "wordpiece":
        tokens = ["[UNK]", "[CLS]", "[SEP]", "\u2581a", "a", "<s>"]
        keys = {"model": "bert", "tokens": tokens, "unknown_token_id": 0, "cls_token_id": 1,
                "seperator_token_id": 2, "token_type": [2, 3, 3, 1, 1, 3]}  # fmt: skip
        return load_tokenizer({f"tokenizer.ggml.{key}": value for key, value in keys.items()})
    merges = [f"{pair[0]} {pair[1]}" for pair in LETTERS] + ["< <"]
    return load_tokenizer(bpe_metadata(merges, pre="superbpe", controls=["<s>"]))


def pauses(work: Pausing[object]) -> int:
    return sum(1 for _ in work)


@pytest.mark.parametrize("kind", ["bpe", "spm", "unigram", "wordpiece"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_long_text_is_split_with_pauses(kind: str, name: str) -> None:
    text, tokenizer = TEXTS[name], loaded(kind)

    assert pauses(tokenizer.encoding(text, specials=True)) >= len(text) / MOST


@pytest.mark.parametrize("name", TEXTS)
def test_a_long_conversation_is_rendered_with_pauses(name: str) -> None:
    tokenizer = loaded("bpe")
    source = "{% for m in messages %}<s>{{ m.content }}{% endfor %}"
    template = ChatTemplate(source, bos_token="", eos_token="", specials=tokenizer.specials)
    text = TEXTS[name]
    messages = [{"role": "user", "content": text[:1000]}] * 60
    segments = [Segment(text, True)]

    assert pauses(template.rendering(messages)) >= 60
    # Signs are looked at one by one, all else at C speed.
    assert pauses(Prompts(tokenizer).encoding(segments)) >= text.count("<") / MOST


def test_others_have_their_turn_and_work_ends_when_it_is_cancelled() -> None:
    turns = 0
    is_closed = False

    def work() -> Pausing[None]:
        nonlocal is_closed
        try:
            while True:
                yield
        finally:
            is_closed = True

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def run() -> None:
        aside = asyncio.ensure_future(others())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await in_turns(work(), 0.01)
        aside.cancel()

    asyncio.run(run())
    assert is_closed
    assert turns >= 3


@pytest.mark.parametrize("joint", ["", " "])
@pytest.mark.parametrize("piece", [1, 3, 7])
@pytest.mark.parametrize("most_again", [0, 1, 8])
def test_short_and_long_words_are_merged_by_the_definition(
    monkeypatch: pytest.MonkeyPatch, joint: str, piece: int, most_again: int
) -> None:
    monkeypatch.setattr(stitch, "MOST_AGAIN", most_again)
    chance = random.Random(7)
    for _ in range(300):
        letters = "ab "[: chance.randint(1, 3)]
        ranks: dict[str, int] = {}
        for _ in range(chance.randint(1, 40)):  # in any order, and several alike
            word = "".join(chance.choices(letters, k=chance.randint(2, 8)))
            cut = chance.randint(1, len(word) - 1)
            ranks[word[:cut] + joint + word[cut:]] = chance.randint(0, 8)
        text = chance.choices(letters, k=chance.randint(1, 60))
        expected = merged(list(text), ranks, joint)

        assert merge_word(list(text), ranks, joint) == expected
        assert whole(merge_chain(list(text), ranks, joint)) == expected
        assert whole(Stitcher(ranks, joint).merge(in_pieces("".join(text), piece))) == expected


def merged(symbols: list[str], ranks: Mapping[str, int], joint: str) -> list[str]:
    while True:
        pairs = [a + joint + b for a, b in pairwise(symbols)]
        known = [(ranks[pair], place) for place, pair in enumerate(pairs) if pair in ranks]
        if not known:
            return symbols
        place = min(known)[1]
        symbols[place : place + 2] = ["".join(symbols[place : place + 2])]


def test_decomposing_equals_pythons() -> None:
    chance = random.Random(3)
    alphabet = "a\xe9\u1ea5\u0301\u0323\u0327\u0345\u302e\U0001d165\uac01\u0f73 "
    for _ in range(60):
        text = "".join(
            chance.choice(alphabet) * chance.choice((1, 1, 1, 2, 300)) for _ in range(40)
        )

        assert whole(decomposed(text)) == unicodedata.normalize("NFD", text)
