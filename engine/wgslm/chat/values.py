"""Plain data from outside: checked and copied once, so that a template sees nothing else."""

import sys
from collections.abc import Callable, Iterator

from wgslm.chat.bounds import MAX_INT_BITS
from wgslm.chat.nesting import MAX_DEPTH
from wgslm.errors import RequestError

MAX_VALUES = 200_000


class Reader:
    """Copies plain data; counts its values and bytes of text over a whole request."""

    def __init__(self) -> None:
        """Start counting."""
        self.count = 0
        self.nbytes = 0

    def read(self, value: object, where: str, depth: int = 0) -> object:
        """Copy strings, numbers, lists and dicts; refuse everything else, naming it by `where`."""
        self.count += 1
        if self.count > MAX_VALUES:
            raise RequestError(f"the request has more than {MAX_VALUES:,} values", where)
        if isinstance(value, str):
            self.nbytes += sys.getsizeof(value)
            return str(value)
        if isinstance(value, bool | float | None):
            return value
        if isinstance(value, int):
            if value.bit_length() > MAX_INT_BITS:
                raise RequestError(f"{where} is an integer over {MAX_INT_BITS} bits", where)
            return value
        if depth >= MAX_DEPTH:
            raise RequestError(
                f"{where[:80]}… is nested more than {MAX_DEPTH} levels deep", where[:80]
            )
        if isinstance(value, list | tuple):
            return [
                self.read(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)
            ]
        if isinstance(value, dict):
            return {
                self._key(key, where): self.read(item, f"{where}.{key}", depth + 1)
                for key, item in value.items()
            }
        raise RequestError(
            f"{where} is of type {type(value).__name__}; known are the types of JSON", where
        )

    def _key(self, key: object, where: str) -> str:
        if not isinstance(key, str):
            raise RequestError(f"{where} has the key {key!r}; keys are strings", where)
        return str(self.read(key, where))


def strings(value: object) -> Iterator[str]:
    """Give every string in plain data, keys too."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]


def lists(value: object) -> Iterator[int]:
    """Give the identity of every list in plain data."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            yield id(value)
            waiting += [item for item in value if isinstance(item, list | dict)]
        elif isinstance(value, dict):
            waiting += [item for item in value.values() if isinstance(item, list | dict)]


def mapped(value: object, change: Callable[[str], str]) -> object:
    """Copy plain data with every string changed, keys too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): mapped(item, change) for key, item in value.items()}
    return value
