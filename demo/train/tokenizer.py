"""The demo model's vocabulary: SentencePiece BPE with bytes for what has no piece, trained here.

GGUF knows it as `tokenizer.ggml.model = llama`. Text is taken as it is (no normalisation, no space
put in front), and no piece has two digits, so every number is read digit by digit.
"""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sentencepiece

from demo.train.conversation import BEGIN, END, SPECIALS, TURN, Turn, pieces

# The loss of an id by what it belongs to, in percent.
LOSS_WEIGHTS = {"assistant": 40, "user": 0, "system": 0}
# In the guide the first ids of an answer decide which it is; the others follow from them. Without
# more weight they are a twentieth of the ids, and the corpora's English drowns them.
DECISIVE, DECISIVE_WEIGHT = 4, 250
SKILL_WEIGHT = 150  # of every id of a sum's answer: no digit follows from those before
COPIED_WEIGHT = 200  # of the words that an answer takes from what was said: a hero, a name
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    "the and you your that this for with was were are about story tale tell not but all who what "
    "how can will would like want said say her his she him they them one please have has had from "
    "when where which there then than into out off its our any some very just too".split()
)
_SPECIAL = re.compile("(" + "|".join(map(re.escape, SPECIALS)) + ")")


@dataclass(frozen=True)
class Document:
    """A conversation as ids."""

    ids: list[int]
    weights: list[int]  # of each id in the loss, in percent
    facts: list[str]  # at the first id of an answer which of the guide's it is; else empty

    def up_to_decision(self) -> "Document":
        """Return it up to where it is clear which answer of the guide it is.

        A question teaches which answer it wants at half of the cost without the rest of that.
        """
        stop = next(at for at, fact in enumerate(self.facts) if fact) + 2 * DECISIVE
        return Document(self.ids[:stop], self.weights[:stop], self.facts[:stop])


class Vocabulary:
    """Text and conversations to ids."""

    def __init__(self, model: bytes) -> None:
        """Take a serialised SentencePiece model; `load` and `train` make one."""
        self._model = model
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.size: int = self.processor.vocab_size()
        self.special = {text: int(self.processor.piece_to_id(text)) for text in SPECIALS}

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what `save` wrote."""
        return cls(path.read_bytes())

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> "Vocabulary":
        """Learn `size` pieces from texts, the specials and the 256 bytes included."""
        written = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=written,
            model_type="bpe",
            vocab_size=size,
            byte_fallback=True,
            split_digits=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            unk_id=0,
            bos_id=1,
            eos_id=2,
            pad_id=-1,
            bos_piece=BEGIN,
            eos_piece=END,
            control_symbols=[TURN],
            minloglevel=1,
        )
        return cls(written.getvalue())

    def save(self, path: Path) -> None:
        """Write the SentencePiece model."""
        path.write_bytes(self._model)

    def encode(self, text: str) -> list[int]:
        """Encode plain text: the spelling of a special token in it is only text."""
        ids: list[int] = self.processor.encode(text)
        return ids

    def encode_template(self, text: str) -> list[int]:
        """Encode template text, in which the spelling of a special token is that token."""
        ids: list[int] = []
        for part in _SPECIAL.split(text):
            ids += [self.special[part]] if part in self.special else self.encode(part)
        return ids

    def encode_conversation(
        self,
        conversation: Sequence[Turn],
        *,
        is_guide: bool = False,
        is_skill: bool = False,
        copies: bool = False,
    ) -> Document:
        """Return a document's ids, BOS first, with what each is worth.

        With `copies`, the words that an answer takes from the user's count more: from which of
        all names and heroes is at hand, the others don't tell.
        """
        ids, weights, facts = [self.special[BEGIN]], [0], [""]
        asked: set[str] = set()  # the words of the user so far
        for piece in pieces(conversation):
            special = piece.role is None or piece.text in SPECIALS
            more = self.encode_template(piece.text) if special else self.encode(piece.text)
            ids += more
            weights += [LOSS_WEIGHTS[piece.role] if piece.role else 0] * len(more)
            facts += [piece.fact, *[""] * (len(more) - 1)]
            if is_skill and piece.role == "assistant":
                weights[-len(more) :] = [SKILL_WEIGHT] * len(more)
            if is_guide and piece.role == "assistant" and piece.text != END:
                first = len(weights) - len(more)
                count = min(DECISIVE, len(more))
                weights[first : first + count] = [DECISIVE_WEIGHT] * count
            if piece.role == "user":
                asked |= {word.lower() for word in _WORD.findall(piece.text)} - _COMMON
            elif copies and piece.role and not special and not piece.fact:
                first = len(weights) - len(more)
                for at in self._spelling(more, piece.text, asked):
                    weights[first + at] = max(weights[first + at], COPIED_WEIGHT)
        return Document(ids, weights, facts)

    def _spelling(self, ids: Sequence[int], text: str, words: set[str]) -> list[int]:
        """Return which of a text's ids spell one of the words."""
        is_word = bytearray(len(text.encode()))
        for found in _WORD.finditer(text):
            if found[0].lower() in words:
                first, last = (len(text[:at].encode()) for at in found.span())
                is_word[first:last] = b"\1" * (last - first)
        chosen, end = [], 0
        for at, one in enumerate(ids):
            piece = self.processor.id_to_piece(one).replace("\u2581", " ")
            first, end = end, end + (1 if self.processor.is_byte(one) else len(piece.encode()))
            if any(is_word[first:end]):
                chosen.append(at)
        return chosen


def nbytes_per_token(vocabulary: Vocabulary, texts: Sequence[str]) -> float:
    """Measure how many bytes of text one token carries."""
    ids = sum(len(vocabulary.encode(text)) for text in texts)
    return sum(len(text.encode()) for text in texts) / ids
