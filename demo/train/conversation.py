"""What a training document is: a conversation, a list of turns, and its ChatML form.

The chat template here is the one the exported GGUF carries, so training, tests and every engine
that renders the file's own template agree on the ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]

BEGIN = "<|endoftext|>"  # the beginning of every document: BOS
TURN = "<|im_start|>"
END = "<|im_end|>"  # the end of every turn: EOS and EOT
SPECIALS = (BEGIN, TURN, END)

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Turn:
    """One message."""

    role: Role
    text: str
    fact: str = ""  # of an answer: which of the guide's it is; empty of all others


Conversation = tuple[Turn, ...]


@dataclass(frozen=True)
class Piece:
    """A run of text that is scaffolding (`role` None: specials become tokens) or a turn's words."""

    text: str
    role: Role | None
    fact: str = ""


def user(text: str) -> Turn:
    """Make a turn of the person."""
    return Turn("user", text)


def assistant(text: str, fact: str = "") -> Turn:
    """Make a turn of the model."""
    return Turn("assistant", text, fact)


def pieces(conversation: Sequence[Turn]) -> list[Piece]:
    """Render a conversation as `CHAT_TEMPLATE` does, cut into scaffolding and words.

    The END of an assistant turn counts as its words: the model has to learn to stop.
    """
    result: list[Piece] = []
    for turn in conversation:
        result.append(Piece(f"{TURN}{turn.role}\n", None))
        result.append(Piece(turn.text, turn.role, turn.fact))
        result.append(Piece(END, "assistant" if turn.role == "assistant" else None))
        result.append(Piece("\n", None))
    return result
