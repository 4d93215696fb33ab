"""Special tokens, BOS and EOS, segments and ends."""

import random
import tracemalloc
from collections.abc import Sequence

import pytest

from tiny_vocabularies import NORMAL, USER_DEFINED, bpe_metadata, spm_metadata
from wgslm.errors import RequestError
from wgslm.pauses import whole
from wgslm.text import Segment, Tokenizer, load_tokenizer
from wgslm.text.specials import SpecialTokens

CHATML = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_tokenizer(
        bpe_metadata(["h i"], pre="qwen2", controls=CHATML, user_defined=["<think>"])
    )


def pieces(tokenizer: Tokenizer, ids: list[int]) -> list[str]:
    return [tokenizer.tokens[id] for id in ids]


def test_control_text_is_a_token_only_for_a_template(tokenizer: Tokenizer) -> None:
    assert pieces(tokenizer, tokenizer.encode("hi<|im_end|>", specials=True)) == [
        "hi",
        "<|im_end|>",
    ]
    assert pieces(tokenizer, tokenizer.encode("hi<|im_end|>")) == ["hi", *"<|im_end|>"]


def test_user_defined_text_is_always_a_token(tokenizer: Tokenizer) -> None:
    assert pieces(tokenizer, tokenizer.encode("hi<think>hi")) == ["hi", "<think>", "hi"]


def test_segments_encode_as_the_whole_but_content_makes_no_specials(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode_segments(
        [
            Segment("<|im_start|>h", template=True),
            Segment("i<|im_end|>", template=False),
            Segment("<|im_end|>", template=True),
        ]
    )

    assert pieces(tokenizer, ids) == ["<|im_start|>", "hi", *"<|im_end|>", "<|im_end|>"]


def test_a_special_token_is_not_made_of_template_and_content(tokenizer: Tokenizer) -> None:
    parts = [("<|im_", True), ("end|>", False), ("<|im", False), ("_end|>", True)]
    halves = [Segment("<|im_", template=True), Segment("end|>", template=True)]

    ids = tokenizer.encode_segments([Segment(*part) for part in parts])

    assert pieces(tokenizer, ids) == [*"<|im_end|><|im_end|>"]
    assert pieces(tokenizer, tokenizer.encode_segments(halves)) == ["<|im_end|>"]


def test_a_user_defined_token_may_reach_from_template_into_content(tokenizer: Tokenizer) -> None:
    segments = [Segment("<thi", template=True), Segment("nk>", template=False)]

    assert pieces(tokenizer, tokenizer.encode_segments(segments)) == ["<think>"]


def test_of_overlapping_special_tokens_the_longest_wins_wherever_it_starts() -> None:
    tokenizer = load_tokenizer(bpe_metadata(user_defined=["xy", "yzw", "xx", "xxx"]))

    assert pieces(tokenizer, tokenizer.encode("xyzw")) == ["x", "yzw"]
    assert pieces(tokenizer, tokenizer.encode("xxxxy")) == ["xxx", "xy"]


def test_special_tokens_are_found_as_llama_cpp_does() -> None:
    """Token by token, in the text that those before have left."""
    chance = random.Random(4)
    for _ in range(300):
        texts = {"".join(chance.choices("<|>é", k=chance.randint(1, 7))) for _ in range(9)}
        tokens = dict(zip(sorted(texts), range(len(texts)), strict=True))
        text = "".join(chance.choices("<|>éa", k=chance.randint(0, 40)))
        left: list[str | int] = [text] if text else []
        for token in sorted(tokens, key=lambda token: -len(token.encode())):
            parts: list[Sequence[str | int]] = [
                each.split(token) if isinstance(each, str) else (each,) for each in left
            ]
            left = []
            for part in parts:
                for count, each in enumerate(part):
                    left += [tokens[token]] if count else []
                    left += [each] if each != "" else []

        segments = [Segment(text, template=True)]
        assert whole(SpecialTokens({}, tokens).split(segments)) == left
        assert whole(SpecialTokens(tokens, {}).split(segments)) == left


def test_runs_that_are_tokens_of_every_length_take_little() -> None:
    """Gemma has tokens of up to 31 line breaks; all places of all would be millions."""
    tokens = {"\n" * length: length for length in range(1, 32)}
    tracemalloc.start()

    found = whole(SpecialTokens({}, tokens).split([Segment("\n" * 100_000, template=False)]))

    assert found == [31] * 3225 + [25]
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_length_is_counted_in_bytes_like_llama_cpp() -> None:
    tokenizer = load_tokenizer(bpe_metadata(user_defined=["abc", "c漢"]))

    assert pieces(tokenizer, tokenizer.encode("abc漢"))[-1] == "c漢"


def test_bos_is_added_as_the_file_says() -> None:
    def first_ids(**changes: object) -> list[int]:
        return load_tokenizer(bpe_metadata(**changes)).encode("x")  # type: ignore[arg-type]

    x, bos = 0x78, 256
    assert first_ids() == [x]
    assert first_ids(add_bos_token=True) == [bos, x]
    assert first_ids(pre="llama-bpe") == [bos, x]
    assert first_ids(pre="llama-bpe", add_bos_token=False) == [x]


def test_bos_is_added_to_spm_by_default() -> None:
    tokenizer = load_tokenizer(spm_metadata({"▁": 0.0, "x": 0.0}))

    assert pieces(tokenizer, tokenizer.encode("x")) == ["<s>", "▁", "x"]
    assert pieces(tokenizer, tokenizer.encode("")) == ["<s>"]
    assert pieces(tokenizer, tokenizer.encode("x", bos=False)) == ["▁", "x"]


def test_a_caller_decides_over_bos(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("hi", bos=True) == [tokenizer.bos_id, *tokenizer.encode("hi")]


def test_bos_is_refused_where_there_is_none() -> None:
    tokenizer = load_tokenizer(bpe_metadata(bos_token_id=None))

    with pytest.raises(RequestError, match="no BOS token"):
        tokenizer.encode("x", bos=True)


def test_eos_is_added_to_text_but_not_to_a_prompt() -> None:
    tokenizer = load_tokenizer(bpe_metadata(add_eos_token=True))

    assert tokenizer.encode("x") == [0x78, 256]
    assert tokenizer.encode("x", bos=False) == [0x78]
    assert tokenizer.encode_segments([Segment("x", template=True)]) == [0x78]


def test_a_template_that_writes_bos_gets_no_second_one() -> None:
    tokenizer = load_tokenizer(spm_metadata({"▁": 0.0, "x": 0.0}))

    ids = tokenizer.encode_segments([Segment("<s>", template=True), Segment("x", template=False)])
    fooled = tokenizer.encode_segments([Segment("<s>", template=False)])

    assert pieces(tokenizer, ids) == ["<s>", "▁", "x"]
    assert pieces(tokenizer, fooled)[:2] == ["<s>", "▁"]


def test_spm_text_after_a_special_token_starts_with_a_space() -> None:
    tokenizer = load_tokenizer(spm_metadata({"▁": 0.0, "x": 0.0}))

    ids = tokenizer.encode("x</s>x x", specials=True, bos=False)

    assert pieces(tokenizer, ids) == ["▁", "x", "</s>", "▁", "x", "▁", "x"]


def test_phi_3_swallows_white_space_after_special_tokens() -> None:
    metadata = spm_metadata({"▁": 0.0, "x": 0.0}, user_defined=["<|user|>"])
    plain = load_tokenizer(metadata)
    phi = load_tokenizer({**metadata, "general.name": "Phi-3-mini"})

    assert pieces(phi, phi.encode("<|user|>\n x", bos=False)) == ["<|user|>", "▁", "x"]
    assert pieces(phi, phi.encode("<s> x", specials=True, bos=False)) == ["<s>", "▁", "▁", "x"]
    assert len(plain.encode("<|user|>\n x", bos=False)) == 5


def test_ends_are_those_of_the_keys_and_those_known_by_text() -> None:
    tokens = ("<|endoftext|>", "<|im_end|>", "<|eom_id|>", "stop", "<|fim_pad|>", "over", "<|x|>")
    tokenizer = load_tokenizer(bpe_metadata(controls=tokens, eos_token_id=259, eot_token_id=261))

    assert [tokenizer.tokens[id] for id in sorted(tokenizer.end_ids)] == list(tokens[:-1])
    assert (tokenizer.eos_id, tokenizer.eot_id, tokenizer.eom_id) == (259, 261, 258)


@pytest.mark.parametrize("call", ["<|call|>", "<|calls|>"])
def test_the_end_of_a_harmony_message_does_not_end_the_answer(call: str) -> None:
    with_end = load_tokenizer(bpe_metadata(controls=["<|return|>", "<|end|>"]))
    harmony = load_tokenizer(bpe_metadata(controls=["<|return|>", "<|end|>", call]))

    assert with_end.end_ids == {256, 257}
    assert harmony.end_ids == {256, 258}


@pytest.mark.parametrize("kind", [NORMAL, USER_DEFINED])
def test_an_end_that_the_file_calls_ordinary_is_a_control_token(kind: int) -> None:
    metadata = bpe_metadata(controls=["<|im_end|>"], token_type=[NORMAL] * 256 + [kind])
    tokenizer = load_tokenizer(metadata)

    assert tokenizer.specials == ("<|im_end|>",)
    assert pieces(tokenizer, tokenizer.encode("<|im_end|>")) == [*"<|im_end|>"]


def test_pieces_hide_control_tokens_unless_asked_for(tokenizer: Tokenizer) -> None:
    im_end = tokenizer.tokens.index("<|im_end|>")

    assert tokenizer.piece(im_end) == b""
    assert tokenizer.piece(im_end, specials=True) == b"<|im_end|>"
    assert tokenizer.piece(tokenizer.tokens.index("<think>")) == b"<think>"
    assert tokenizer.decode([0x68, im_end, 0x69], specials=True) == "h<|im_end|>i"


@pytest.mark.parametrize("id", [-1, 10_000])
def test_an_id_outside_the_vocabulary_is_refused(tokenizer: Tokenizer, id: int) -> None:
    with pytest.raises(RequestError, match=f"token id {id} is not in the vocabulary"):
        tokenizer.piece(id)


def test_surrogates_are_joined_or_replaced(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("\ud83e\udd99") == tokenizer.encode("🦙")
    assert tokenizer.encode("a\ud83eb") == tokenizer.encode("a\ufffdb")
