"""One file per GGUF `general.architecture`: its facts, and its step as block operations.

The folder is the registry; a renamed architecture would be a second key here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from wgslm.errors import GgufError, UnsupportedError
from wgslm.gguf import Directory
from wgslm.models import gpt2, llama, qwen2, qwen3
from wgslm.models.config import Config
from wgslm.plan.operations import Operation
from wgslm.plan.record import Recorder
from wgslm.plan.tensors import Tensors

ARCHITECTURES: dict[str, ModuleType] = {
    "gpt2": gpt2,
    "llama": llama,
    "qwen2": qwen2,
    "qwen3": qwen3,
}


@dataclass(frozen=True)
class Model:
    """A file's architecture with its config."""

    architecture: str
    config: Config

    def record(self, tensors: Tensors, *, each: bool = False) -> list[Operation]:
        """Return the operations of a step; `each` asks for the logits of every token.

        A tensor that no operation reads is refused: what is computed would be another model.
        """
        recorder = Recorder(self.config.norm, self.config.eps, each)
        ARCHITECTURES[self.architecture].forward(recorder, self.config, tensors)
        left = [name for name in tensors.unused() if name != "rope_freqs.weight"]
        if left:
            raise UnsupportedError(
                f"{len(left)} tensors have no place in a {self.architecture} model of "
                f"{self.config.layers} blocks, {left[0]!r} for one: the answers would be "
                "another model's"
            )
        return recorder.operations


def read_model(directory: Directory, divisors: Sequence[float] | None) -> Model:
    """Return the model that a directory describes, or refuse it by name.

    `divisors` are the values of the file's `rope_freqs` tensor, if it has one.
    """
    architecture = directory.string("general.architecture")
    if architecture not in ARCHITECTURES:
        raise UnsupportedError(
            f"general.architecture is {architecture!r}; supported: {', '.join(ARCHITECTURES)}"
        )
    if directory.integer(f"{architecture}.expert_count", 0):
        raise UnsupportedError(
            f"{architecture}.expert_count is set: mixtures of experts are not supported yet"
        )
    config: Config = ARCHITECTURES[architecture].configure(
        directory, tuple(divisors) if divisors is not None else None
    )
    table = directory.tensors.get("token_embd.weight")
    if table is None:
        raise GgufError("the file has no tensor 'token_embd.weight': it holds no model")
    if table.row != config.dim:
        raise GgufError(
            f"'token_embd.weight' has {table.row} values a row; "
            f"{architecture}.embedding_length is {config.dim}"
        )
    for key, name in (("vocab_size", "token_embd"), ("feed_forward_length", "blk.0.ffn_up")):
        tensor = directory.tensors.get(f"{name}.weight")
        rows = directory.integer(f"{architecture}.{key}", tensor.rows if tensor else 0)
        if tensor and rows != tensor.rows:
            raise GgufError(
                f"{architecture}.{key} is {rows:,}; '{name}.weight' has {tensor.rows:,} rows"
            )
    head = directory.tensors.get("output.weight", table)
    if head.rows != table.rows:
        raise GgufError(
            f"'output.weight' has {head.rows:,} rows and 'token_embd.weight' {table.rows:,}; "
            "both are the vocabulary"
        )
    return Model(architecture, config)
