"""How a prompt is cut for devices of every speed, by a clock that only they advance."""

from collections.abc import Callable, Iterator

import pytest

from wgslm.pace import STEP_SECONDS, SUBMIT_SECONDS, Pace

PIECES = 16
LEAST, MOST = 16, 512
Step = tuple[int, list[float]]  # tokens, and the seconds of each submit


def steps(
    pace: Pace, count: int, token_seconds: Callable[[int], float], tile: int = 1
) -> Iterator[Step]:
    """Run steps on a device that takes so long for a token in the step of this number.

    It computes whole tiles of tokens.
    """
    for number in range(count):
        tokens, done = pace.tokens, 0
        submits: list[float] = []
        step_seconds = -(-tokens // tile) * tile * token_seconds(number)
        while done < PIECES:
            pieces = pace.pieces(tokens, PIECES, done, sum(submits))
            assert 1 <= pieces <= PIECES - done
            submits.append(step_seconds * pieces / PIECES)
            done += pieces
        pace.took(tokens, sum(submits))
        yield tokens, submits


@pytest.mark.parametrize("seconds", [1e-5, 3e-4, 1e-3, 4e-3, 0.0125, 0.05, 0.2])
@pytest.mark.parametrize("tile", [1, 4, 64])
def test_no_submit_takes_longer_than_it_should(seconds: float, tile: int) -> None:
    found = list(steps(Pace(LEAST, MOST), 12, lambda _: seconds, tile))

    least_piece = max(LEAST, tile) * seconds / PIECES  # a device can be too slow for any
    for _, submits in found:
        assert max(submits) <= max(SUBMIT_SECONDS, least_piece) * (1 + 1e-6)
    assert all(LEAST <= tokens <= MOST for tokens, _ in found)


@pytest.mark.parametrize(
    ("seconds", "tile", "tokens"),
    [
        (3e-4, 1, 512),  # a GPU
        (3e-3, 1, 256),  # lavapipe and the demo model
        (0.01, 1, 64),  # SwiftShader and the demo model
        (0.05, 1, 16),
        (2.0, 1, 16),  # never one token at a time
        (4e-3, 64, 128),  # 64 at the price of 16: 16 would waste three quarters
    ],
)
def test_steps_become_as_long_as_pays(seconds: float, tile: int, tokens: int) -> None:
    *_, (last, submits) = steps(Pace(LEAST, MOST), 6, lambda _: seconds, tile)

    assert last == tokens
    assert sum(submits) <= STEP_SECONDS or last == LEAST


@pytest.mark.parametrize("slow", [0, 3])
def test_one_slow_step_changes_nothing_that_lasts(slow: int) -> None:
    found = list(steps(Pace(LEAST, MOST), 6, lambda number: 1.0 if number == slow else 3e-4))

    assert found[slow + 1][0] == (LEAST if slow == 0 else MOST)  # alone it is all that is known
    assert [tokens for tokens, _ in found[slow + 2 :]] == [MOST] * (4 - slow)


def test_a_device_that_stays_slow_gets_shorter_steps_and_one_that_recovers_longer_ones() -> None:
    speeds = [3e-4] * 3 + [0.02] * 5 + [3e-4] * 2

    tokens = [size for size, _ in steps(Pace(LEAST, MOST), 10, lambda number: speeds[number])]

    assert tokens == [16, 512, 512, 512, 512, 512, 32, 32, 32, 512]


def test_an_unknown_device_is_given_a_piece_first() -> None:
    pace = Pace(LEAST, MOST)

    assert pace.pieces(10, PIECES, 0, 0.0) == 1
    assert pace.pieces(10, PIECES, 1, 0.001) == PIECES - 1
    assert pace.pieces(10, PIECES, 1, 0.1) == 2
    assert pace.pieces(10, PIECES, 1, 5.0) == 1


def test_few_tokens_are_expected_to_take_as_long_as_the_least_step() -> None:
    pace = Pace(LEAST, MOST)
    pace.took(LEAST, 4 * SUBMIT_SECONDS)

    assert [pace.pieces(tokens, PIECES, 0, 0.0) for tokens in (1, LEAST)] == [4, 4]


def test_a_clock_that_stands_still_is_a_quick_device() -> None:
    pace = Pace(LEAST, MOST)
    pace.took(LEAST, 0.0)

    assert pace.tokens == MOST
    assert pace.pieces(MOST, PIECES, 0, 0.0) == PIECES


def test_a_model_with_one_size_keeps_to_it() -> None:
    pace = Pace(1, 1)
    pace.took(1, 9.0)

    assert pace.tokens == 1
    assert pace.pieces(1, 1, 0, 0.0) == 1
