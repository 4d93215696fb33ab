"""The model in the repository is what its card says."""

from pathlib import Path

import gguf
import numpy as np
import pytest

from demo.train.conversation import BEGIN, CHAT_TEMPLATE, END
from demo.train.twin import NumpyLlama
from wgslm.text import load_tokenizer

PATH = Path(__file__).parents[2] / "demo" / "model" / "wgslm-demo.q8_0.gguf"


@pytest.fixture(scope="module")
def model() -> NumpyLlama:
    return NumpyLlama(PATH)


def test_it_fits_into_a_single_page() -> None:
    assert PATH.stat().st_size <= 7_000_000


def test_matrices_are_q8_and_gains_are_f32() -> None:
    tensors = gguf.GGUFReader(PATH).tensors

    found = {(len(tensor.shape), tensor.tensor_type.name) for tensor in tensors}

    assert found == {(2, "Q8_0"), (1, "F32")}


def test_its_template_and_its_end_tokens_are_those_of_training(model: NumpyLlama) -> None:
    tokens = model.fields["tokenizer.ggml.tokens"]

    assert model.fields["tokenizer.chat_template"] == CHAT_TEMPLATE
    assert tokens[model.fields["tokenizer.ggml.bos_token_id"]] == BEGIN
    assert tokens[model.fields["tokenizer.ggml.eos_token_id"]] == END
    assert tokens[model.fields["tokenizer.ggml.eot_token_id"]] == END
    assert model.fields["llama.context_length"] >= 1024


def test_it_answers_a_greeting_with_a_capital_letter(model: NumpyLlama) -> None:
    tokenizer = load_tokenizer(model.fields)
    ids = tokenizer.encode(
        "<|im_start|>user\nHi!<|im_end|>\n<|im_start|>assistant\n", specials=True
    )

    logits = model.logits(ids)

    assert np.isfinite(logits).all()
    assert tokenizer.decode([int(logits[-1].argmax())])[0].isupper()
