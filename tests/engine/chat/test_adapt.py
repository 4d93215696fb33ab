"""OpenAI's messages are written as a template takes them, which is found out by trying."""

import os
from pathlib import Path
from typing import cast

import pytest

from wgslm.chat.messages import Message
from wgslm.chat.template import ChatTemplate
from wgslm.text.segment import Segment

FOLDER = os.environ.get("WGSLM_REFERENCE_DATA")
FILES = sorted(path.name for path in Path(FOLDER or "/nowhere", "templates").glob("*.jinja"))
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":  1}'}}
CALLING: Message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT: Message = {"role": "tool", "tool_call_id": "c1", "content": "2"}
LOOP = (
    "{% if tools %}{{ tools|tojson }}{% endif %}{% for m in messages %}"
    "{% for c in m.tool_calls or [] %}"
)
END = "{% endfor %}{% endfor %}"
NO_TOOLS = {  # DeepSeek's write calls, but leave it to the caller to describe the tools
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja",
    "deepseek-ai-DeepSeek-V3.1.jinja",
    "google-gemma-2-2b-it.jinja",
    "llama-cpp-rwkv-world.jinja",
    "microsoft-Phi-3.5-mini-instruct.jinja",
}
NO_RESULTS = {"llama-cpp-rwkv-world.jinja", "microsoft-Phi-3.5-mini-instruct.jinja"}


def make(source: str) -> ChatTemplate:
    return ChatTemplate(source, bos_token="", eos_token="", specials=())


def arguments(source: str, messages: list[Message]) -> object:
    calls = cast(
        list[dict[str, dict[str, object]]], make(source).adapted(messages)[0]["tool_calls"]
    )
    return calls[0]["function"]["arguments"]


@pytest.mark.parametrize(
    ("writes", "wanted"),
    [
        ("{{ c.function.arguments|tojson }}", {"a": 1}),
        ("{% for k, v in c.function.arguments.items() %}{{ k }}{{ v }}{% endfor %}", {"a": 1}),
        ("{{ c.function.arguments }}", '{"a":  1}'),
    ],
)
def test_arguments_are_what_the_template_takes(writes: str, wanted: object) -> None:
    assert arguments(LOOP + writes + END, [CALLING]) == wanted


def test_a_string_stays_as_the_model_wrote_it_where_both_do() -> None:
    writes = (
        "{% set a = c.function.arguments %}{% if a is string %}{{ a }}{% else %}{{ a|tojson }}"
        "{% endif %}"
    )

    assert arguments(LOOP + writes + END, [CALLING]) == '{"a":  1}'


def test_arguments_that_are_no_json_stay() -> None:
    function = {"name": "f", "arguments": "{oops"}
    broken: Message = {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}

    assert arguments(LOOP + "{{ c.function.arguments|tojson }}" + END, [broken]) == "{oops"


def test_a_call_alone_has_empty_content_and_its_result_a_name() -> None:
    calling, result = make(LOOP + END).adapted([CALLING, RESULT])

    assert calling["content"] == ""
    assert result["name"] == "f"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("{{ m.reasoning_content }} {{ m.thinking }}", "reasoning_content"),
        ("{{ m.thinking }}", "thinking"),
        ("{{ m['reasoning'] }}", "reasoning"),
    ],
)
def test_thoughts_have_the_templates_name(source: str, name: str) -> None:
    thought: Message = {"role": "assistant", "content": "", "reasoning_content": "hm"}
    (written,) = make("{% set m = messages[0] %}" + source).adapted([thought])

    assert written[name] == "hm"
    assert len(written) == (3 if name == "reasoning_content" else 4)


PARTS = (  # as SmolVLM's: a text would be looped over letter by letter, and nothing written
    "{% for m in messages %}{{ m.role|capitalize }}: {% for part in m.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}<end>\n{% endfor %}"
)


def test_a_template_that_reads_only_parts_gets_parts() -> None:
    template = ChatTemplate(PARTS, bos_token="", eos_token="", specials=["<end>"])
    messages: list[Message] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi <end>"},
        {"role": "assistant", "content": [{"type": "text", "text": "Ho"}]},
    ]

    segments = template.render(messages)

    assert template.takes_system
    assert segments == [
        Segment("System: Be brief.<end>\nUser: Hi ", True),
        Segment("<end>", False),
        Segment("<end>\nAssistant: Ho<end>\n", True),
    ]


def test_a_text_stays_one_where_the_template_takes_it() -> None:
    both = "{% for m in messages %}{{ m.content if m.content is string else m.content[0].text }}"

    assert make(both + "{{ m.content is string }}{% endfor %}").render(
        [{"role": "user", "content": "Hi"}]
    ) == [Segment("HiTrue", True)]


@pytest.mark.skipif(not FILES, reason="WGSLM_REFERENCE_DATA is not set")
@pytest.mark.parametrize("file", FILES or ["none"])
def test_it_is_known_which_real_templates_take_tools(file: str) -> None:
    source = Path(FOLDER or "", "templates", file).read_text(encoding="utf-8")

    template = make(source)

    assert template.takes_tools == (file not in NO_TOOLS)
    assert template.takes_results == (file not in NO_RESULTS)


@pytest.mark.skipif(not FILES, reason="WGSLM_REFERENCE_DATA is not set")
@pytest.mark.parametrize("file", FILES or ["none"])
def test_openais_turn_with_a_tool_renders_in_every_real_template(file: str) -> None:
    source = Path(FOLDER or "", "templates", file).read_text(encoding="utf-8")
    template = make(source)
    if not template.takes_tools:
        pytest.skip("this template has no tools")
    schema = {"type": "object", "properties": {"a": {"type": "integer", "description": "n"}}}
    function = {"name": "f", "description": "d", "parameters": schema}
    call = {**CALL, "id": "abcdefghi"}
    messages: list[Message] = [
        {"role": "user", "content": "Q"},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "abcdefghi", "content": "RESULT"},
    ]

    segments = template.render(
        template.adapted(messages),
        tools=[{"type": "function", "function": function}],
        variables=template.own_variables(None),
    )

    prompt = "".join(segment.text for segment in segments)
    assert '{\\"a\\"' not in prompt
    assert "{'a': 1" not in prompt
    assert "RESULT" in prompt
