"""Reads the `tokenizer.*` keys of a GGUF's metadata, and trusts none of them.

Speaks plain Python values (the word half does not know the GGUF reader).
"""

from array import array
from collections.abc import Mapping, Sequence

from wgslm.errors import GgufError

PREFIX = "tokenizer.ggml."


def string(metadata: Mapping[str, object], key: str) -> str | None:
    """Return a string, or None where the key is absent."""
    value = metadata.get(key)
    if value is not None and not isinstance(value, str):
        raise _wrong(key, value, "a string")
    return value


def boolean(metadata: Mapping[str, object], key: str, default: bool) -> bool:
    """Return a bool, or the default where the key is absent."""
    value = metadata.get(key, default)
    if not isinstance(value, bool):
        raise _wrong(key, value, "true or false")
    return value


def token_id(metadata: Mapping[str, object], key: str, vocab_size: int) -> int | None:
    """Return an id inside the vocabulary, or None where the key is absent."""
    value = metadata.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(key, value, "a token id")
    if not 0 <= value < vocab_size:
        raise GgufError(f"{key} is {value}; the vocabulary has the ids 0 to {vocab_size - 1}")
    return value


def token_ids(metadata: Mapping[str, object], key: str, vocab_size: int) -> tuple[int, ...]:
    """Return an array of ids inside the vocabulary; none where the key is absent."""
    ids = _sequence(metadata, key, "token ids") if key in metadata else ()
    for id in ids:
        if type(id) is not int or not 0 <= id < vocab_size:
            raise GgufError(
                f"{key} contains {_short(id)}; the vocabulary has the ids 0 to {vocab_size - 1}"
            )
    return tuple(dict.fromkeys(ids))  # type: ignore[arg-type]  # checked above


def strings(metadata: Mapping[str, object], key: str) -> Sequence[str]:
    """Return an array of strings; it must be there."""
    values = _sequence(metadata, key, "strings")
    if not set(map(type, values)) <= {str}:
        raise _wrong_element(key, values, str, "a string")
    return values  # type: ignore[return-value]  # checked in one pass, for 150,000 tokens


def small_integers(metadata: Mapping[str, object], key: str, most: int, length: int) -> bytes:
    """Return an array of `length` integers from 0 to `most`; it must be there."""
    values = _sized(metadata, key, "integers", length)
    try:
        packed = bytes(values)  # type: ignore[arg-type]  # the except clause is the check
    except (TypeError, ValueError):
        packed = b"\xff"
    if packed and max(packed) > most:
        bad = next((v for v in values if not isinstance(v, int) or not 0 <= v <= most), None)
        raise GgufError(f"{key} contains {bad!r}; every element must be an integer of 0 to {most}")
    return packed


def numbers(metadata: Mapping[str, object], key: str, length: int) -> Sequence[float]:
    """Return an array of `length` numbers, none of them NaN; it must be there."""
    given = metadata.get(key)
    if isinstance(given, array) and len(given) == length:
        values: Sequence[object] = given  # as it is: no 128,000 objects
    else:
        values = _sized(metadata, key, "numbers", length)
    for value in values:
        if not isinstance(value, (int, float)) or value != value:
            raise GgufError(f"{key} contains {value!r}; every element must be a number")
    return values  # type: ignore[return-value]  # checked element by element above


def raw_bytes(metadata: Mapping[str, object], key: str) -> bytes:
    """Return an array of bytes, signed or not; nothing where the key is absent."""
    if key not in metadata:
        return b""
    values = _sequence(metadata, key, "bytes")
    if not all(type(value) is int and -128 <= value <= 255 for value in values):
        raise GgufError(f"{key} contains something else than bytes")
    return bytes(value & 255 for value in values)  # type: ignore[operator]  # checked above


def _sized(
    metadata: Mapping[str, object], key: str, what: str, length: int
) -> list[object] | tuple[object, ...]:
    values = _sequence(metadata, key, what)
    if len(values) != length:
        raise GgufError(
            f"{key} has {len(values)} elements; it must have one per token, which is {length}"
        )
    return values


def _sequence(
    metadata: Mapping[str, object], key: str, what: str
) -> list[object] | tuple[object, ...]:
    if key not in metadata:
        raise GgufError(f"the file has no {key}, so its tokenizer is incomplete; convert it again")
    value = metadata[key]
    if isinstance(value, array):
        return value.tolist()
    if not isinstance(value, (list, tuple)):
        raise _wrong(key, value, f"an array of {what}")
    return value


def _wrong_element(key: str, values: Sequence[object], right: type, what: str) -> GgufError:
    bad = next(value for value in values if type(value) is not right)
    return GgufError(f"{key} contains {_short(bad)}; every element must be {what}")


def _wrong(key: str, value: object, right: str) -> GgufError:
    return GgufError(f"{key} is {_short(value)}; it must be {right}")


def _short(value: object) -> str:
    if isinstance(value, (list, tuple, array)):
        return f"an array of {len(value)} elements"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
