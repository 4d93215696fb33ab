"""Vocabularies made by `tokenizers` and `sentencepiece`: equal ids for text in all scripts."""

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import sentencepiece
from tokenizers import (
    Regex,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)
from tokenizers import Tokenizer as Other

from published_expressions import PUBLISHED
from scripts import sentence
from wgslm.pauses import whole
from wgslm.text import Tokenizer, load_tokenizer
from wgslm.text.charsmap import Charsmap

LEARNT = [sentence(seed) for seed in range(1000, 1200)]
TEXTS = [sentence(seed) for seed in range(150)]
SPM_KINDS = (2, 3, 4, 5, 6)  # unknown, control, user-defined, unused, byte: as in the file


def gguf(**keys: object) -> dict[str, object]:
    return {f"tokenizer.ggml.{key}": value for key, value in keys.items()}


def from_other(other: Other, **keys: object) -> Tokenizer:
    """Return our tokenizer with the vocabulary of a BPE of `tokenizers`."""
    model = json.loads(other.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    known = {"<unk>": 2, "<bos>": 3}
    kinds = [6 if token.startswith("<0x") else known.get(token, 1) for token in tokens]
    merges = [" ".join(merge) for merge in model["merges"]]
    return load_tokenizer(gguf(tokens=tokens, token_type=kinds, merges=merges, **keys))


def from_pieces(pieces: sentencepiece.SentencePieceProcessor, **keys: object) -> Tokenizer:
    """Return our tokenizer with the vocabulary of a model of `sentencepiece`."""
    ids = range(pieces.vocab_size())
    tests = (
        pieces.is_unknown,
        pieces.is_control,
        lambda id: False,
        pieces.is_unused,
        pieces.is_byte,
    )
    kinds = [next((k for k, has in zip(SPM_KINDS, tests, strict=True) if has(id)), 1) for id in ids]
    return load_tokenizer(
        gguf(
            tokens=[pieces.id_to_piece(id) for id in ids],
            scores=[pieces.get_score(id) for id in ids],
            token_type=kinds,
            unknown_token_id=pieces.unk_id(),
            bos_token_id=pieces.bos_id(),
            eos_token_id=pieces.eos_id(),
            **keys,
        )
    )


def trained(**options: Any) -> sentencepiece.SentencePieceProcessor:
    """Return a SentencePiece model of LEARNT."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LEARNT), model_writer=written, minloglevel=2, vocab_size=2400,
        hard_vocab_limit=False, character_coverage=0.98, **options,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())


def charsmap(pieces: sentencepiece.SentencePieceProcessor) -> bytes:
    """Return ModelProto.normalizer_spec (3) .precompiled_charsmap (2)."""
    spec = dict(fields(pieces.serialized_model_proto()))[3]
    return dict(fields(spec)).get(2, b"")


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and bytes of every length-delimited field of a protobuf message."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(message):
        key = varint()
        if key & 7 == 2:
            size = varint()
            yield key >> 3, message[position : position + size]
            position += size
        elif key & 7 == 0:
            varint()
        else:
            position += 4 if key & 7 == 5 else 8


def assert_same(ours: Tokenizer, expected: Sequence[tuple[str, list[int]]]) -> None:
    for text, ids in expected:
        assert (text, ours.encode(text, bos=False)) == (text, ids)


@pytest.mark.parametrize("name", ["qwen2", "gpt-4o", "deepseek-v3", "starcoder"])
def test_byte_level_bpe_equals_that_of_tokenizers(name: str) -> None:
    other = Other(models.BPE())
    other.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *(pre_tokenizers.Split(Regex(part), "isolated") for part in PUBLISHED[name]),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1500, initial_alphabet=alphabet, show_progress=False)
    other.train_from_iterator(LEARNT, trainer)

    ours = from_other(other, model="gpt2", pre=name)

    assert_same(ours, [(text, other.encode(text).ids) for text in TEXTS])
    assert [ours.decode(ours.encode(text)) for text in TEXTS] == TEXTS


def test_gemma_4_equals_bpe_of_characters_with_bytes_for_the_rest() -> None:
    learnt = Other(models.BPE())
    learnt.normalizer = normalizers.Replace(" ", "\u2581")
    learnt.pre_tokenizer = pre_tokenizers.Split(Regex(r"\n+"), "isolated")
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=1500, limit_alphabet=600, special_tokens=["<unk>", "<bos>", *byte_tokens],
        show_progress=False,
    )  # fmt: skip
    learnt.train_from_iterator(LEARNT, trainer)
    model = json.loads(learnt.to_str())["model"]
    merges = [tuple(m) for m in model["merges"] if "\n" not in "".join(m)]
    other = Other(models.BPE(model["vocab"], merges, byte_fallback=True, unk_token="<unk>"))
    other.normalizer, other.pre_tokenizer = learnt.normalizer, learnt.pre_tokenizer
    other.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback()])

    ours = from_other(other, model="gemma4", bos_token_id=1, unknown_token_id=0)

    texts = [text.replace("\n\n", "\n") for text in TEXTS]
    assert_same(ours, [(text, other.encode(text).ids) for text in texts])
    spaced = [text.replace("\u2581", " ") for text in texts]
    assert [ours.decode(ours.encode(text)) for text in texts] == spaced


@pytest.mark.parametrize("prefix", [True, False])
def test_spm_equals_sentencepiece(prefix: bool) -> None:
    pieces = trained(
        model_type="bpe", byte_fallback=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, add_dummy_prefix=prefix,
    )  # fmt: skip
    texts = [text.replace("\0", "") for text in TEXTS]  # where SentencePiece ends a text

    ours = from_pieces(pieces, model="llama", add_space_prefix=prefix)

    assert_same(ours, [(text, pieces.encode(text)) for text in texts])


@pytest.mark.parametrize("rule", ["identity", "nmt_nfkc", "nfkc_cf"])
@pytest.mark.parametrize("byte_fallback", [False, True])
@pytest.mark.parametrize("merge_spaces", [True, False])
def test_unigram_equals_sentencepiece(rule: str, byte_fallback: bool, merge_spaces: bool) -> None:
    pieces = trained(
        model_type="unigram", byte_fallback=byte_fallback, normalization_rule_name=rule,
        remove_extra_whitespaces=merge_spaces, pad_id=3,
    )  # fmt: skip
    texts = [text.replace("\0", "") for text in TEXTS]

    ours = from_pieces(
        pieces, model="t5", add_space_prefix=True, remove_extra_whitespaces=merge_spaces,
        precompiled_charsmap=list(charsmap(pieces)) or [4, 0, 0, 0, 0, 0, 0, 0],
    )  # fmt: skip

    assert_same(ours, [(text, pieces.encode(text)) for text in texts])


def test_a_charsmap_equals_that_of_tokenizers() -> None:
    blob = charsmap(trained(model_type="unigram", normalization_rule_name="nmt_nfkc"))
    other, ours = normalizers.Precompiled(blob), Charsmap(blob)

    for code in [*range(1, 0xD800), *range(0xE000, 0x11000), *range(0x1D400, 0x1F300)]:
        assert whole(ours.normalize(chr(code))) == other.normalize_str(chr(code)), hex(code)


def without(text: str) -> str:
    """Leave out what means the start of a word in a GGUF, and a mark younger than their tables."""
    return text.replace("\u2581", "").replace("\u0eba", "")


@pytest.mark.parametrize("lowercase", [True, False])
def test_wordpiece_equals_that_of_tokenizers(lowercase: bool) -> None:
    other = Other(models.WordPiece(unk_token="[UNK]"))
    other.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    other.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=1500, special_tokens=specials, limit_alphabet=700, show_progress=False
    )
    other.train_from_iterator(map(without, LEARNT), trainer)
    vocabulary = other.get_vocab()
    tokens = [
        token if token in specials
        else token.removeprefix("##") if token.startswith("##") else "\u2581" + token
        for token in sorted(vocabulary, key=vocabulary.__getitem__)
    ]  # fmt: skip

    ours = load_tokenizer(
        gguf(
            model="bert", tokens=tokens, token_type=[3] * 4 + [1] * (len(tokens) - 4),
            unknown_token_id=1, cls_token_id=2, seperator_token_id=3,
            **{"normalizer.lowercase": lowercase},
        )
    )  # fmt: skip

    texts = [*map(without, TEXTS), "x" * 100, "x" * 101]
    assert_same(ours, [(text, other.encode(text).ids) for text in texts])
    assert ours.encode("") == [2, 3]
