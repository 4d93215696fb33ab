"""What real templates write for a past answer with a call of `get_weather`."""

import json
import os
from pathlib import Path

import jinja2

from plain_jinja import plain_jinja

FOLDER = os.environ.get("WGSLM_REFERENCE_DATA")
FILES = sorted(path.name for path in Path(FOLDER or "/nowhere", "templates").glob("*.jinja"))
NO_CALLS = {  # templates without a word of tools, or that put no calls into a prompt
    "LFM2.5-Instruct.jinja",
    "google-gemma-2-2b-it.jinja",
    "ibm-granite-granite-3.3-2B-Instruct.jinja",
    "llama-cpp-rwkv-world.jinja",
    "microsoft-Phi-3.5-mini-instruct.jinja",
}
UNREADABLE = {  # plain jinja2 refuses them, so there is nothing to compare with
    "CohereForAI-c4ai-command-r-plus-tool_use.jinja",
    "fireworks-ai-llama-3-firefunction-v2.jinja",
}
PROPERTIES = {
    "city": {"type": "string", "description": "where"},
    "days": {"type": "integer", "description": "from today"},
    "tags": {"type": "array", "items": {"type": "string"}, "description": "of the day"},
}
WEATHER = {
    "name": "get_weather",
    "description": "the weather",
    "parameters": {"type": "object", "properties": PROPERTIES, "required": ["city"]},
}
TOOLS = [{"type": "function", "function": WEATHER}]
ARGUMENTS = {"city": 'Roma "Ò"', "days": 3, "tags": ["a", "b"]}


def answers(source: str, as_text: bool, content: str) -> list[str]:
    """The texts that follow the prompt when the answer is in the conversation: all that may be."""
    arguments: object = json.dumps(ARGUMENTS) if as_text else ARGUMENTS
    function = {"name": "get_weather", "arguments": arguments}
    call = {"id": "call00001", "type": "function", "function": function}
    question = {"role": "user", "content": "Q1"}
    answer = {"role": "assistant", "content": content, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "call00001", "name": "get_weather", "content": "T"}
    try:
        before = plain_jinja(source, [question], tools=TOOLS, eos_token="<EOS>")
        after = plain_jinja(source, [question, answer, result], tools=TOOLS, eos_token="<EOS>")
    except (jinja2.TemplateError, TypeError, ValueError):
        return []
    rest = after.rpartition("Q1")[2]
    return [after.removeprefix(before), rest] if after.startswith(before) else [rest]
