"""A file's words: its chat templates by name, and what they are given."""

import pytest

from tiny_vocabularies import bpe_metadata
from wgslm.errors import RequestError
from wgslm.gguf import Directory
from wgslm.text import load_tokenizer
from wgslm.words import Templates

HI = [{"role": "user", "content": "Hi"}]
TOOLS: list[object] = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
KEY = "tokenizer.chat_template"


def templates(**sources: str) -> Templates:
    metadata = dict(bpe_metadata(["h i"], pre="qwen2"))
    for name, source in sources.items():
        metadata[KEY if name == "default" else f"{KEY}.{name}"] = source
    directory = Directory(metadata, {}, 3, 32)  # type: ignore[arg-type]
    return Templates(directory, load_tokenizer(metadata))


def text(made: Templates, *, tools: list[object] | None = None, **variables: object) -> str:
    segments, _ = made.render(HI, tools, variables)
    return "".join(segment.text for segment in segments)


def test_the_template_for_tools_is_taken_where_there_are_any() -> None:
    made = templates(default="plain", tool_use="{{ tools|tojson }}")

    assert made.names == ("default", "tool_use")
    assert text(made) == "plain"
    assert '"f"' in text(made, tools=TOOLS)
    assert text(made, chat_template="tool_use") == "null"


def test_a_template_that_is_not_there_is_refused() -> None:
    with pytest.raises(RequestError, match=r"no chat template 'rag'; it has: default") as caught:
        text(templates(default="x"), chat_template="rag")

    assert caught.value.param == "chat_template"


def test_tools_that_a_template_has_no_place_for_are_refused() -> None:
    with pytest.raises(RequestError, match="has no place for tools") as caught:
        text(templates(default="x"), tools=TOOLS)

    assert caught.value.param == "tools"


def test_results_of_tools_that_a_template_would_leave_out_are_refused() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        *HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "RESULT"},
    ]
    dropping = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"
    showing = "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}"

    with pytest.raises(RequestError, match="no place for what tools gave") as caught:
        templates(default=dropping).render(messages, None, {})

    assert caught.value.param == "messages"
    segments, _ = templates(default=showing).render(messages, None, {})
    assert segments[-1].text.endswith("tool:RESULT;")


def test_a_variable_that_no_template_reads_is_refused() -> None:
    made = templates(default="{{ mood }}")

    assert text(made, mood="good") == "good"
    with pytest.raises(RequestError, match="does not read 'tone'") as caught:
        text(made, tone="x")
    assert caught.value.param == "tone"


def test_not_to_think_is_what_a_model_that_cannot_does() -> None:
    assert text(templates(default="x"), enable_thinking=False, reasoning_effort="none") == "x"
    with pytest.raises(RequestError, match="does not read 'enable_thinking'"):
        text(templates(default="x"), enable_thinking=True)


def test_what_firefunction_calls_its_tools_is_given() -> None:
    made = templates(default="{{ functions }} {{ datetime is string }} {{ tools|length }}")

    written = text(made, tools=TOOLS)

    assert '"name": "f"' in written
    assert written.endswith(" True 1")
