"""Ends of calls, and of their parts, that nothing began or that were written twice: no text."""

import pytest

from recorded_answers import CASES, Case, run, told
from wgslm.chat.output.detect import detect
from wgslm.chat.output.styles import Calls

ONLY_CALLS = [
    case
    for case in CASES
    if not (case.was_cut or case.prompt)
    and {kind for kind, *_ in case.wanted} == {"call"}
    and detect(case.template).calls
]


def ends_of(case: Case) -> list[str]:
    calls = detect(case.template).calls
    assert isinstance(calls, Calls)
    return [end for end in calls.ends if end[0] in "<]" and end[-1] in ">|"]


STRAY = [(case, end) for case in ONLY_CALLS for end in ends_of(case)]


def same(case: Case, raw: str) -> bool:
    return told(case, run(case, [raw])) == told(case, run(case, [case.raw]))


@pytest.mark.parametrize(
    ("case", "end"), STRAY, ids=lambda value: value if isinstance(value, str) else value.name
)
def test_an_end_that_is_one_too_many_is_left_out(case: Case, end: str) -> None:
    for blank in ("", "\n"):
        assert same(case, case.raw + blank + end)
        assert same(case, case.raw + blank + end + blank + end + "\n")
        assert same(case, end + blank + case.raw)
        if case.raw.count(end) == 1:  # else it may be in an argument too
            assert same(case, case.raw.replace(end, end + blank + end))


@pytest.mark.parametrize("template", sorted({case.template for case in ONLY_CALLS}))
def test_an_end_that_nothing_began_is_left_out_behind_text(template: str) -> None:
    for end in ends_of(Case(template, "")):
        for after in ("", "\n"):
            case = Case(template, "stray", [f"I looked.\n{end}{after}"])
            [(_, text)] = told(case, run(case, [case.raw]))
            assert str(text).rstrip("\n") == "I looked."
