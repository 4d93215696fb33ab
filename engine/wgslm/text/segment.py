"""The pieces a prompt is made of, shared by the template that makes them and the tokenizer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """A piece of a prompt; only template text makes special tokens."""

    text: str
    template: bool
