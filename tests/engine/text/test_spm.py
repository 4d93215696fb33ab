"""SentencePiece's BPE, by hand and against SentencePiece itself."""

import random
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from tiny_vocabularies import BYTE, CONTROL, NORMAL, UNKNOWN, spm_metadata
from wgslm.text import Tokenizer, load_tokenizer

LETTERS = {"▁": -9.0, "a": -9.0, "b": -9.0, "c": -9.0}


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.tokens[id] for id in tokenizer.encode(text, bos=False)]


def merged_slowly(text: str, scores: Mapping[str, float]) -> list[str]:
    symbols = list(text)
    while True:
        joined = [left + right for left, right in pairwise(symbols)]
        known = [scores[pair] for pair in joined if pair in scores]
        if not known:
            return symbols
        at = next(i for i, pair in enumerate(joined) if scores.get(pair) == max(known))
        symbols[at : at + 2] = [joined[at]]


def test_the_best_score_merges_first_and_of_equals_the_leftmost() -> None:
    tokenizer = load_tokenizer(spm_metadata({**LETTERS, "ab": -2, "bc": -1, "aa": -3, "▁a": -3}))

    assert pieces(tokenizer, "abc") == ["▁a", "bc"]
    assert pieces(tokenizer, "aaa") == ["▁a", "aa"]


@pytest.mark.parametrize("alphabet", ["abc", "abc▁"])
def test_merging_equals_the_definition_on_random_words(alphabet: str) -> None:
    random_source = random.Random(4)
    scores = dict(LETTERS)
    while len(scores) < 60:
        size = random_source.randrange(2, 6)
        scores["".join(random_source.choices(alphabet, k=size))] = -random_source.randrange(20)
    tokenizer = load_tokenizer(spm_metadata(scores, add_space_prefix=False))

    for length in range(120):
        word = "".join(random_source.choices("abc▁", k=length))

        assert pieces(tokenizer, word.replace("▁", " ")) == merged_slowly(word, scores)


def test_a_character_without_a_piece_becomes_bytes() -> None:
    tokenizer = load_tokenizer(spm_metadata(LETTERS))

    assert pieces(tokenizer, "aé") == ["▁", "a", "<0xC3>", "<0xA9>"]


def test_a_character_is_unknown_where_there_are_no_bytes() -> None:
    metadata = spm_metadata(LETTERS)
    tokens = ["<unk>", "<s>", "</s>", *LETTERS]
    metadata["tokenizer.ggml.tokens"] = tokens
    metadata["tokenizer.ggml.token_type"] = [UNKNOWN, CONTROL, CONTROL] + [NORMAL] * 4
    metadata["tokenizer.ggml.scores"] = [0.0] * 7

    assert pieces(load_tokenizer(metadata), "aé") == ["▁", "a", "<unk>", "<unk>"]


def test_a_space_goes_before_text_unless_the_file_says_no() -> None:
    with_prefix = load_tokenizer(spm_metadata(LETTERS))
    without = load_tokenizer(spm_metadata(LETTERS, add_space_prefix=False))

    assert pieces(with_prefix, "a b") == ["▁", "a", "▁", "b"]
    assert pieces(without, "a b") == ["a", "▁", "b"]
    assert pieces(with_prefix, "") == pieces(without, "") == []


def test_text_never_becomes_a_control_or_byte_piece() -> None:
    scores = {**LETTERS, "<": -9.0, "s": -9.0, "<s": -1.0, "<0": -1.0, "<0x": -1.0, "<0x4": -1.0}
    tokenizer = load_tokenizer(spm_metadata({**scores, "<0x41": -1.0}, add_space_prefix=False))

    assert pieces(tokenizer, "<s>") == ["<s", "<0x3E>"]
    assert pieces(tokenizer, "<0x41>") == ["<0x41", "<0x3E>"]


def test_every_text_comes_back() -> None:
    tokenizer = load_tokenizer(spm_metadata({**LETTERS, "ab": -1.0}, add_space_prefix=False))
    text = "".join(map(chr, [*range(0x500), *range(0xFFF0, 0x10010), 0x1F999, 0x10FFFF]))

    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("pieces_that", ["stay in words", "reach across"])
def test_long_text_takes_time_in_proportion(pieces_that: str) -> None:
    across = {"a▁b": -1.0} if pieces_that == "reach across" else {}
    tokenizer = load_tokenizer(spm_metadata({**LETTERS, "aa": -2.0, "aaaa": -3.0, **across}))

    def seconds(text: str, length: int) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            tokenizer.encode(text * length)
            best = min(best, time.process_time() - start)
        return best

    for text in ("a", " ", "é"):
        assert seconds(text, 60_000) < 8 * seconds(text, 15_000) + 0.02


# SWIG's generated modules, of sentencepiece 0.2, are what newer Pythons warn about.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ids_equal_those_of_sentencepiece(tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    corpus = [
        f"{name} {verb} the {noun}, {count} times; it's \N{OGHAM SPACE MARK} naïve."
        for name in ("Anna", "Bertrand", "Čeněk", "Дима")
        for verb in ("takes", "taken", "undertakes", "retook")
        for noun in ("winding road", "wind", "window", "rowing boat")
        for count in (3, 33, 2026)
    ]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus),
        model_prefix=str(tmp_path / "trained"),
        model_type="bpe",
        vocab_size=420,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    trained = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "trained.model"))
    ids = range(trained.vocab_size())

    def kind(id: int) -> int:
        if trained.is_unknown(id):
            return UNKNOWN
        if trained.is_control(id):
            return CONTROL
        return BYTE if trained.is_byte(id) else NORMAL

    tokenizer = load_tokenizer(
        {
            "tokenizer.ggml.model": "llama",
            "tokenizer.ggml.tokens": [trained.id_to_piece(id) for id in ids],
            "tokenizer.ggml.scores": [trained.get_score(id) for id in ids],
            "tokenizer.ggml.token_type": [kind(id) for id in ids],
        }
    )

    random_source = random.Random(6)
    words = [*" ".join(corpus[:40]).split(" "), "", "  ", "🦙", "\n", "<s>", "漢字", "x1"]
    for _ in range(200):
        text = " ".join(random_source.choices(words, k=12))

        assert tokenizer.encode(text, bos=False) == trained.encode(text)
