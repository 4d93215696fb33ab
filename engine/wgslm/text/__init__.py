"""Text and ids: knows vocabularies, merges and characters, but neither GGUF nor GPU."""

from collections.abc import Mapping
from dataclasses import replace

from wgslm.errors import GgufError, UnsupportedError
from wgslm.text.bpe import BpeModel
from wgslm.text.charsmap import KEY as CHARSMAP
from wgslm.text.charsmap import Charsmap
from wgslm.text.metadata import PREFIX, boolean, numbers, raw_bytes, string, strings, token_id
from wgslm.text.pretokenize import by_name
from wgslm.text.segment import Segment
from wgslm.text.spm import SpmModel
from wgslm.text.stream import TextStream
from wgslm.text.tokenizer import Tokenizer
from wgslm.text.unigram import UnigramModel
from wgslm.text.vocabulary import Defaults, read_vocabulary
from wgslm.text.wordpiece import WordPieceModel

__all__ = ["Segment", "TextStream", "Tokenizer", "load_tokenizer"]

SPM_DEFAULTS = Defaults(bos_id=1, eos_id=2, unknown_id=0, add_bos=True)  # SentencePiece's own
UNIGRAM_DEFAULTS = Defaults(eos_id=1, unknown_id=2, add_eos=True)  # T5's own
BERT_DEFAULTS = Defaults(bos_id=101, unknown_id=100, sep_id=102, add_bos=True, add_sep=True)
# What llama.cpp reads besides, and why we do not.
REFUSED = {
    "rwkv": "its tokens are any bytes, found by the longest match",
    "plamo2": "its tokens are scored by their suffixes",
    "hybriddna": "it cuts DNA into words of equal length",
    "no_vocab": "the file has no vocabulary",
    "none": "the file has no vocabulary",
}


def load_tokenizer(metadata: Mapping[str, object]) -> Tokenizer:
    """Build the tokenizer that a GGUF's metadata describes; refuse other kinds by name."""
    key = PREFIX + "model"
    model = string(metadata, key)
    loaders = {
        "llama": _load_spm, "gpt2": _load_bpe, "gemma4": _load_bpe, "whitespace": _load_bpe,
        "t5": _load_unigram, "bert": _load_wordpiece,
    }  # fmt: skip
    supported = ", ".join(loaders)
    if model is None:
        raise GgufError(f"the file has no {key}, so it holds no tokenizer; supported: {supported}")
    if model in loaders:
        return loaders[model](metadata)
    why = f" ({REFUSED[model]})" if model in REFUSED else ""
    raise UnsupportedError(f"{key} is {model!r}, which is not supported{why}; "
                           f"supported: {supported}")  # fmt: skip


def _load_spm(metadata: Mapping[str, object]) -> Tokenizer:
    vocabulary = read_vocabulary(metadata, SPM_DEFAULTS)
    scores = numbers(metadata, PREFIX + "scores", len(vocabulary.tokens))
    prefix = boolean(metadata, PREFIX + "add_space_prefix", True)
    return Tokenizer(vocabulary, SpmModel(vocabulary, scores), space_prefix=prefix)


def _load_bpe(metadata: Mapping[str, object]) -> Tokenizer:
    model = metadata[PREFIX + "model"]
    named = string(metadata, PREFIX + "pre") if model == "gpt2" else str(model)
    pre = by_name(named)
    vocabulary = read_vocabulary(metadata, Defaults(add_bos=pre.add_bos))
    if pre.always_bos and vocabulary.bos_id is not None:
        vocabulary = replace(vocabulary, add_bos=True)
    merges = strings(metadata, PREFIX + "merges")
    lowercase = pre.drops_spaces and boolean(metadata, PREFIX + "normalizer.lowercase", False)
    return Tokenizer(vocabulary, BpeModel(vocabulary, merges, pre, lowercase=lowercase))


def _load_unigram(metadata: Mapping[str, object]) -> Tokenizer:
    vocabulary = read_vocabulary(metadata, UNIGRAM_DEFAULTS)
    scores = numbers(metadata, PREFIX + "scores", len(vocabulary.tokens))
    blob = raw_bytes(metadata, CHARSMAP)
    model = UnigramModel(
        vocabulary,
        scores,
        Charsmap(blob) if blob else None,
        merge_spaces=boolean(metadata, PREFIX + "remove_extra_whitespaces", False),
    )
    prefix = boolean(metadata, PREFIX + "add_space_prefix", False)
    return Tokenizer(vocabulary, model, space_prefix=prefix)


def _load_wordpiece(metadata: Mapping[str, object]) -> Tokenizer:
    size = len(strings(metadata, PREFIX + "tokens"))
    cls_id = token_id(metadata, PREFIX + "cls_token_id", size)  # what these files call BOS
    defaults = BERT_DEFAULTS if cls_id is None else replace(BERT_DEFAULTS, bos_id=cls_id)
    vocabulary = read_vocabulary(metadata, defaults)
    lowercase = boolean(metadata, PREFIX + "normalizer.lowercase", True)
    accents = boolean(metadata, PREFIX + "normalizer.strip_accents", lowercase)
    model = WordPieceModel(vocabulary, lowercase=lowercase, strip_accents=accents)
    return Tokenizer(vocabulary, model)
