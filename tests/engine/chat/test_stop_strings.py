"""Stop strings are found however the text is split."""

import random
from collections.abc import Sequence

import pytest

from wgslm.chat.parse import StopStrings
from wgslm.errors import RequestError


def run(stops: Sequence[str], pieces: Sequence[str]) -> tuple[str, bool]:
    """Give all that becomes visible, and whether a stop was reached."""
    parser = StopStrings(stops)
    visible = ""
    for piece in pieces:
        text, stopped = parser.push(piece)
        visible += text
        if stopped:
            return visible + parser.flush(), True
    return visible + parser.flush(), False


@pytest.mark.parametrize(
    ("stops", "text", "visible", "stopped"),
    [
        ([], "abc", "abc", False),
        (["b"], "abc", "a", True),
        (["bc"], "abbc", "ab", True),
        (["aab"], "aaab", "a", True),
        (["abcd", "bc"], "xabcd", "xa", True),
        (["c", "abc"], "xabc", "x", True),
        (["abc"], "ab", "ab", False),
        (["\n\n"], "a\nb\n\nc", "a\nb", True),
        (["</s>", "é😀"], "caé😀", "ca", True),
        (["abab"], "aabaabab", "aaba", True),
        (["a", "a"], "xa", "x", True),
    ],
)
def test_the_visible_text_ends_before_the_first_stop(
    stops: list[str], text: str, visible: str, stopped: bool
) -> None:
    assert run(stops, [text]) == (visible, stopped)
    assert run(stops, list(text)) == (visible, stopped)


def test_any_split_gives_the_same_text() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        text = "".join(chance.choices("abc", k=24))
        stops = ["".join(chance.choices("abc", k=chance.randint(1, 6))) for _ in range(3)]
        cuts = sorted(chance.sample(range(25), 5))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, 24], strict=True)]

        assert run(stops, pieces) == run(stops, [text])


def test_text_is_held_back_only_while_it_may_become_a_stop() -> None:
    parser = StopStrings(["STOP"])

    assert parser.push("aST") == ("a", False)
    assert parser.push("x") == ("STx", False)


def test_nothing_comes_after_a_stop() -> None:
    parser = StopStrings(["."])
    parser.push("a.b")

    assert parser.push("c") == ("", True)
    assert parser.flush() == ""


def test_an_empty_stop_string_is_refused() -> None:
    with pytest.raises(RequestError, match="stop string 1 is empty") as caught:
        StopStrings(["a", ""])

    assert caught.value.param == "stop"


def test_a_long_stop_string_costs_no_more_than_its_text() -> None:
    parser = StopStrings(["a" * 100_000 + "b"])

    assert parser.push("a" * 200_000) == ("a" * 100_000, False)
    assert parser.push("b") == ("", True)
