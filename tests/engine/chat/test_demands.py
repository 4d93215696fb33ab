"""Demanded calls: every allowed answer is read back as them, in every family's words."""

import random
import re
from pathlib import Path

import jinja2
import pytest

from demanded import FOLDER, SCHEMAS, TOOLS, formats, parsed, valid, vocabulary, written
from past_answers import NO_CALLS, UNREADABLE, answers
from past_answers import TOOLS as WEATHER
from plain_jinja import plain_jinja
from wgslm.chat.demands.answers import answer_grammar
from wgslm.chat.demands.demand import Demand
from wgslm.chat.output.detect import detect
from wgslm.chat.output.styles import Format
from wgslm.errors import RequestError

ALL = frozenset(SCHEMAS)
STRICT = Demand(required=True, strict=ALL)
TRIES, MOST_TRIES, LONGEST = 6, 60, 1500
# How turns begin and end in the real templates' prompts.
HEADS = re.compile(
    r"assistant[^\n]*?>\n?|</think>|CHATBOT_TOKEN\|>|\]ai\n|\[/INST\]|Assistant\n|<\|Bot\|>"
    r"|assistant:?|ASSISTANT</role>|Assistant\uff5c>|turn>model\n|\n>>>"
)
ENDS = re.compile(
    r"<\|im_end|<\|eot|<EOS|<\|END_OF|<\|end|<\uff5cend|<\|eom|\[e~\[|<\|role_end|<\|message_sep"
    r"|<SPECIAL_12|</assistant|<\|tool_resp|\[T\]|\n\n<sep|<\|start\|>f|<\|begin\|>t|<\uff5chy_|<\|obs"
)
ENDS_OF_THOUGHTS = ("x</think>", "[BEGIN FINAL RESPONSE]", "<|END_THINKING|>")
PYTHONS_LISTS = {"openbmb-MiniCPM5-1B.jinja"}  # which stand for JSON's where jinja writes them
FILES = sorted(path.name for path in FOLDER.glob("*.jinja"))
HERMES = detect("<think> <tool_call>")
ADD = '<tool_call>\n{"name": "find", "arguments": {"q": "x", "n": 2}}\n</tool_call>'


def prompt_of(format: Format) -> str:
    return ">>>" if format.routed and format.routed.kind == "functionary" else "Hi"


@pytest.mark.parametrize("name", formats())
def test_a_required_call_is_read_back_and_valid(name: str) -> None:
    format, chance = formats()[name], random.Random(name)
    words, done = vocabulary(format), 0
    grammar = answer_grammar(format, TOOLS, STRICT, prompt_of(format))

    for tried in range(MOST_TRIES):
        if done and tried >= TRIES:
            break
        text = written(grammar, words, chance, LONGEST)
        if text is None:
            continue
        done += 1
        calls, said, _ = parsed(format, text, prompt_of(format), chance)
        assert calls and not said.strip(), text
        assert all(valid(*call) for call in calls), (text, calls)

    assert done


@pytest.mark.parametrize("name", formats())
def test_a_call_of_its_own_accord_is_valid(name: str) -> None:
    format, chance = formats()[name], random.Random(name)
    words = vocabulary(format)
    grammar = answer_grammar(format, TOOLS, Demand(strict=ALL), prompt_of(format))

    for _ in range(TRIES):
        text = written(grammar, words, chance, LONGEST)
        if text is None:
            continue
        calls, _, _ = parsed(format, text, prompt_of(format), chance)
        assert all(valid(*call) for call in calls), (text, calls)


@pytest.mark.parametrize("name", formats())
def test_one_call_is_one_and_a_named_one_is_that(name: str) -> None:
    format, chance = formats()[name], random.Random(name)
    demand = Demand(name="now", parallel=False)
    grammar = answer_grammar(format, TOOLS, demand, prompt_of(format))

    for _ in range(4):
        text = written(grammar, vocabulary(format), chance, LONGEST)
        if text is not None:
            calls, _, _ = parsed(format, text, prompt_of(format), chance)
            assert [call[0] for call in calls] == ["now"], text


@pytest.mark.skipif(not FILES, reason="WGSLM_REFERENCE_DATA is not set")
@pytest.mark.parametrize("file", FILES or ["none"])
def test_what_a_template_writes_is_as_demanded(file: str) -> None:
    if file in NO_CALLS | UNREADABLE | PYTHONS_LISTS:
        pytest.skip("this template writes no calls, or plain jinja2 cannot run it")
    source = Path(FOLDER, file).read_text(encoding="utf-8")
    demand = Demand(required=True, strict=frozenset({"get_weather"}))
    try:
        prompt = plain_jinja(source, [{"role": "user", "content": "Q1"}], tools=WEATHER)
    except (jinja2.TemplateError, TypeError, ValueError):
        prompt = ""

    grammar = answer_grammar(detect(source), WEATHER, demand, prompt)

    texts = {text for as_text in (False, True) for text in answers(source, as_text, "")}
    assert any(map(grammar.accepts, set().union(*map(possible_answers, texts))))


def possible_answers(text: str) -> set[str]:
    """Cut what follows a prompt: after the turn's head, before its end, thoughts closed or not."""
    starts = {0, *(found.end() for found in HEADS.finditer(text))}
    stops = {len(text), *(found.start() for found in ENDS.finditer(text))}
    cut = {text[start:stop].rstrip("\n") for start in starts for stop in stops if start < stop}
    calls = {piece for piece in cut if "Roma" in piece}
    return {before + piece for piece in calls for before in ("", "</think>", *ENDS_OF_THOUGHTS)}


def test_thoughts_come_first_where_the_model_thinks() -> None:
    grammar = answer_grammar(HERMES, TOOLS, STRICT, "Hi")
    begun = answer_grammar(HERMES, TOOLS, STRICT, "Hi <think>\n")
    ended = answer_grammar(HERMES, TOOLS, STRICT, "Hi <think>\n\n</think>\n\n")

    assert grammar.accepts(ADD) and grammar.accepts(f"<think><tool_call>?</think>\n\n{ADD}")
    assert begun.accepts(f"<tool_call>?</think>\n\n{ADD}") and not begun.accepts(ADD)
    assert ended.accepts(ADD) and not ended.accepts(f"<think></think>{ADD}")


def test_text_is_free_until_a_call_begins() -> None:
    grammar = answer_grammar(HERMES, TOOLS, Demand(strict=frozenset({"find"})), "Hi")

    for text in ("", "hello", "a < b <tool", f"I see. {ADD}", f"<{ADD}", f"{ADD}\n{ADD}"):
        assert grammar.accepts(text), text
    for text in (ADD.replace("find", "sub"), ADD.replace("2", '"2"'), "<tool_call>", f"{ADD} ok"):
        assert not grammar.accepts(text), text


def test_arguments_of_functions_that_are_not_strict_are_any_object() -> None:
    grammar = answer_grammar(HERMES, TOOLS, Demand(required=True), "Hi")

    assert grammar.accepts(ADD.replace("2", '"2"')) and not grammar.accepts(ADD.replace("2", "]"))


def test_the_same_demand_is_compiled_once() -> None:
    first = answer_grammar(HERMES, TOOLS, STRICT, "Hi")

    assert answer_grammar(detect("<think> <tool_call>"), list(TOOLS), STRICT, "Ho") is first


@pytest.mark.parametrize(
    ("demand", "template", "param", "why"),
    [
        (STRICT, "no word of it", "tool_choice", "does not show how it writes calls"),
        (Demand(name="other"), "<tool_call>", "tool_choice", "no tool 'other'"),
    ],
)
def test_what_cannot_be_demanded_is_refused(
    demand: Demand, template: str, param: str, why: str
) -> None:
    with pytest.raises(RequestError, match=why) as caught:
        answer_grammar(detect(template), TOOLS, demand, "Hi")

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("parameters", "template", "why"),
    [
        ({"type": "object", "properties": {"a": {"not": {}}}}, "<tool_call>", "'f'.*'not'"),
        ({"type": "string"}, "<tool_call>", "arguments are an object"),
        ({"properties": {"a b": {}}}, "func_name1(", "cannot name 'a b'"),
        ({"properties": {"a b": {}}}, "<tool_call> <function=", "cannot name 'a b'"),
    ],
)
def test_parameters_that_cannot_be_followed_are_refused(
    parameters: dict[str, object], template: str, why: str
) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": parameters}}]

    with pytest.raises(RequestError, match=why) as caught:
        answer_grammar(detect(template), tools, Demand(True, strict=frozenset({"f"})), "Hi")

    assert caught.value.param == "tools"
