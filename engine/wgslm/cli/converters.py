"""Converts what is typed: functions for argparse, whose errors say what would be right."""

import argparse
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def integer(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a converter of whole numbers that refuses what is out of range."""

    def convert(text: str) -> int:
        value = int(text)
        if value < least or (most is not None and value > most):
            bound = f"{least} or more" if most is None else f"{least} to {most}"
            raise argparse.ArgumentTypeError(f"{text} is out of range; it must be {bound}")
        return value

    return convert


def positive(text: str) -> float:
    """Convert a number above 0."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is out of range; it must be above 0")
    return value


def choice_of(known: Sequence[str]) -> Callable[[str], str]:
    """Return a converter that refuses other words."""

    def choice(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is unknown; known: {', '.join(known)}")
        return text

    return choice


def list_of(convert: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Return a converter of words with commas between them."""

    def values(text: str) -> tuple[T, ...]:
        try:
            return tuple(convert(word) for word in text.split(","))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no list of numbers; write them as 64,512"
            ) from None

    return values


def ids(text: str) -> list[int]:
    """Convert token ids with commas between them."""
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of ids; write them as 1,5,9"
        ) from None
