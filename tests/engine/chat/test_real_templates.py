"""Templates of real models render as plain jinja2 renders them."""

import json
import os
from functools import cache
from pathlib import Path
from typing import cast

import jinja2
import pytest

from plain_jinja import NOW, plain_jinja
from wgslm.chat.messages import Message, fold_system
from wgslm.chat.template import ChatTemplate
from wgslm.errors import TemplateError

FOLDER = os.environ.get("WGSLM_REFERENCE_DATA")
FILES = sorted(path.name for path in Path(FOLDER or "/nowhere", "templates").glob("*.jinja"))
SPECIALS = ("<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "[INST]")

SYSTEM: dict[str, object] = {"role": "system", "content": "You are helpful."}
PROPERTIES = {
    "city": {"type": "string", "description": "é of the city", "enum": ["Rome", "Oslo"]},
    "days": {"type": "integer", "description": "from today"},
}
WEATHER = {
    "name": "get_weather",
    "description": 'Get the "weather" <b>',
    "parameters": {"type": "object", "properties": PROPERTIES, "required": ["city"]},
}
TOOLS = [{"type": "function", "function": WEATHER}]
RESULT: dict[str, object] = {
    "role": "tool",
    "tool_call_id": "call00001",
    "name": "get_weather",
    "content": '{"t": 21}',
}


def user(text: str) -> dict[str, object]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, object]:
    return {"role": "assistant", "content": text}


def call(arguments: object) -> dict[str, object]:
    function = {"name": "get_weather", "arguments": arguments}
    calls = [{"id": "call00001", "type": "function", "function": function}]
    return {"role": "assistant", "content": "", "tool_calls": calls}


THOUGHT: dict[str, object] = {"role": "assistant", "reasoning_content": "hm", "content": "ok"}
TURNS = [user(" Hi "), assistant(" <think>hm</think>Hello "), user("Who?")]
CONVERSATIONS: dict[str, tuple[list[dict[str, object]], dict[str, object]]] = {
    "one turn": ([user("Hi")], {}),
    "turns": (TURNS, {}),
    "system": ([SYSTEM, *TURNS], {}),
    "unfinished": ([*TURNS, assistant("I")], {"add_generation_prompt": False}),
    "tools": ([SYSTEM, user("Weather?")], {"tools": TOOLS}),
    "tools, flat": ([user("Weather?")], {"tools": [WEATHER]}),
    "functions": (
        [SYSTEM, user("Weather?")],
        {"functions": json.dumps(TOOLS), "datetime": "today"},
    ),
    "tool call": (
        [user("Weather?"), call({"city": "Rome"}), RESULT, assistant("21"), user("Oslo?")],
        {"tools": TOOLS},
    ),
    "tool call, JSON": (
        [user("Weather?"), call('{"city": "Rome"}'), RESULT, assistant("21"), user("Oslo?")],
        {"tools": TOOLS},
    ),
    "thoughts": ([user("Weather?"), THOUGHT, user("go")], {"enable_thinking": False}),
    "thinking": ([user("Weather?"), THOUGHT, user("go")], {"enable_thinking": True}),
    "documents": ([user("?")], {"documents": [{"title": "T", "text": "x", "doc_id": 1}]}),
}


@cache
def make(source: str, bos: str = "<s>", eos: str = "</s>") -> ChatTemplate:
    return ChatTemplate(source, bos_token=bos, eos_token=eos, specials=SPECIALS, clock=lambda: NOW)


def text(template: ChatTemplate, messages: list[dict[str, object]], **options: object) -> str:
    tools = cast(list[object] | None, options.pop("tools", None))
    prompt = bool(options.pop("add_generation_prompt", True))
    segments = template.render(
        messages, add_generation_prompt=prompt, tools=tools, variables=options
    )
    return "".join(segment.text for segment in segments)


def expected(source: str, messages: list[dict[str, object]], **options: object) -> str | None:
    """What plain jinja2 makes of it, or None where it fails."""
    try:
        return plain_jinja(source, messages, bos_token="<s>", eos_token="</s>", **options)
    except (jinja2.TemplateError, TypeError, ValueError, RecursionError):
        return None


@pytest.mark.skipif(not FILES, reason="WGSLM_REFERENCE_DATA is not set")
@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("file", FILES or ["none"])
def test_a_real_template_renders_as_plain_jinja_does(file: str, conversation: str) -> None:
    source = Path(FOLDER or "", "templates", file).read_text(encoding="utf-8")
    messages, options = CONVERSATIONS[conversation]
    template = make(source)

    if not template.takes_system:
        messages = fold_system(messages)
    wanted = expected(source, messages, **options)

    if wanted is None:
        with pytest.raises(TemplateError):
            text(template, messages, **options)
    else:
        assert text(template, messages, **options) == wanted


@pytest.mark.skipif(not FILES, reason="WGSLM_REFERENCE_DATA is not set")
def test_every_real_template_renders_some_conversation() -> None:
    for file in FILES:
        source = Path(FOLDER or "", "templates", file).read_text(encoding="utf-8")
        assert any(
            expected(source, messages, **options) is not None
            for messages, options in CONVERSATIONS.values()
        ), file


@pytest.mark.skipif(not FILES, reason="WGSLM_REFERENCE_DATA is not set")
@pytest.mark.parametrize("file", FILES or ["none"])
def test_a_long_conversation_renders(file: str) -> None:
    source = Path(FOLDER or "", "templates", file).read_text(encoding="utf-8")
    messages = [user("?")]
    for turn in range(200):
        messages += [assistant(f"{turn} " + "sit amet\n" * 80), user(f"{turn} " + "lorem " * 130)]
    wanted = expected(source, messages)
    if wanted is None:
        pytest.skip("plain jinja2 does not render this template without tools")

    assert text(make(source), messages) == wanted
    assert sum(len(str(message["content"])) for message in messages) > 300_000


def test_llama_cpp_vectors(reference_data: Path) -> None:
    vectors = json.loads((reference_data / "templates" / "vectors.json").read_text("utf-8"))

    for vector in vectors:
        turns = vector["conversation"]
        messages = [{"role": role, "content": content} for role, content in turns]
        template = make(
            vector["template_str"], vector["bos_token"] or "", vector["eos_token"] or ""
        )
        if vector["supported"]:
            wanted = vector["expected_output_jinja"] or vector["expected_output"]
            assert text(template, messages) == wanted, vector["name"]
        else:
            with pytest.raises(TemplateError, match="'additional_special_tokens' is undefined"):
                text(template, messages)
    assert len(vectors) == 24


def test_messages_type_is_what_the_template_takes() -> None:
    messages: list[Message] = [user("Hi")]

    assert make("{{ messages[0].content }}").render(messages)[0].text == "Hi"
