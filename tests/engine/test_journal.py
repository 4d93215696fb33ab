"""What a journal says is believed only as far as it can be true."""

import json
import random

import pytest

from wgslm.sources.journal import Entry, Origin, Record, origin_line, read_journal

KEY = "0" * 64
SHA256 = "a" * 64
ORIGIN = Origin("https://example.org/m.gguf", "m.gguf", 1000, '"v1"', SHA256)


def read(*lines: object) -> Entry | None:
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return read_journal(KEY, "\n".join(text))


def records(*lines: object) -> list[tuple[int, int]]:
    entry = read(origin_line(ORIGIN), *lines)
    assert entry is not None
    return [(record.start, record.stop) for record in entry.records]


def test_lines_are_read_in_order() -> None:
    entry = read(
        origin_line(ORIGIN),
        Record(500, 1000, SHA256).line(),
        Record(0, 500, SHA256).line(),
        {"used": 12},
        {"whole": SHA256},
    )

    assert entry is not None
    assert entry.origin == ORIGIN
    assert entry.is_whole
    assert (entry.sha256, entry.used) == (SHA256, 12)


@pytest.mark.parametrize(
    "first",
    [
        "",
        "[]",
        "{}",
        "[" * 4000,
        "{" * 100_000,
        {"file": {"location": "x", "name": "y"}},
        {"file": {"location": "x", "name": "y", "size": 0}},
        {"file": {"location": "x", "name": "y", "size": 1 << 60}},
        {"file": {"location": 5, "name": "y", "size": 5}},
        {"file": {"location": "x", "name": "y", "size": 5, "sha256": "short"}},
    ],
)
def test_a_file_whose_first_line_is_wrong_is_not_there(first: object) -> None:
    assert read(first, Record(0, 5, SHA256).line()) is None


@pytest.mark.parametrize(
    "line",
    [
        {"start": 900, "stop": 1001, "sha256": SHA256},
        {"start": -1, "stop": 10, "sha256": SHA256},
        {"start": 10, "stop": 10, "sha256": SHA256},
        {"start": 90, "stop": 110, "sha256": SHA256},
        {"start": 100, "stop": 200, "sha256": SHA256},
        {"start": 110, "stop": 120, "sha256": SHA256},
        {"start": 0, "stop": 300, "sha256": SHA256},
        {"start": 0, "stop": 10, "sha256": "A" * 64},
        {"start": 0, "stop": 10},
        {"start": "0", "stop": 10, "sha256": SHA256},
        '{"start": 0, "st',
        "[" * 3000,
    ],
)
def test_a_record_that_cannot_be_is_as_good_as_not_there(line: object) -> None:
    assert records(Record(100, 200, SHA256).line(), line) == [(100, 200)]


def test_a_dropped_record_is_gone_and_may_come_again() -> None:
    first, again = Record(0, 100, SHA256).line(), Record(0, 50, SHA256).line()

    assert records(first, {"drop": 0}) == []
    assert records(first, {"drop": 0}, again) == [(0, 50)]


def test_runs_cover_every_byte_once() -> None:
    rng = random.Random(7)
    for _ in range(200):
        entry = Entry(KEY, ORIGIN)
        cuts = sorted(rng.sample(range(1001), 8))
        for start, stop in zip(cuts[::2], cuts[1::2], strict=True):
            entry.add(Record(start, stop, SHA256))
        start, stop = sorted(rng.sample(range(1001), 2))

        at = start
        for run in entry.runs(start, stop):
            first, last = (run.start, run.stop) if isinstance(run, Record) else run
            assert max(first, start) == at
            at = min(last, stop)

        assert at == stop
