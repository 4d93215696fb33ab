"""The demo model's vocabulary: byte-level BPE with GPT-2's pre-tokenizer, trained here.

GGUF knows it as `tokenizer.ggml.model = gpt2`, `tokenizer.ggml.pre = gpt-2`. No merge joins two
digits, so every number is read digit by digit.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

from demo.train.conversation import BEGIN, SPECIALS, Turn, pieces

# The loss of a token by what it belongs to, in percent.
LOSS_WEIGHTS = {"assistant": 100, "user": 15, "system": 0}


class Vocabulary:
    """Text and conversations to ids."""

    def __init__(self, encoder: tokenizers.Tokenizer) -> None:
        """Wrap a trained tokenizer; `load` and `train` make one."""
        self._encoder = encoder
        self._encoder.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._encoder.decoder = decoders.ByteLevel()
        self.size: int = encoder.get_vocab_size()
        known: dict[str, int] = encoder.get_vocab()
        self.special = {text: known[text] for text in SPECIALS}

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what `save` wrote."""
        return cls(tokenizers.Tokenizer.from_file(str(path)))

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> "Vocabulary":
        """Learn `size` tokens from texts, the specials and the 256 bytes included."""
        encoder = tokenizers.Tokenizer(models.BPE())
        encoder.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(r" ?\p{N}"), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=list(SPECIALS),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        encoder.train_from_iterator(texts, trainer)
        return cls(encoder)

    def save(self, path: Path) -> None:
        """Write the vocabulary as the JSON of the `tokenizers` package."""
        self._encoder.save(str(path))

    def tokens(self) -> list[str]:
        """Return every token by id, in GPT-2's byte-to-character spelling."""
        found = [self._encoder.id_to_token(id) for id in range(self.size)]
        assert None not in found, "a vocabulary's ids are consecutive"
        return [token for token in found if token is not None]

    def merges(self) -> list[str]:
        """Return the merges in order, as GGUF writes them: two tokens with a space between."""
        saved = json.loads(self._encoder.to_str())["model"]["merges"]
        return [pair if isinstance(pair, str) else " ".join(pair) for pair in saved]

    def encode(self, text: str) -> list[int]:
        """Encode plain text: the spelling of a special token in it is only text."""
        ids: list[int] = []
        rest = text
        while rest:
            cut = min((at for at in map(rest.find, SPECIALS) if at >= 0), default=-1)
            head, rest = (rest, "") if cut < 0 else (rest[: cut + 1], rest[cut + 1 :])
            ids += self._encoder.encode(head, add_special_tokens=False).ids
        return ids

    def encode_template(self, text: str) -> list[int]:
        """Encode template text, in which the spelling of a special token is that token."""
        ids: list[int] = self._encoder.encode(text, add_special_tokens=False).ids
        return ids

    def encode_conversation(self, conversation: Sequence[Turn]) -> tuple[list[int], list[int]]:
        """Return a document's ids, BOS first, and the weight of each id in the loss."""
        ids, weights = [self.special[BEGIN]], [0]
        for piece in pieces(conversation):
            special = piece.role is None or piece.text in SPECIALS
            more = self.encode_template(piece.text) if special else self.encode(piece.text)
            ids += more
            weights += [LOSS_WEIGHTS[piece.role] if piece.role else 0] * len(more)
        return ids, weights

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, specials spelled out."""
        text: str = self._encoder.decode(list(ids), skip_special_tokens=False)
        return text


def nbytes_per_token(vocabulary: Vocabulary, texts: Sequence[str]) -> float:
    """Measure how many bytes of text one token carries."""
    ids = sum(len(vocabulary.encode(text)) for text in texts)
    return float(np.divide(sum(len(text.encode()) for text in texts), ids))
