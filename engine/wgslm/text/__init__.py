"""Text and ids: knows vocabularies, merges and characters, but neither GGUF nor GPU."""

from collections.abc import Mapping

from wgslm.errors import GgufError, UnsupportedError
from wgslm.text.bpe import BpeModel
from wgslm.text.metadata import PREFIX, boolean, numbers, string, strings
from wgslm.text.pretokenize import by_name
from wgslm.text.segment import Segment
from wgslm.text.spm import SpmModel
from wgslm.text.stream import TextStream
from wgslm.text.tokenizer import Tokenizer
from wgslm.text.vocabulary import Defaults, read_vocabulary

__all__ = ["Segment", "TextStream", "Tokenizer", "load_tokenizer"]

SPM_DEFAULTS = Defaults(bos_id=1, eos_id=2, unknown_id=0, add_bos=True)  # SentencePiece's own


def load_tokenizer(metadata: Mapping[str, object]) -> Tokenizer:
    """Build the tokenizer that a GGUF's metadata describes; refuse other kinds by name."""
    key = PREFIX + "model"
    model = string(metadata, key)
    if model == "llama":
        return _load_spm(metadata)
    if model == "gpt2":
        return _load_bpe(metadata)
    if model is None:
        raise GgufError(f"the file has no {key}, so it holds no tokenizer; supported: llama, gpt2")
    raise UnsupportedError(
        f"{key} is {model!r}, which is not supported yet; supported: llama, gpt2"
    )


def _load_spm(metadata: Mapping[str, object]) -> Tokenizer:
    vocabulary = read_vocabulary(metadata, SPM_DEFAULTS)
    scores = numbers(metadata, PREFIX + "scores", len(vocabulary.tokens))
    prefix = boolean(metadata, PREFIX + "add_space_prefix", True)
    return Tokenizer(vocabulary, SpmModel(vocabulary, scores), space_prefix=prefix)


def _load_bpe(metadata: Mapping[str, object]) -> Tokenizer:
    pre = by_name(string(metadata, PREFIX + "pre"))
    vocabulary = read_vocabulary(metadata, Defaults(add_bos=pre.add_bos))
    merges = strings(metadata, PREFIX + "merges")
    return Tokenizer(vocabulary, BpeModel(vocabulary, merges, pre))
