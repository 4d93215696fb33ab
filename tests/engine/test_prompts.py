"""Prompts are split piece by piece as they are whole, and answers keep their ids."""

import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tiny_vocabularies import bpe_metadata, read_metadata
from wgslm.chat.template import ChatTemplate
from wgslm.pauses import Pausing
from wgslm.prompts import KEPT, Prompts
from wgslm.text import Segment, Tokenizer, load_tokenizer

FOLDER = os.environ.get("WGSLM_REFERENCE_DATA")
VOCABS = sorted(Path(FOLDER or "/nowhere", "vocabs").glob("*.gguf"))
CONTROLS = ("<|im_start|>", "<|im_end|>", "<|im_end|>\n", "<s>")
SYSTEM = "You are a helpful assistant."


def chatml(tokenizer: Tokenizer) -> ChatTemplate:
    source = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{{ '<|im_start|>assistant\\n' }}"
    )
    return ChatTemplate(source, bos_token="", eos_token="", specials=tokenizer.specials)


def tiny() -> Tokenizer:
    return load_tokenizer(bpe_metadata(["h i", "a n", "s t"], pre="qwen2", controls=CONTROLS))


def conversation(turns: int) -> list[dict[str, object]]:
    words = "the quick brown fox, 12 hats;\n\n çé <|im_end|> 東京 don't <think>x</think> ".split(
        " "
    )
    chance = random.Random(turns)
    return [
        {"role": role, "content": " ".join(chance.choices(words, k=80))}
        for _ in range(turns // 2)
        for role in ("user", "assistant")
    ]


@pytest.mark.parametrize("path", VOCABS or [None], ids=lambda path: path.stem if path else "none")
def test_pieces_have_the_ids_of_the_whole(path: Path | None) -> None:
    if path is None:
        pytest.skip("WGSLM_REFERENCE_DATA is not set")
    try:
        tokenizer = load_tokenizer(read_metadata(path))
    except Exception as error:  # kinds that are not supported
        pytest.skip(str(error))
    prompts = Prompts(tokenizer)
    chance = random.Random(path.stem)
    texts = [*tokenizer.specials[:40], "Hello", " there", "\n", "  ", "x<", "|>", "é"]
    for _ in range(40):
        segments = [
            Segment("".join(chance.choices(texts, k=6)), index % 3 != 1) for index in range(8)
        ]

        assert prompts.encode(segments).ids == tokenizer.encode_segments(segments)
        assert prompts.encode(segments).ids == tokenizer.encode_segments(segments)


def test_a_conversation_has_the_ids_of_the_whole() -> None:
    tokenizer = tiny()
    prompts, template = Prompts(tokenizer), chatml(tokenizer)
    for turns in range(2, 20, 2):
        segments = template.render(conversation(turns))

        assert prompts.encode(segments).ids == tokenizer.encode_segments(segments)


def test_an_answer_keeps_its_ids_as_a_past_turn() -> None:
    tokenizer = tiny()
    prompts, template = Prompts(tokenizer), chatml(tokenizer)
    first = [{"role": "user", "content": "hi"}]
    asked = prompts.encode(template.render(first))
    letters = [tokenizer.encode(letter)[0] for letter in "hihi"]  # not as the tokenizer would
    assert letters != tokenizer.encode("hihi")

    prompts.keep(asked, letters)
    after = [*first, {"role": "assistant", "content": "hihi"}, {"role": "user", "content": "a"}]
    ids = prompts.encode(template.render(after)).ids

    assert ids[: len(asked.ids) + 4] == [*asked.ids, *letters]
    assert tokenizer.decode(ids, specials=True) == "".join(
        segment.text for segment in template.render(after)
    )


def test_an_answer_that_was_changed_is_split_anew() -> None:
    tokenizer = tiny()
    prompts, template = Prompts(tokenizer), chatml(tokenizer)
    first = [{"role": "user", "content": "hi"}]
    asked = prompts.encode(template.render(first))
    prompts.keep(asked, [tokenizer.encode(letter)[0] for letter in "hihi"])
    after = [*first, {"role": "assistant", "content": "hihis"}]

    ids = prompts.encode(template.render(after)).ids

    assert ids == tokenizer.encode_segments(template.render(after))


def test_half_a_character_is_not_kept() -> None:
    tokenizer = tiny()
    prompts, template = Prompts(tokenizer), chatml(tokenizer)
    asked = prompts.encode(template.render([{"role": "user", "content": "hi"}]))

    prompts.keep(asked, tokenizer.encode("é")[:1])

    after = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "\ufffd"}]
    segments = template.render(after)
    assert prompts.encode(segments).ids == tokenizer.encode_segments(segments)


def counting(monkeypatch: pytest.MonkeyPatch, tokenizer: Tokenizer) -> list[int]:
    """Return counts whose last one grows by the characters that are split from now on."""
    encoding, nchars = tokenizer.encoding_segments, list[int]()

    def counted(
        segments: Sequence[Segment], *, bos: bool | None = None, starts: bool = True
    ) -> Pausing[list[int]]:
        nchars[-1] += sum(len(segment.text) for segment in segments)
        return encoding(segments, bos=bos, starts=starts)

    monkeypatch.setattr(tokenizer, "encoding_segments", counted)
    return nchars


@pytest.mark.parametrize(("others", "is_known"), [(KEPT - 1, True), (KEPT + 1, False)])
def test_what_no_prompt_has_had_for_long_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, others: int, is_known: bool
) -> None:
    tokenizer = tiny()
    template, prompts = chatml(tokenizer), Prompts(tokenizer)
    nchars = counting(monkeypatch, tokenizer)
    messages = conversation(20)
    nchars.append(0)
    ids = prompts.encode(template.render(messages)).ids
    whole = nchars[-1]
    for index in range(others):
        prompts.encode(template.render([{"role": "user", "content": f"{index}"}]))
    nchars.append(0)

    assert prompts.encode(template.render(messages)).ids == ids
    assert (nchars[-1] == 0) if is_known else (nchars[-1] > 0.9 * whole)


def test_the_next_turn_splits_the_new_text_only_however_long_the_chat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokenizer = tiny()
    template = chatml(tokenizer)
    nchars = counting(monkeypatch, tokenizer)
    for turns in (2, 20, 200):
        prompts, messages = Prompts(tokenizer), conversation(turns)
        nchars.append(0)
        prompts.encode(template.render(messages))
        nchars.append(0)
        prompts.encode(template.render([*messages, {"role": "user", "content": "And now?"}]))

    first, following = nchars[::2], nchars[1::2]
    assert first[2] > 50 * first[0]
    assert following[0] == following[1] == following[2] < 60


def seconds(prompts: Prompts, template: ChatTemplate, messages: list[dict[str, object]]) -> float:
    begun = time.process_time()
    prompts.encode(template.render(messages))
    return time.process_time() - begun


@pytest.mark.skipif(not VOCABS, reason="WGSLM_REFERENCE_DATA is not set")
def test_a_chat_of_20_messages_takes_30_ms_and_the_next_turn_less() -> None:
    path = next(path for path in VOCABS if "qwen2" in path.stem)
    tokenizer = load_tokenizer(read_metadata(path))
    source = Path(FOLDER or "", "templates", "Qwen-Qwen3-0.6B.jinja").read_text("utf-8")
    template = ChatTemplate(source, bos_token="", eos_token="", specials=tokenizer.specials)
    messages = conversation(20)
    template.render(messages[:2])  # finds out what it takes

    fresh = min(seconds(Prompts(tokenizer), template, messages) for _ in range(3))
    prompts = Prompts(tokenizer)
    seconds(prompts, template, messages)
    more: list[dict[str, object]] = [*messages, {"role": "user", "content": "And now?"}]
    following = min(seconds(prompts, template, more) for _ in range(3))

    print(f"\n20 messages: {fresh * 1e3:.1f} ms, the next turn: {following * 1e3:.1f} ms")
    assert fresh <= 0.030
    assert following < fresh
