"""The checked vocabulary of a file: tokens, their kinds, and the ids with a special meaning."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from wgslm.errors import GgufError
from wgslm.text.endings import find_endings
from wgslm.text.metadata import (
    PREFIX,
    boolean,
    small_integers,
    string,
    strings,
    token_id,
    token_ids,
)


class Kind(IntEnum):
    """The values of `tokenizer.ggml.token_type`."""

    UNDEFINED = 0
    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Defaults:
    """What a tokenizer family takes where the file has no key."""

    bos_id: int | None = None
    eos_id: int | None = None
    unknown_id: int | None = None
    sep_id: int | None = None
    add_bos: bool = False
    add_eos: bool = False
    add_sep: bool = False  # after a text, as BERT has it; other families have no such end


@dataclass(frozen=True)
class Vocabulary:
    """Every token of a model, and what is known of it."""

    tokens: Sequence[str]
    kinds: bytes  # a Kind per token
    ids: Mapping[str, int]  # ordinary tokens by text: what text may become
    byte_tokens: Mapping[str, int]  # <0x00> to <0xFF>: what no text becomes by being written so
    controls: Mapping[str, int]  # what only a template may write
    user_defined: Mapping[str, int]  # taken whole out of any text
    strips: frozenset[int]  # special tokens that swallow the white space after them
    bos_id: int | None
    eos_id: int | None
    eot_id: int | None
    eom_id: int | None
    unknown_id: int | None
    end_ids: frozenset[int]
    suppressed: tuple[int, ...]  # never to be drawn
    add_bos: bool
    add_eos: bool
    sep_id: int | None
    add_sep: bool

    def byte_ids(self) -> list[int | None]:
        """Return the ids of the 256 bytes, <0x00> to <0xFF>, or None for those that are missing."""
        names = [f"<0x{byte:02X}>" for byte in range(256)]
        # A file that says no kinds has them among the ordinary ones.
        return [self.byte_tokens.get(name, self.ids.get(name)) for name in names]


def read_vocabulary(metadata: Mapping[str, object], defaults: Defaults) -> Vocabulary:
    """Read and check a vocabulary; GgufError names the key that is wrong."""
    tokens = strings(metadata, PREFIX + "tokens")
    ids = _unique(tokens)
    kinds = _kinds(metadata, len(tokens))

    def special(key: str, default: int | None) -> int | None:
        given = token_id(metadata, PREFIX + key, len(tokens))
        if given is None and default is not None and default < len(tokens):
            return default
        return given

    bos_id = special("bos_token_id", defaults.bos_id)
    eos_id = special("eos_token_id", defaults.eos_id)
    unknown_id = special("unknown_token_id", defaults.unknown_id)
    sep_id = special("seperator_token_id", defaults.sep_id)  # the key is spelt so
    endings = find_endings(metadata, ids, len(tokens), eos_id)
    for id in endings.by_text:
        kinds[id] = Kind.CONTROL
    controls, user_defined, byte_tokens = _take_specials(tokens, kinds, ids)
    return Vocabulary(
        tokens=tokens,
        kinds=bytes(kinds),
        ids=ids,
        byte_tokens=byte_tokens,
        controls=controls,
        user_defined=user_defined,
        strips=_strips(metadata, {**controls, **user_defined}),
        bos_id=bos_id,
        eos_id=eos_id,
        eot_id=endings.eot_id,
        eom_id=endings.eom_id,
        unknown_id=unknown_id,
        end_ids=endings.ids,
        suppressed=token_ids(metadata, PREFIX + "suppress_tokens", len(tokens)),
        add_bos=_adds(metadata, "bos", defaults.add_bos, bos_id),
        add_eos=_adds(metadata, "eos", defaults.add_eos, eos_id),
        sep_id=sep_id,
        add_sep=defaults.add_sep and _adds(metadata, "sep", True, sep_id),
    )


def _unique(tokens: Sequence[str]) -> dict[str, int]:
    """Number the tokens; a text that two of them share would make encoding ambiguous."""
    key = PREFIX + "tokens"
    if not tokens:
        raise GgufError(f"{key} is empty; a vocabulary has at least one token")
    ids = dict(zip(tokens, range(len(tokens)), strict=True))
    blanks = tokens.count("")  # padding of some converters; no text becomes one
    if len(ids) + max(blanks - 1, 0) != len(tokens):
        again = next(id for id, text in enumerate(tokens) if text and ids[text] != id)
        text = tokens[again]
        raise GgufError(f"{key} has {text!r} twice, as {again} and {ids[text]}; tokens must differ")
    ids.pop("", None)
    return ids


def _kinds(metadata: Mapping[str, object], count: int) -> bytearray:
    key = PREFIX + "token_type"
    if key not in metadata:
        return bytearray([Kind.NORMAL]) * count
    return bytearray(small_integers(metadata, key, most=max(Kind), length=count))


def _take_specials(
    tokens: Sequence[str], kinds: bytearray, ids: dict[str, int]
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Take what no ordinary text may become out of `ids`; return controls, user's tokens, bytes."""
    controls, user_defined, byte_tokens = {}, {}, {}
    normal = int(Kind.NORMAL)
    for id in [id for id, kind in enumerate(kinds) if kind != normal]:
        text, kind = tokens[id], kinds[id]
        if kind == Kind.BYTE and not re.fullmatch("<0x[0-9A-Fa-f]{2}>", text):
            raise GgufError(
                f"{PREFIX}tokens has {text[:60]!r} as {id}, which {PREFIX}token_type calls a byte; "
                "bytes are written like <0x0A>"
            )
        if text and kind in (Kind.CONTROL, Kind.UNKNOWN):
            controls[text] = ids.pop(text)
        elif text and kind == Kind.USER_DEFINED:
            user_defined[text] = id
        elif kind == Kind.BYTE:
            byte_tokens[text] = ids.pop(text)
    return controls, user_defined, byte_tokens


def _adds(metadata: Mapping[str, object], which: str, default: bool, id: int | None) -> bool:
    key = f"{PREFIX}add_{which}_token"
    adds = boolean(metadata, key, default)
    if adds and id is None:
        raise GgufError(
            f"{key} is true{'' if key in metadata else ' for this tokenizer'}, but the file has "
            f"no {PREFIX}{which}_token_id to add"
        )
    return adds


def _strips(metadata: Mapping[str, object], specials: Mapping[str, int]) -> frozenset[int]:
    # No key says it: llama.cpp goes by the model's name too (Phi-3 was trained this way).
    name = (string(metadata, "general.name") or "").lower()
    if "phi-3" not in name and "phi3" not in name:
        return frozenset()
    keeping = ("<unk>", "<s>", "<|endoftext|>")
    return frozenset(id for text, id in specials.items() if text not in keeping)
