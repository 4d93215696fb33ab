"""Recorded answers of every family: what is thought, said and called, however they are split."""

import json
import random
import time
from itertools import pairwise

import pytest

from recorded_answers import CASES, TOOLS, Case, run, told
from wgslm.chat.events import TextDelta, ToolCallDelta, ToolCallVoid
from wgslm.chat.output.detect import detect
from wgslm.chat.output.parser import OutputParser


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_answer_is_told_apart(case: Case) -> None:
    events = run(case, [case.raw])

    assert sorted(map(repr, told(case, events))) == sorted(map(repr, case.wanted))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_any_split_gives_the_same_events(case: Case) -> None:
    chance = random.Random(case.name)
    whole = run(case, [case.raw])

    assert run(case, list(case.raw)) == whole
    for _ in range(20):
        size = min(len(case.raw), chance.randint(1, 12))
        cuts = sorted(chance.sample(range(len(case.raw) + 1), size))
        bounds = [0, *cuts, len(case.raw)]
        assert run(case, [case.raw[a:b] for a, b in pairwise(bounds)]) == whole


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_any_beginning_gives_the_same_events_in_any_split(case: Case) -> None:
    chance = random.Random(case.name)
    for _ in range(12):
        part = case.raw[: chance.randint(0, len(case.raw))]

        assert run(case, list(part)) == run(case, [part])


def broken(raw: str, chance: random.Random) -> str:
    """Leave something out, or put another answer, or much of nothing, into the middle."""
    a = chance.randrange(len(raw) + 1)
    b = a + chance.choice([0, 1, 4, 12])
    others = ["", chance.choice(CASES).raw, chance.choice('{}[]"<>|:,= \n'), "x y" * 400]
    return raw[:a] + chance.choice(others) + chance.choice(["", raw[a:b] * 2]) + raw[b:]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_any_split_of_what_is_broken_gives_the_same_events(case: Case) -> None:
    chance = random.Random(case.name)
    for _ in range(12):
        raw = broken(case.raw, chance)
        whole = run(case, [raw])

        assert run(case, list(raw)) == whole
        for event in whole:
            if isinstance(event, ToolCallDelta) and ToolCallVoid(event.index) not in whole:
                assert case.was_cut or isinstance(json.loads(event.arguments), dict)


def test_a_head_that_is_too_long_ends_at_the_same_place_however_it_is_split() -> None:
    for template in sorted({case.template for case in CASES}):
        format = detect(template)
        opens = format.calls.open if format.calls else ("<|channel|>x to=get_time", ">>>")
        for open in opens or ("[", "{"):
            for begun in (
                "",
                "<invoke ",
                '{"',
                '{"name":',
                "[",
                "[get_time(flag=",
                "call:get_time{",
            ):
                raw = open + begun + "x" * 5000 + open + begun + '{"name": "get_time"}'
                case = Case(template, "long", [raw], was_cut=True)

                assert run(case, list(raw)) == run(case, [raw]), (template, open, begun)


def test_there_are_enough_recorded_answers() -> None:
    assert len(CASES) >= 150
    assert len({case.template for case in CASES}) >= 30


def test_arguments_come_as_they_are_written() -> None:
    parser = OutputParser(detect("<tool_call>"), tools=TOOLS)
    begun = '<tool_call>{"name": "python", "arguments": {"code": "'

    first = parser.push(begun)
    more = [parser.push(character) for character in "abc"]

    assert [type(event) for event in first] == [ToolCallDelta]
    assert more == [[ToolCallDelta(0, character)] for character in "abc"]


# The name of these comes after the arguments, or a string has to be read first.
HELD = ("before the name", "beside the name", "written into a string")
TEXTS = [
    case
    for case in CASES
    if any(kind == "call" and "Rome" in str(rest) for kind, *rest in case.wanted)
    and not any(word in case.name for word in HELD)
]


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case.name)
def test_a_long_text_is_told_while_it_is_written(case: Case) -> None:
    parser = OutputParser(detect(case.template), tools=case.tools, prompt=case.prompt)
    raw = case.raw.replace("Rome", "Rome " + "or Oslo " * 50)

    events = [event for character in raw for event in parser.push(character)]

    assert sum(isinstance(event, ToolCallDelta) for event in events) > 300


def test_text_is_held_back_only_while_it_may_become_a_mark() -> None:
    parser = OutputParser(detect("<tool_call>"), tools=TOOLS)

    assert parser.push("a <tool") == [TextDelta("a")]
    assert parser.push("x") == [TextDelta(" <toolx")]


def test_an_answer_is_read_in_linear_time() -> None:
    parser = OutputParser(detect("<think> <tool_call>"), tools=TOOLS)
    begun = '<tool_call>{"name": "python", "arguments": {"code": "' + "<tool_" * 200_000

    assert len(parser.push(begun)) == 1
    for _ in range(20_000):
        assert parser.push("<tool_call") == [ToolCallDelta(0, "<tool_call")]


def test_heads_that_never_end_are_read_in_linear_time() -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        OutputParser(detect("<think> <tool_call> <arg_key>"), tools=TOOLS).push(
            "<tool_call>x" * count
        )
        return time.process_time() - begun

    small, large = (min(seconds(count) for _ in range(3)) for count in (4_000, 16_000))

    print(f"\n{small:.3f} s, {large:.3f} s")
    assert large < 6 * small  # 4.3 times, and 8.7 where all that is left is searched


def test_deep_arguments_are_no_call() -> None:
    parser = OutputParser(detect("<tool_call>"), tools=TOOLS)
    raw = '<tool_call>{"name": "set", "arguments": {"value": ' + "[" * 100_000

    events = parser.push(raw) + parser.finish()

    assert isinstance(events[-1], TextDelta)
    assert events[-1].text == raw
