"""The typed getters of a directory."""

from collections.abc import Callable
from typing import Any

import pytest

from memory_source import read
from tiny_gguf import SAMPLE, gguf_bytes
from wgslm.errors import GgufError
from wgslm.gguf import Directory


def directory_of(metadata: dict[str, Any]) -> Directory:
    return read(gguf_bytes(metadata))


def test_getters_return_values_of_their_type() -> None:
    directory = directory_of(SAMPLE)

    assert directory.string("string") == "zwölf 🐈"
    assert directory.boolean("bool") is True
    assert directory.integer("u64") == 100
    assert directory.number("double") == 0.1
    assert directory.number("u8") == 100.0
    assert list(directory.strings("strings"))[:3] == ["a", "", "é"]
    assert list(directory.integers("longs")) == [-(1 << 63), 5]
    assert list(directory.numbers("floats")) == [1.5, -2.0]


def test_getters_use_their_default_only_for_an_absent_key() -> None:
    directory = directory_of({"a": 0, "s": ""})

    assert directory.integer("a", 7) == 0
    assert directory.integer("absent", 7) == 7
    assert directory.string("s", "x") == ""
    assert directory.boolean("absent", False) is False
    assert directory.number("absent", 0.0) == 0.0
    assert directory.integers("absent", [1]) == [1]
    assert directory.numbers("absent", []) == []


GETTERS: list[tuple[Callable[[Directory, str], object], str]] = [
    (Directory.string, "u8"),
    (Directory.string, "strings"),
    (Directory.boolean, "u8"),
    (Directory.integer, "bool"),
    (Directory.integer, "float"),
    (Directory.integer, "string"),
    (Directory.number, "bool"),
    (Directory.number, "string"),
    (Directory.strings, "string"),
    (Directory.strings, "bools"),
    (Directory.strings, "longs"),
    (Directory.integers, "floats"),
    (Directory.integers, "u8"),
    (Directory.integers, "bools"),
    (Directory.numbers, "strings"),
    (Directory.numbers, "float"),
]


@pytest.mark.parametrize(("getter", "name"), GETTERS)
def test_a_value_of_the_wrong_type_is_refused(
    getter: Callable[[Directory, str], object], name: str
) -> None:
    with pytest.raises(GgufError, match=rf"'{name}' is .*; it must be"):
        getter(directory_of(SAMPLE), name)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(GgufError, match=r"'llama.block_count' is missing; it must be an integer"):
        directory_of({}).integer("llama.block_count")


@pytest.mark.parametrize(("least", "most"), [(8, None), (None, 6), (8, 9)])
def test_an_integer_out_of_range_is_refused(least: int | None, most: int | None) -> None:
    with pytest.raises(GgufError, match="'a' is 7; it must be at"):
        directory_of({"a": 7}).integer("a", least=least, most=most)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(GgufError, match="finite"):
        directory_of({"a": value}).number("a")


def test_keys_of_the_architecture_that_nobody_asked_for_are_listed() -> None:
    directory = directory_of(
        {"general.architecture": "llama", "llama.b": 1, "llama.a": 2, "llama.c": 3, "other.x": 4}
    )

    directory.integer("llama.b")

    assert directory.unread() == ["llama.a", "llama.c"]
