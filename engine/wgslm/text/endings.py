"""Knows which tokens end an answer: files rarely name all of them, so their texts count too.

The lists are llama.cpp's (`llama_vocab::impl::load`), so that both stop at the same token.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wgslm.text.metadata import PREFIX, token_id

# An end of turn, where the file has no eot_token_id: the first that exists.
TURN_ENDS = (
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>",
    "<EOT>", "_<EOT>", "[EOT]", "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "<end_of_utterance>",
)  # fmt: skip
MESSAGE_ENDS = ("<|eom_id|>",)
# Always ends, whatever the file says.
ENDS = (
    *TURN_ENDS, *MESSAGE_ENDS, "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "</s>", "[EOS]",
    "<eos>", "<turn|>", "<|tool_response>", "[e~[",
)  # fmt: skip
# Fill-in-the-middle markers that end an answer, by key.
FILL_ENDS = {
    "fim_pad_token_id": ("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
    "fim_rep_token_id": (
        "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>",
    ),
    "fim_sep_token_id": ("<|file_sep|>",),
}  # fmt: skip


@dataclass(frozen=True)
class Endings:
    """The ends of a vocabulary; `by_text` are control tokens even where the file forgot it."""

    eot_id: int | None
    eom_id: int | None
    ids: frozenset[int]
    by_text: frozenset[int]


def find_endings(
    metadata: Mapping[str, object], ids: Mapping[str, int], vocab_size: int, eos_id: int | None
) -> Endings:
    """Collect the ends that the file names and those that its token texts give away."""

    def named(key: str, texts: tuple[str, ...]) -> int | None:
        given = token_id(metadata, PREFIX + key, vocab_size)
        return given if given is not None else next((ids[t] for t in texts if t in ids), None)

    eot_id = named("eot_token_id", TURN_ENDS)
    eom_id = named("eom_token_id", MESSAGE_ENDS)
    fills = {named(key, texts) for key, texts in FILL_ENDS.items()}
    ends = {ids[text] for text in ENDS if text in ids}
    ordinary = {ids[text] for text in _ordinary_texts(ids) if text in ids}
    found = {id for id in {eos_id, eot_id, eom_id} | fills | ends if id is not None} - ordinary
    texts = {text for texts in (ENDS, *FILL_ENDS.values()) for text in texts}
    return Endings(
        eot_id=eot_id,
        eom_id=eom_id,
        ids=frozenset(found),
        by_text=frozenset(ids[text] for text in texts if ids.get(text) in found),
    )


def _ordinary_texts(ids: Mapping[str, int]) -> list[str]:
    """Return the texts of ENDS that end nothing in this vocabulary."""
    ordinary = []
    if ("<|return|>" in ids or "<|flush|>" in ids) and ("<|call|>" in ids or "<|calls|>" in ids):
        ordinary.append("<|end|>")  # harmony and its like: it closes a message, not the answer
    if "<|tool_response>" in ids:
        ordinary.append("</s>")  # Gemma 4, where it is a word like any other
    return ordinary
