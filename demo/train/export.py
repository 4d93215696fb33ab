"""From a checkpoint to a GGUF file: quantised matrices, F32 gains, vocabulary, chat template."""

from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type

from demo.train.conversation import BEGIN, CHAT_TEMPLATE, END
from demo.train.model import Parameters
from demo.train.tokenizer import Vocabulary
from demo.train.training import Snapshot, parameter_count

NAME = "wgslm demo"
DESCRIPTION = "A very small chat model, the default of wgslm's page; see the model card beside it."
TEMPERATURE = 0.3  # recommended: so small a model loses its thread when it is drawn from freely
DATASETS = (  # names, with their licences
    "wgslm guide (MIT)",
    "Schema-Guided Dialogue (CC BY-SA 4.0)",
    "Taskmaster-4 (CC BY 4.0)",
    "TinyStories (CDLA-Sharing-1.0)",
)


def export(snapshot: Snapshot, vocabulary: Vocabulary, path: Path, quant: Type = Type.Q8_0) -> int:
    """Write the file and return its size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    _write_general(writer, snapshot, quant)
    _write_shape(writer, snapshot)
    _write_vocabulary(writer, vocabulary)
    for name, value in snapshot.parameters.items():
        numbers = value.detach().float().numpy()
        if numbers.ndim == 1:
            writer.add_tensor(name, numbers)
        else:
            blocks = gguf.quants.quantize(np.ascontiguousarray(numbers), quant)
            writer.add_tensor(name, blocks, raw_dtype=quant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.stat().st_size


def read_parameters(path: Path, vocabulary: Vocabulary) -> Parameters:
    """Return the weights of a file that `export` wrote, to go on training from them."""
    reader = gguf.GGUFReader(path)
    pieces = [vocabulary.processor.id_to_piece(id) for id in range(vocabulary.size)]
    if reader.fields["tokenizer.ggml.tokens"].contents() != pieces:
        raise ValueError(f"{path.name} has another vocabulary than the run's folder")
    return {
        str(tensor.name): torch.from_numpy(
            np.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32)
        )
        for tensor in reader.tensors
    }


def _write_general(writer: gguf.GGUFWriter, snapshot: Snapshot, quant: Type) -> None:
    count = parameter_count(snapshot.parameters.values())
    writer.add_type("model")
    writer.add_name(NAME)
    writer.add_description(DESCRIPTION)
    writer.add_size_label(f"{count / 1e6:.1f}M")
    writer.add_license("cc-by-sa-4.0")
    writer.add_dataset_count(len(DATASETS))
    for index, name in enumerate(DATASETS):
        writer.add_dataset_name(index, name)
    writer.add_languages(["en"])
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{quant.name}"])
    writer.add_sampling_temp(TEMPERATURE)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _write_shape(writer: gguf.GGUFWriter, snapshot: Snapshot) -> None:
    config = snapshot.config
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.dim)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.ff)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_base)
    writer.add_layer_norm_rms_eps(config.epsilon)
    writer.add_vocab_size(config.vocab)


def _write_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    pieces = vocabulary.processor
    ids = range(vocabulary.size)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([pieces.id_to_piece(id) for id in ids])
    writer.add_token_scores([pieces.get_score(id) for id in ids])
    writer.add_token_types([_kind(vocabulary, id) for id in ids])
    writer.add_unk_token_id(pieces.unk_id())
    writer.add_bos_token_id(vocabulary.special[BEGIN])
    writer.add_eos_token_id(vocabulary.special[END])
    writer.add_eot_token_id(vocabulary.special[END])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _kind(vocabulary: Vocabulary, id: int) -> gguf.TokenType:
    pieces = vocabulary.processor
    if pieces.is_unknown(id):
        return gguf.TokenType.UNKNOWN
    if pieces.is_control(id):
        return gguf.TokenType.CONTROL
    return gguf.TokenType.BYTE if pieces.is_byte(id) else gguf.TokenType.NORMAL
