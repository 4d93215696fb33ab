"""The directory of a model: checked facts, and getters that refuse a value of the wrong type."""

import math
import reprlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from wgslm.errors import GgufError
from wgslm.quants import Quant

Value: TypeAlias = "bool | int | float | str | array[int] | array[float] | list[str] | list[bool]"


@dataclass(frozen=True)
class TensorInfo:
    """One weight: its shape, its format and where its bytes are."""

    name: str
    shape: tuple[int, ...]  # GGUF's order: the length of a row first
    quant: Quant
    part: int  # which source
    start: int  # absolute offset in that source
    nbytes: int

    @property
    def row(self) -> int:
        """Weights in a row."""
        return self.shape[0]

    @property
    def rows(self) -> int:
        """Rows, over all further dimensions."""
        return math.prod(self.shape[1:])


@dataclass(frozen=True)
class Directory:
    """A model's metadata and tensors. Each getter needs the key unless it is given a default."""

    # Not in the repr, which asyncio.run makes of every result: 150,000 tokens took 0.1 s there.
    metadata: Mapping[str, Value] = field(repr=False)
    tensors: Mapping[str, TensorInfo] = field(repr=False)
    version: int
    alignment: int
    _asked: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def string(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._ask(key, default, "a string")
        if not isinstance(value, str):
            raise _wrong(key, value, "a string")
        return value

    def boolean(self, key: str, default: bool | None = None) -> bool:
        """Return a truth value."""
        value = self._ask(key, default, "true or false")
        if not isinstance(value, bool):
            raise _wrong(key, value, "true or false")
        return value

    def integer(
        self,
        key: str,
        default: int | None = None,
        least: int | None = None,
        most: int | None = None,
    ) -> int:
        """Return an integer, refused outside `least .. most`."""
        value = self._ask(key, default, "an integer")
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong(key, value, "an integer")
        if least is not None and value < least:
            raise _wrong(key, value, f"at least {least:,}")
        if most is not None and value > most:
            raise _wrong(key, value, f"at most {most:,}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number."""
        value = self._ask(key, default, "a number")
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise _wrong(key, value, "a number")
        if not math.isfinite(value):
            raise _wrong(key, value, "a finite number")
        return float(value)

    def strings(self, key: str, default: Sequence[str] | None = None) -> Sequence[str]:
        """Return an array of texts."""
        value = self._ask(key, default, "an array of strings")
        if not isinstance(value, Sequence) or isinstance(value, str | array):
            raise _wrong(key, value, "an array of strings")
        if value and not isinstance(value[0], str):  # arrays are of one type
            raise _wrong(key, value, "an array of strings")
        return value

    def integers(self, key: str, default: Sequence[int] | None = None) -> Sequence[int]:
        """Return an array of integers."""
        value = self._ask(key, default, "an array of integers")
        if default is not None and value is default:
            return default
        if not isinstance(value, array) or value.typecode in "fd":
            raise _wrong(key, value, "an array of integers")
        return value

    def numbers(self, key: str, default: Sequence[float] | None = None) -> Sequence[float]:
        """Return an array of numbers."""
        value = self._ask(key, default, "an array of numbers")
        if default is not None and value is default:
            return default
        if not isinstance(value, array):
            raise _wrong(key, value, "an array of numbers")
        return value

    def unread(self) -> list[str]:
        """Return the keys that change answers and that nobody has asked for, sorted."""
        prefixes = f"{self.metadata.get('general.architecture')}.", "general.sampling."
        return sorted(k for k in self.metadata if k.startswith(prefixes) and k not in self._asked)

    def _ask(self, key: str, default: object, wanted: str) -> object:
        self._asked.add(key)
        if key in self.metadata:
            return self.metadata[key]
        if default is None:
            raise GgufError(f"metadata key {key!r} is missing; it must be {wanted}")
        return default


def _wrong(key: str, value: object, wanted: str) -> GgufError:
    return GgufError(f"metadata key {key!r} is {reprlib.repr(value)}; it must be {wanted}")
