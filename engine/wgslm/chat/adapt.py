"""What a chat template takes, found out by trying, and a conversation written for it.

OpenAI's arguments are JSON in a string, where most templates want an object; thoughts have other
names in some.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from wgslm.chat.messages import Message, in_parts
from wgslm.errors import TemplateError

_PROBE = "wgslm-probe-7f3a"
_FUNCTION = {
    "name": _PROBE,
    "description": "d",
    "parameters": {"type": "object", "properties": {}, "required": []},
}
_TOOLS: list[object] = [{"type": "function", "function": _FUNCTION}]
_ARGUMENTS = {"wgslm_key": "wgslm value"}
_RESULT = "wgslm-result-41c8"
_USER: Message = {"role": "user", "content": "?"}
_ALIASES = ("thinking", "reasoning")  # of reasoning_content, by age
Try = Callable[[Sequence[Message], Sequence[object] | None], str]


def takes_tools(render: Try) -> bool:
    """Say whether tools reach the prompt; if trying fails the caller should hear why."""
    try:
        return _PROBE in render([_USER], _TOOLS)
    except TemplateError:
        return True


def wants_parts(render: Try) -> bool:
    """Say whether a text must be a list of parts, as where models see pictures too."""
    text: Message = {"role": "user", "content": _PROBE}
    return not _shows(render, text) and _shows(render, *in_parts([text]))


def _shows(render: Try, message: Message) -> bool:
    try:
        return _PROBE in render([message], None)
    except TemplateError:
        return False


def wants_objects(render: Try) -> bool:
    """Say whether arguments must be objects: they need not where JSON in a string does as well."""
    as_object, as_text = (_called(render, form) for form in (_ARGUMENTS, json.dumps(_ARGUMENTS)))
    return as_object is not None and as_object != as_text


def takes_results(render: Try) -> bool:
    """Say whether what tools gave reaches the prompt; if trying fails the caller hears why."""
    prompts = [_with_result(render, form) for form in (_ARGUMENTS, json.dumps(_ARGUMENTS))]
    return any(prompt is None or _RESULT in prompt for prompt in prompts)


def _called(render: Try, arguments: object) -> str | None:
    prompt = _with_result(render, arguments)
    if prompt is None:
        return None
    return prompt if "wgslm_key" in prompt and "{'wgslm_key'" not in prompt else None


def _with_result(render: Try, arguments: object) -> str | None:
    function = {"name": _PROBE, "arguments": arguments}
    call = {"id": "call00001", "type": "function", "function": function}
    calling: Message = {"role": "assistant", "content": "", "tool_calls": [call]}
    result: Message = {
        "role": "tool",
        "tool_call_id": "call00001",
        "name": _PROBE,
        "content": _RESULT,
    }
    try:
        return render([_USER, calling, result], _TOOLS)
    except TemplateError:
        return None


def adapted(
    messages: Sequence[Message], source: str, *, objects: Callable[[], bool]
) -> list[Message]:
    """Write a conversation as the template `source` takes it; `objects` is asked if it matters."""
    names = {
        call.get("id"): _name(call)
        for message in messages
        if isinstance(message, Mapping)
        for call in _calls(message)
    }
    return [
        _adapted(message, source, objects, names) if isinstance(message, Mapping) else message
        for message in messages
    ]


def _adapted(
    message: Message, source: str, objects: Callable[[], bool], names: Mapping[object, object]
) -> Message:
    written = dict(message)
    thoughts = message.get("reasoning_content")
    if isinstance(thoughts, str) and thoughts and "reasoning_content" not in source:
        for alias in _ALIASES:
            if alias not in message and re.search(rf"\.{alias}\b|['\"]{alias}['\"]", source):
                written[alias] = thoughts
                break
    calls = _calls(message)
    if calls:
        written["content"] = message.get("content") or ""
        if "thinking" in written and "both content and thinking" in source:
            written["content"] = ""  # Harmony has no place for it, and refuses
        if objects():
            written["tool_calls"] = [_with_object(call) for call in calls]
    id = message.get("tool_call_id")
    if message.get("role") == "tool" and "name" not in message and isinstance(names.get(id), str):
        written["name"] = names[id]
    return written


def _calls(message: Message) -> list[Mapping[str, object]]:
    calls = message.get("tool_calls")
    return [call for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []


def _name(call: Mapping[str, object]) -> object:
    function = call.get("function")
    return function.get("name") if isinstance(function, Mapping) else None


def _with_object(call: Mapping[str, object]) -> Mapping[str, object]:
    function = call.get("function")
    if not isinstance(function, Mapping) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except (ValueError, RecursionError):
        return call  # what a model wrote is no JSON: the template gets it as it is
    return {**call, "function": {**function, "arguments": arguments}}
