"""Vocabularies for tests: small ones made here, and those of reference files."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def spm_metadata(
    pieces: Mapping[str, float], *, user_defined: Sequence[str] = (), **changes: object
) -> dict[str, object]:
    """Return a SentencePiece file: <unk>, <s>, </s>, 256 bytes, then `pieces` with their scores.

    `changes` sets keys (without `tokenizer.ggml.`), or removes those that are None.
    """
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256
    scores = [0.0] * len(tokens) + list(pieces.values()) + [0.0] * len(user_defined)
    return _metadata(
        {
            "model": "llama",
            "tokens": tokens + list(pieces) + list(user_defined),
            "token_type": kinds + [NORMAL] * len(pieces) + [USER_DEFINED] * len(user_defined),
            "scores": scores,
        },
        changes,
    )


def bpe_metadata(
    merges: Iterable[str] = (),
    *,
    pre: str = "gpt-2",
    controls: Sequence[str] = ("<|endoftext|>",),
    user_defined: Sequence[str] = (),
    words: Sequence[str] = (),
    **changes: object,
) -> dict[str, object]:
    """Return a byte-level file: 256 bytes, one token per merge, `words`, then the special ones."""
    merges = list(merges)
    ordinary = list(dict.fromkeys([*byte_characters(), *(m.replace(" ", "") for m in merges)]))
    ordinary += words
    kinds = [NORMAL] * len(ordinary) + [CONTROL] * len(controls)
    return _metadata(
        {
            "model": "gpt2",
            "pre": pre,
            "tokens": [*ordinary, *controls, *user_defined],
            "token_type": kinds + [USER_DEFINED] * len(user_defined),
            "merges": merges,
            "bos_token_id": len(ordinary),
            "eos_token_id": len(ordinary),
        },
        changes,
    )


def byte_characters() -> list[str]:
    """Return GPT-2's alphabet, written out from its definition."""
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    alphabet, extra = [], 0
    for byte in range(256):
        alphabet.append(chr(byte if byte in visible else 256 + extra))
        extra += byte not in visible
    return alphabet


def read_metadata(path: Path) -> dict[str, object]:
    """Read the metadata of a trusted GGUF file."""
    data = path.read_bytes()
    position = 24
    sizes = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q",
             12: "d"}  # fmt: skip

    def number(code: str) -> int:
        nonlocal position
        (value,) = struct.unpack_from("<" + code, data, position)
        position += struct.calcsize("<" + code)
        return int(value) if code not in "?fd" else value

    def text() -> str:
        nonlocal position
        length = number("Q")
        position += length
        return data[position - length : position].decode()

    def value(kind: int) -> object:
        if kind == 8:
            return text()
        if kind == 9:
            inner, count = number("I"), number("Q")
            return [value(inner) for _ in range(count)]
        return number(sizes[kind])

    (count,) = struct.unpack_from("<Q", data, 16)
    return {text(): value(number("I")) for _ in range(count)}


def _metadata(keys: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    merged = {**keys, **changes}
    return {f"tokenizer.ggml.{key}": v for key, v in merged.items() if v is not None}
