"""Finds what makes a good model stupid without an error: a tokenizer that a file tells wrong."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wgslm.errors import WgslmError
from wgslm.text import load_tokenizer
from wgslm.text.metadata import PREFIX
from wgslm.text.tokenizer import Tokenizer
from wgslm.text.vocabulary import Kind

SHOWN = 5  # examples of what is many
LOOKS_SPECIAL = re.compile(r"<\|[^|<>\s]+\|>|<(?:start|end)_of_\w+>|\[/?(?:INST|EOT|EOS|BOS)\]")
# Keys that a chat needs, and the attribute that holds what they say.
NAMED = {"bos_token_id": "bos_id", "eos_token_id": "eos_id", "eot_token_id": "eot_id"}


@dataclass(frozen=True)
class Finding:
    """Something to look at: the key it is about, and what is odd."""

    key: str
    text: str
    fatal: bool = False  # the file cannot be used at all


def check_tokenizer(metadata: Mapping[str, object]) -> list[Finding]:
    """Return what is wrong or suspicious in a file's `tokenizer.*` keys; nothing if all is well."""
    recorded = _Recorded(metadata)
    try:
        tokenizer = load_tokenizer(recorded)
    except WgslmError as error:
        return [Finding(PREFIX + "model", str(error), fatal=True)]
    return [
        *_pre(metadata),
        *_ids(metadata, tokenizer),
        *_ordinary(tokenizer),
        *_bytes(metadata, tokenizer),
        *_merges(metadata),
        *_unused(recorded),
    ]


def _pre(metadata: Mapping[str, object]) -> Iterator[Finding]:
    key = PREFIX + "pre"
    if metadata.get(PREFIX + "model") == "gpt2" and metadata.get(key) == "default":
        yield Finding(
            key,
            "'default' is what converters write that did not know the model; answers are subtly "
            "wrong unless it was trained so",
        )


def _ids(metadata: Mapping[str, object], tokenizer: Tokenizer) -> Iterator[Finding]:
    ids = {key: getattr(tokenizer, attribute) for key, attribute in NAMED.items()}
    for key, id in ids.items():
        if id is None:
            continue
        shown = f"{id} ({tokenizer.tokens[id]!r})"
        kind = tokenizer.kind(id)
        if PREFIX + key not in metadata:
            yield Finding(PREFIX + key, f"is not in the file; {shown} is taken for it")
        if kind not in (Kind.CONTROL, Kind.USER_DEFINED):
            yield Finding(
                PREFIX + key, f"{shown} is of kind {kind.name.lower()}; a control token is usual"
            )
    if not tokenizer.end_ids:
        yield Finding(
            PREFIX + "eos_token_id", "no token ends an answer: it goes on to the length that is set"
        )
    if tokenizer.add_bos and metadata.get(PREFIX + "add_bos_token") is False:
        yield Finding(
            PREFIX + "add_bos_token",
            "is false, and BOS is added all the same: models of this kind need it",
        )
    if tokenizer.add_eos and tokenizer.eos_id == tokenizer.bos_id:
        yield Finding(PREFIX + "add_eos_token", "is true, and EOS is the same token as BOS")


def _ordinary(tokenizer: Tokenizer) -> Iterator[Finding]:
    texts = [
        text
        for id, text in enumerate(tokenizer.tokens)
        if text[:1] in "<[" and tokenizer.kind(id) == Kind.NORMAL and LOOKS_SPECIAL.fullmatch(text)
    ]
    if texts:
        yield Finding(
            PREFIX + "token_type",
            f"{_several(texts)} look like special tokens, but are ordinary ones: a template's text "
            "becomes other tokens, and an answer that writes them goes on",
        )


def _bytes(metadata: Mapping[str, object], tokenizer: Tokenizer) -> Iterator[Finding]:
    if metadata[PREFIX + "model"] not in ("llama", "gemma4"):
        return
    known = set(tokenizer.tokens)
    missing = [text for byte in range(256) if (text := f"<0x{byte:02X}>") not in known]
    if missing:
        yield Finding(
            PREFIX + "tokens", f"{_several(missing)} are missing: some text cannot be written"
        )


def _merges(metadata: Mapping[str, object]) -> Iterator[Finding]:
    merges = metadata.get(PREFIX + "merges")
    tokens = metadata.get(PREFIX + "tokens")
    if not isinstance(merges, Sequence) or not isinstance(tokens, Sequence):
        return
    known = set(tokens)
    made = [merge for merge in merges if merge.replace(" ", "") not in known and " " in merge[1:-1]]
    if made:
        yield Finding(PREFIX + "merges", f"{_several(made)} make what is no token")


def _unused(recorded: "_Recorded") -> Iterator[Finding]:
    for key in sorted(recorded.metadata.keys() - recorded.read):
        if key.startswith("tokenizer.") and not key.startswith("tokenizer.chat_template"):
            yield Finding(key, "is not used")


def _several(texts: Sequence[str]) -> str:
    shown = ", ".join(map(repr, texts[:SHOWN]))
    return shown if len(texts) <= SHOWN else f"{shown} and {len(texts) - SHOWN:,} more"


class _Recorded(Mapping[str, object]):
    """Metadata that knows which of its keys were asked for."""

    def __init__(self, metadata: Mapping[str, object]) -> None:
        self.metadata = metadata
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> object:
        self.read.add(key)
        return self.metadata[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metadata)

    def __len__(self) -> int:
        return len(self.metadata)
