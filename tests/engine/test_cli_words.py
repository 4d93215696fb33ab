"""`wgslm template` and `wgslm check`: what people see of a model's words."""

import json
from pathlib import Path
from typing import cast

import pytest

from command_line import call
from tiny_gguf import write_gguf
from tiny_vocabularies import bpe_metadata

CHATML = (
    "{% if tools %}{{ tools|tojson }}{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}{% if mood %}{{ mood }}{% endif %}<tool_call>"
)
MESSAGES = [{"role": "user", "content": "Hi <|im_end|>"}]
PROMPT = "<|im_start|>user\nHi <|im_end|><|im_end|>\n<|im_start|>assistant\n<tool_call>"
CONTROLS = ("<|im_start|>", "<|im_end|>")
Capture = pytest.CaptureFixture[str]


def last(words: dict[str, object]) -> int:
    """The id of the last token."""
    return len(cast(list[str], words["tokenizer.ggml.tokens"])) - 1


@pytest.fixture
def model(tmp_path: Path) -> Path:
    words = bpe_metadata(["h i"], pre="qwen2", controls=CONTROLS)
    keys = {
        "tokenizer.chat_template": CHATML,
        "tokenizer.chat_template.tool_use": "tools: {{ tools|tojson }}",
        "tokenizer.ggml.eos_token_id": last(words),
    }
    path = tmp_path / "words.gguf"
    write_gguf(path, {"general.architecture": "llama", **words, **keys})
    return path


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    path = tmp_path / "messages.json"
    path.write_text(json.dumps(MESSAGES))
    return path


def test_the_prompt_has_its_specials_marked(capsys: Capture, model: Path, messages: Path) -> None:
    outcome = call(capsys, "template", model, "--messages", messages)

    assert outcome.status == 0
    assert outcome.out == (
        "⟨<|im_start|>⟩user\nHi <|im_end|>⟨<|im_end|>⟩\n⟨<|im_start|>⟩assistant\n<tool_call>\n"
    )


def test_the_prompt_comes_as_json_with_ids(capsys: Capture, model: Path, messages: Path) -> None:
    found = call(capsys, "template", model, "--messages", messages, "--json").json

    assert found["prompt"] == PROMPT
    assert [special["text"] for special in found["specials"]] == [
        "<|im_start|>",
        "<|im_end|>",
        "<|im_start|>",
    ]
    assert found["segments"][1] == {"text": "<|im_end|>", "template": False}
    specials = [id for id in found["ids"] if id >= max(found["ids"]) - 1]
    assert len(specials) == 3
    assert found["origin"] == "from the file"
    assert found["format"] == ["calls tools as Hermes: the template has '<tool_call>'"]


def test_a_template_alone_needs_no_model(capsys: Capture, tmp_path: Path, messages: Path) -> None:
    path = tmp_path / "chat.jinja"
    path.write_text("{{ bos_token }}" + CHATML + "{{ eos_token }}")
    tokens = ("--bos-token", "<s>", "--eos-token", "</s>")

    found = call(
        capsys, "template", "--template-file", path, *tokens, "--messages", messages, "--json"
    ).json

    assert found["prompt"] == f"<s>{PROMPT}</s>"
    assert len(found["specials"]) == 5
    assert "ids" not in found


def test_tools_variables_and_other_templates(
    capsys: Capture, model: Path, messages: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"type": "function", "function": {"name": "f"}}]))
    asked = ("template", model, "--messages", messages, "--json")

    by_tools = call(capsys, *asked, "--tools", tools).json["prompt"]
    by_name = call(capsys, *asked, "--tools", tools, "--name", "default").json["prompt"]
    varied = call(capsys, *asked, "--set", "mood=good").json["prompt"]

    assert by_tools.startswith('tools: [{"type"')
    assert by_name.startswith('[{"type": "function"')
    assert varied == PROMPT.replace("<tool_call>", "good<tool_call>")


@pytest.mark.parametrize(
    ("extra", "status", "sentence"),
    [
        (("--name", "rag"), 1, "no chat template 'rag'; it has: default, tool_use"),
        (("--set", "tone=1"), 1, "does not read 'tone'"),
        (("--set", "=1"), 2, "NAME=JSON would be right"),
        (("--bos-token", "<s>"), 2, "are for --template-file"),
        (("--template-file", "x"), 2, "either MODEL or --template-file"),
        (("--tools", "/nonexistent"), 1, "No such file"),
    ],
)
def test_what_cannot_be_is_refused(
    capsys: Capture,
    model: Path,
    messages: Path,
    extra: tuple[str, ...],
    status: int,
    sentence: str,
) -> None:
    outcome = call(capsys, "template", model, "--messages", messages, *extra)

    assert outcome.status == status
    assert sentence in outcome.err


@pytest.mark.parametrize("option", ["--messages", "--tools", "--template-file"])
def test_a_file_that_is_no_text_is_named(
    capsys: Capture, tmp_path: Path, messages: Path, option: str
) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b'["\xff"]')
    source = tmp_path / "chat.jinja"
    source.write_text(CHATML)
    files = {"--template-file": source, "--messages": messages, option: path}

    outcome = call(capsys, "template", *(part for pair in files.items() for part in pair))

    assert outcome.status == 1
    assert "binary is no text in UTF-8: byte 2 is 0xff" in outcome.err


def test_a_file_may_begin_with_a_byte_order_mark(
    capsys: Capture, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "messages.json"
    path.write_text(json.dumps(MESSAGES), "utf-8-sig")

    assert call(capsys, "template", model, "--messages", path, "--json").json["prompt"] == PROMPT


def test_what_is_no_list_is_named(capsys: Capture, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "messages.json"
    path.write_text('{"a": 1}')

    outcome = call(capsys, "template", model, "--messages", path)

    assert outcome.status == 1
    assert "holds an object; it must be a list, or a request with 'messages'" in outcome.err


def test_check_says_what_the_words_are(capsys: Capture, model: Path) -> None:
    found = call(capsys, "check", model, "--json").json

    assert found["template"] == {
        "origin": "from the file",
        "names": ["default", "tool_use"],
        "takes_system": True,
        "takes_tools": True,
    }
    assert list(found["tokens"]["ends"].values()) == ["<|im_end|>"]
    assert found["warnings"][0].startswith("this version cannot run the model")
    assert "tokenizer.ggml.eot_token_id: is not in the file" in found["warnings"][1]


def test_check_says_that_a_built_in_format_takes_no_tools(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "words.gguf"
    write_gguf(path, {"general.architecture": "llama", **bpe_metadata(pre="qwen2")})

    found = call(capsys, "check", path, "--json").json

    assert found["template"]["origin"] == "ChatML (the file has no template)"
    assert not found["template"]["takes_tools"]


def test_check_finds_what_makes_a_model_stupid(capsys: Capture, tmp_path: Path) -> None:
    words = bpe_metadata(["h i"], pre="qwen2", controls=["<|im_start|>", "</s>"])
    keys = {
        "tokenizer.chat_template": CHATML,
        "tokenizer.chat_template.broken": "{{ 1 + }}",
        "tokenizer.ggml.eos_token_id": last(words),
    }
    path = tmp_path / "words.gguf"
    write_gguf(path, {"general.architecture": "llama", **words, **keys})

    warnings = "\n".join(call(capsys, "check", path, "--json").json["warnings"])

    assert "the template writes '<|im_end|>', which is no token of the vocabulary" in warnings
    assert "closes an answer with no token that ends one" in warnings
    assert "the template 'broken' cannot be used: the chat template is malformed" in warnings
