"""Turn after turn only what is new is computed, also where a template leaves out old thoughts."""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import pytest

from tiny_vocabularies import bpe_metadata, spm_metadata
from wgslm.answer import Answer, mark_ids
from wgslm.chat.events import ReasoningDelta, TextDelta, TextWasReasoning
from wgslm.chat.output.parser import OutputParser
from wgslm.chat.template import ChatTemplate
from wgslm.prompts import Prompts
from wgslm.text import Segment, TextStream, Tokenizer, load_tokenizer

FOLDER = os.environ.get("WGSLM_REFERENCE_DATA")
QWEN = ("<|im_start|>", "<|im_end|>")
DEEPSEEK = ("<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<\uff5cend\u2581of\u2581sentence\uff5c>")
SPEAKERS = ("<\uff5cUser\uff5c>", "<\uff5cAssistant\uff5c>")  # no control tokens in its files
MARKS = ("<think>", "</think>", "<tool_call>", "</tool_call>")
MERGES = ["t h", "th e", "a n", "an d", "i n", "\u0120 the", "o u", "\u010a \u010a", "h e"]
PLAIN = (
    "{% for m in messages %}{{ '### ' + m.role + ':\n' + m.content + '\n\n' }}{% endfor %}"
    "{{ '### assistant:\n' }}"
)


def read(name: str) -> str:
    if FOLDER is None:
        pytest.skip("WGSLM_REFERENCE_DATA is not set")
    return Path(FOLDER, "templates", f"{name}.jinja").read_text("utf-8")


@dataclass
class Talk:
    """A conversation with a model that says what a test scripts, and the ids in its cache."""

    tokenizer: Tokenizer
    template: ChatTemplate
    prompts: Prompts
    messages: list[dict[str, object]] = field(default_factory=list)
    cached: list[int] = field(default_factory=list)
    prompt: str = ""

    def turn(self, question: str, answer: Sequence[int]) -> int:
        """Ask, and return how many ids were computed before the answer."""
        self.messages.append({"role": "user", "content": question})
        segments = self.template.render(self.template.adapted(self.messages))
        self.prompt = "".join(segment.text for segment in segments)
        prompt = self.prompts.encode(segments)
        assert self.tokenizer.decode(prompt.ids, specials=True) == self.prompt
        pairs = zip(self.cached, prompt.ids, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        self.cached = [*prompt.ids, *answer]
        self.prompts.keep(prompt, answer)
        self.messages.append(self.read(answer))
        return len(prompt.ids) - shared

    def read(self, answer: Sequence[int]) -> dict[str, object]:
        """Return the message that a page makes of an answer."""
        format = self.template.format
        shown = mark_ids(self.tokenizer, format, has_tools=False)
        parser = OutputParser(format, prompt=self.prompt) if format.has_marks else None
        told = Answer(TextStream(self.tokenizer, shown=shown), (), parser, answer)
        events = told.finish(stopped=False, was_cut=False)[0]
        said = thought = ""
        for event in events:
            match event:
                case TextDelta(text):
                    said += text
                case ReasoningDelta(text):
                    thought += text
                case TextWasReasoning():
                    said, thought = "", said
        message: dict[str, object] = {"role": "assistant", "content": said}
        return {**message, "reasoning_content": thought} if thought else message


def talk(source: str, controls: Sequence[str], marks: Sequence[str] = ()) -> Talk:
    metadata = bpe_metadata(MERGES, pre="qwen2", controls=controls, user_defined=marks)
    bos = DEEPSEEK[0] if controls is DEEPSEEK else ""
    return talk_with(load_tokenizer(metadata), source, bos, controls[-1])


def talk_with(tokenizer: Tokenizer, source: str, bos: str, eos: str) -> Talk:
    template = ChatTemplate(source, bos_token=bos, eos_token=eos, specials=tokenizer.specials)
    return Talk(tokenizer, template, Prompts(tokenizer))


def ids(tokenizer: Tokenizer, *texts: str) -> list[int]:
    """As a model may write it: never as the tokenizer would, but for the marks."""
    return [
        id
        for text in texts
        for part in ([text] if text in MARKS else text)
        for id in tokenizer.encode(part, bos=False, specials=True)
    ]


@pytest.mark.parametrize("kind", ["qwen3", "deepseek r1", "plain"])
def test_a_turn_costs_the_answer_without_its_thoughts_and_the_question(kind: str) -> None:
    if kind == "qwen3":
        chat = talk(read("Qwen-Qwen3-0.6B"), QWEN, MARKS)
    elif kind == "deepseek r1":
        source = read("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B")
        chat = talk(source, DEEPSEEK, (*SPEAKERS, *MARKS))
    else:
        chat = talk(PLAIN, ("<s>", "</s>"))
    starts = [] if kind == "deepseek r1" else ["<think>", "\n"]  # the prompt of R1 ends with it
    thoughts = [] if kind == "plain" else [*starts, "and the thing in", "\n", "</think>", "\n\n"]
    said, asked = "in the end and then", "the other and the in"
    costs = [chat.turn(asked, ids(chat.tokenizer, *thoughts, said)) for _ in range(6)]

    # What a template writes around an answer and a question, and the merges of a question.
    frame = {"qwen3": 42, "deepseek r1": 6, "plain": 28}[kind]
    new = frame + len(asked) + (0 if kind == "plain" else len(said))
    print(f"\n{kind}: {costs} ids computed, {len(chat.cached)} in the end")
    assert all(cost <= new for cost in costs[1:])
    assert costs[-1] == costs[1]
    if kind != "plain":
        assert "thing" not in chat.prompt  # so thoughts were left out


def test_an_answer_after_thoughts_keeps_its_ids() -> None:
    chat = talk(read("Qwen-Qwen3-0.6B"), QWEN, MARKS)
    said = ids(chat.tokenizer, "the end")
    assert said != chat.tokenizer.encode("the end", bos=False)

    chat.turn("in", [*ids(chat.tokenizer, "<think>", "\nand\n", "</think>", "\n\n"), *said])
    chat.turn("and", [])

    assert f" {said} "[2:-2] in str(chat.cached)


def test_an_answer_that_was_stopped_keeps_its_ids() -> None:
    chat = talk(PLAIN, ("<s>", "</s>"))
    first = ids(chat.tokenizer, "the en")

    cost = [chat.turn("in", first), chat.turn("and", [])][1]

    assert cost < 40
    assert str(first)[1:-1] in str(chat.cached)


def test_a_space_before_an_answer_stays_one_with_sentencepiece() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}"
        "{{ '<s>[INST] ' + m.content + ' [/INST]' }}"
        "{% else %}{{ ' ' + m.content.strip() + ' </s>' }}{% endif %}{% endfor %}"
    )
    tokenizer = load_tokenizer(
        spm_metadata(
            {"\u2581": -1.0, "\u2581h": -2.0, "h": -3.0, "i": -3.0}, add_space_prefix=False
        )
    )
    chat = talk_with(tokenizer, source, "<s>", "</s>")
    tokens = list(tokenizer.tokens)
    said = [tokens.index(piece) for piece in ("\u2581", "h", "i")]
    assert said != tokenizer.encode("hi", bos=False)

    prompts = []
    for _ in range(3):
        chat.turn("i", said)
        prompts.append(chat.cached)

    assert prompts[1][: len(prompts[0])] == prompts[0]
    assert prompts[2][: len(prompts[1])] == prompts[1]


@pytest.mark.parametrize("seed", range(6))
def test_random_edits_of_conversations_have_the_ids_of_the_whole(seed: int) -> None:
    if FOLDER is None:
        pytest.skip("WGSLM_REFERENCE_DATA is not set")
    chance = random.Random(seed)
    for path in sorted(Path(FOLDER, "templates").glob("*.jinja"))[seed::6]:
        source = path.read_text("utf-8")
        found = ChatTemplate(source, bos_token="<s>", eos_token="</s>", specials=()).control_texts()
        controls = tuple(dict.fromkeys([*found, "<s>", "</s>"]))
        metadata = bpe_metadata(MERGES, pre="qwen2", controls=controls, user_defined=MARKS)
        tokenizer = load_tokenizer(metadata)
        template = ChatTemplate(
            source, bos_token="<s>", eos_token="</s>", specials=tokenizer.specials
        )
        prompts = Prompts(tokenizer)
        words = ["the", " and", "\n", "in <", controls[0], "</think>", "\u6771", " ", "|>", "an"]
        messages = [{"role": "user", "content": "the"}]
        for _ in range(6):
            change(messages, chance, words)
            try:
                segments = template.render(template.adapted(messages))
            except Exception:  # some refuse some conversations
                continue
            expected = tokenizer.encode_segments(segments)

            assert prompts.encode(segments).ids == expected, path.stem
            assert prompts.encode(segments).ids == expected, path.stem

            # With answers of their own ids the text stays the same to the letter.
            kept = prompts.encode(segments)
            answer = [
                id
                for word in chance.choices(words, k=6)
                for letter in word
                for id in tokenizer.encode(letter, bos=False)
            ]
            prompts = Prompts(tokenizer)
            prompts.keep(kept, answer)
            said = tokenizer.decode(answer)
            messages += [{"role": "assistant", "content": said}, {"role": "user", "content": "an"}]
            after = template.render(template.adapted(messages))
            text = "".join(segment.text for segment in after)
            again = prompts.encode(after).ids
            assert tokenizer.decode(again, specials=True) in (text, "<s>" + text), path.stem
            assert controls_of(tokenizer, again) == controls_of(
                tokenizer, tokenizer.encode_segments(after)
            ), path.stem
            del messages[-2:]
            prompts = Prompts(tokenizer)


def controls_of(tokenizer: Tokenizer, ids: Sequence[int]) -> list[int]:
    return [id for id in ids if tokenizer.tokens[id] in tokenizer.specials]


def change(messages: list[dict[str, str]], chance: random.Random, words: Sequence[str]) -> None:
    said = "".join(chance.choices(words, k=chance.randrange(1, 8)))
    kind = chance.randrange(4)
    if kind == 0 and len(messages) > 1:
        del messages[-2:]
    elif kind == 1:
        messages[chance.randrange(len(messages))]["content"] = said
    else:
        messages += [{"role": "assistant", "content": said}, {"role": "user", "content": said}]


def test_a_first_message_is_split_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = talk(PLAIN, ("<s>", "</s>"))
    prompts = chat.prompts
    segments = [Segment("the system " * 40, True), Segment("<s>", True), Segment("in", False)]
    split: list[int] = []
    encoding = Tokenizer.encoding_segments

    def counted(self: Tokenizer, parts: Sequence[Segment], **options: bool):  # type: ignore[no-untyped-def]
        split.append(sum(len(part.text) for part in parts))
        return encoding(self, parts, **options)

    monkeypatch.setattr(Tokenizer, "encoding_segments", counted)
    prompts.encode(segments)
    first = sum(split)
    prompts.encode([*segments, Segment("<s>", True), Segment("an", False)])

    assert first == 445
    assert sum(split) - first == len("<s>an")
