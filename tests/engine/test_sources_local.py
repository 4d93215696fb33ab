"""Local files, and how the parts of a split model are found."""

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from wgslm.errors import SourceError
from wgslm.sources import open_parts, open_source
from wgslm.sources.parts import sort_parts


def read(path: Path, start: int, stop: int) -> bytes:
    async def read() -> bytes:
        source = await open_source(path)
        try:
            return await source.read(start, stop)
        finally:
            await source.close()

    return asyncio.run(read())


def refusal(location: object) -> str:
    with pytest.raises(SourceError) as caught:
        asyncio.run(open_parts(location))
    return str(caught.value)


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (3, 7), (9, 10), (5, 5)])
def test_a_file_is_read_by_ranges(tmp_path: Path, start: int, stop: int) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"0123456789")

    assert read(path, start, stop) == b"0123456789"[start:stop]


def test_a_chunk_outlives_its_source(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"0123456789")

    async def take() -> object:
        source = await open_source(str(path))
        chunk = await source.chunk(2, 5)
        await source.close()
        return chunk

    chunk = asyncio.run(take())

    assert isinstance(chunk, memoryview)
    assert bytes(chunk) == b"234"


@pytest.mark.parametrize(("start", "stop"), [(0, 11), (-1, 3), (7, 5)])
def test_a_range_outside_the_file_is_refused(tmp_path: Path, start: int, stop: int) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"0123456789")

    with pytest.raises(SourceError, match="it has 10"):
        read(path, start, stop)


def test_a_file_that_shrinks_while_open_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(bytes(100_000))

    async def shrink() -> bytes:
        source = await open_source(path)
        os.truncate(path, 10)
        try:
            return await source.read(50_000, 60_000)
        finally:
            await source.close()

    with pytest.raises(SourceError, match="changed while it was being read"):
        asyncio.run(shrink())


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert "it is a folder" in refusal(tmp_path)
    assert "not a file" in refusal(tmp_path / "pipe")
    assert "No such file" in refusal(tmp_path / "absent.gguf")
    assert "null" in refusal("mod\0el.gguf")
    assert "give a path or an http(s) URL" in refusal(SimpleNamespace(name="x"))


def test_any_part_of_a_split_model_opens_all_in_order(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"m-0000{number}-of-00003.gguf").write_bytes(bytes(number))

    for number in (1, 2, 3):
        sources = asyncio.run(open_parts(tmp_path / f"m-0000{number}-of-00003.gguf"))
        assert [source.size for source in sources] == [1, 2, 3]
        for source in sources:
            asyncio.run(source.close())


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    for number in (1, 3):
        (tmp_path / f"m-0000{number}-of-00003.gguf").write_bytes(b"x")

    message = refusal(tmp_path / "m-00003-of-00003.gguf")

    assert "part 2 of 3" in message
    assert "m-00002-of-00003.gguf" in message


@pytest.mark.parametrize("name", ["m-00000-of-00002.gguf", "m-00003-of-00002.gguf",
                                  "m-00001-of-99999.gguf"])  # fmt: skip
def test_impossible_part_numbers_are_refused(name: str) -> None:
    assert "parts are numbered from 1" in refusal(name)


def test_picked_parts_are_brought_in_order() -> None:
    named = [("m-00002-of-00002.gguf", "second"), ("m-00001-of-00002.gguf", "first")]

    assert [file for _, file in sort_parts(named)] == ["first", "second"]
    assert sort_parts([("model.gguf", "whole")]) == [(None, "whole")]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "nothing was picked"),
        (["a.gguf", "b.gguf"], "pick one GGUF file"),
        (["m-00001-of-00002.gguf"], "m-00002-of-00002.gguf is missing"),
        (["m-00001-of-00002.gguf", "n-00002-of-00002.gguf"], "pick one GGUF file"),
        (["m-00001-of-00003.gguf"], "m-00002-of-00003.gguf, m-00003-of-00003.gguf are missing"),
        (["m-00001-of-00001.gguf", "x.gguf"], "pick one GGUF file"),
        (["m-00001-of-00001.gguf", "m-00001-of-00001.gguf"], "pick one GGUF file"),
    ],
)
def test_a_wrong_choice_of_files_is_explained(names: list[str], reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        sort_parts([(name, None) for name in names])
