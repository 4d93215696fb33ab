"""Formats for files without a chat template: chosen by evidence, equal to the models' own."""

import json
from pathlib import Path

import pytest

from wgslm.chat.formats import BUILT_INS, BuiltIn, choose
from wgslm.chat.template import ChatTemplate
from wgslm.errors import TemplateError

SYSTEM = "You are a helpful assistant"
EXPECTED = {  # llama.cpp's vector, and what it holds in place of the built-in's own ways
    "ChatML": ("teknium/OpenHermes-2.5-Mistral-7B", "", "</s>"),
    "Llama 3": ("Llama-3", "", ""),
    "Mistral v1": ("mistralai/Mistral-7B-Instruct-v0.2", "", "</s>"),
    "Mistral": ("Mistral-Nemo-Instruct-2407", "", "</s>"),
    "Llama 2": ("bofenghuang/vigogne-2-70b-chat", "", "</s>"),
    "OpenChat": ("openchat/openchat-3.5-0106", "", ""),
    "Vicuna": ("eachadea/vicuna-13b-1.1", "", "</s>"),
    "GLM 4": ("ChatGLM4", "", ""),
    "Phi 3": ("Phi-3-vision", "", ""),
    "Granite": ("ibm-granite/granite-3.0-8b-instruct", "", ""),
    "Megrez": ("Infinigence/Megrez-3B-Instruct", "", ""),
}


def make(built_in: BuiltIn, bos: str = "", eos: str = "") -> ChatTemplate:
    return ChatTemplate(built_in.source, bos_token=bos, eos_token=eos, specials=(), origin="x")


def text(template: ChatTemplate, messages: list[dict[str, object]]) -> str:
    return "".join(segment.text for segment in template.render(messages))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_built_in_format_writes_what_the_models_own_template_does(
    name: str, reference_data: Path
) -> None:
    vectors = json.loads((reference_data / "templates" / "vectors.json").read_text("utf-8"))
    start, bos, eos = EXPECTED[name]
    (vector,) = [vector for vector in vectors if vector["name"].startswith(start)]
    (built_in,) = [built_in for built_in in BUILT_INS if built_in.name == name]
    turns: list[dict[str, object]] = [
        {"role": role, "content": content} for role, content in vector["conversation"]
    ]
    wanted = vector["expected_output_jinja"] or vector["expected_output"]
    if name == "Mistral":  # v3-tekken puts the system message last, v1 first
        turns = turns[1:]
        wanted = wanted.replace(f"{SYSTEM}\n\n", "")

    assert text(make(built_in, bos, eos), turns) == wanted


@pytest.mark.parametrize("built_in", BUILT_INS, ids=lambda built_in: built_in.name)
def test_every_format_takes_a_conversation_and_refuses_tools(built_in: BuiltIn) -> None:
    template = make(built_in, "<s>", "</s>")
    turns: list[dict[str, object]] = [
        {"role": "system", "content": "S1"},
        {"role": "user", "content": "U1"},
        {"role": "assistant", "content": "A1"},
        {"role": "user", "content": "U2"},
    ]

    written = text(template, turns)

    places = [written.index(content) for content in ("S1", "U1", "A1", "U2")]
    assert places == sorted(places)
    assert template.takes_system != built_in.refuses_system
    with pytest.raises(TemplateError, match=f"the built-in {built_in.name} format has no tools"):
        template.render(turns, tools=[{"type": "function"}])


@pytest.mark.parametrize(
    ("tokens", "model", "name", "reason"),
    [
        (["<|im_start|>", "<|im_end|>"], "", "ChatML", "its vocabulary has '<|im_start|>'"),
        (
            ["<|start_header_id|>", "<|eot_id|>", "<|im_end|>"],
            "",
            "Llama 3",
            "its vocabulary has '<|start_header_id|>'",
        ),
        (["<start_of_turn>", "<end_of_turn>"], "", "Gemma", "has '<start_of_turn>'"),
        (["<|user|>", "<|assistant|>", "<|end|>"], "", "Phi 3", "has '<|user|>'"),
        (["[INST]", "[/INST]"], "Mistral Nemo", "Mistral", "has '[INST]'"),
        (["<s>"], "Alpaca 7B", "Alpaca", "its name has 'alpaca'"),
        (["<s>"], "vicuna-13b", "Vicuna", "its name has 'vicuna'"),
        (["<s>"], "Llama-2-7b-chat", "Llama 2", "its name has 'llama-2'"),
        (["<s>"], "LLaMA v2", "Llama 2", "its name has 'llama v2'"),
        (["<s>"], "TinyStories", "ChatML", "ChatML (the file has no template)"),
    ],
)
def test_the_format_is_chosen_by_evidence_and_said(
    tokens: list[str], model: str, name: str, reason: str
) -> None:
    built_in, origin = choose(tokens, model)

    assert built_in.name == name
    assert origin.startswith(f"{name} (the file has no template")
    assert reason in origin
