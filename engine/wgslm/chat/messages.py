"""The messages of a conversation, checked once where they enter; knows no template language."""

from collections.abc import Mapping, Sequence

from wgslm.chat.values import Reader
from wgslm.errors import RequestError

Message = Mapping[str, object]

ROLES = ("system", "developer", "user", "assistant", "tool", "tool_response", "function")


def read_messages(
    messages: Sequence[Message], reader: Reader, template: str
) -> list[dict[str, object]]:
    """Copy messages as a template wants them: text parts joined, absent values absent.

    A role is one of `ROLES` or one that the template's source names.
    """
    if isinstance(messages, str) or not isinstance(messages, Sequence) or not messages:
        raise RequestError(
            "messages is empty or no list; it needs at least one message", "messages"
        )
    return [
        _read_message(message, f"messages[{index}]", reader, template)
        for index, message in enumerate(messages)
    ]


def fold_system(messages: list[dict[str, object]]) -> list[dict[str, object]]:
    """Put a leading system message into the user's first, for models that know no such role."""
    if messages[0]["role"] != "system":
        return messages
    system, *rest = messages
    if not rest or rest[0]["role"] != "user":
        return [{**system, "role": "user"}, *rest]
    return [{**rest[0], "content": f"{system['content']}\n{rest[0]['content']}"}, *rest[1:]]


def in_parts(messages: Sequence[Message]) -> list[dict[str, object]]:
    """Write every text as a list of one part, for templates that read nothing else."""
    return [
        {
            key: [{"type": "text", "text": value}]
            if key == "content" and isinstance(value, str)
            else value
            for key, value in message.items()
        }
        for message in messages
    ]


def _read_message(message: Message, where: str, reader: Reader, template: str) -> dict[str, object]:
    if not isinstance(message, Mapping):
        raise RequestError(
            f"{where} is of type {type(message).__name__}; a message is an object with a role and"
            " a content",
            where,
        )
    role = _read_role(message.get("role"), f"{where}.role", template)
    read: dict[str, object] = {"role": role}
    for key, value in message.items():
        if key == "content":
            value = _joined(value, f"{where}.content")
        if key != "role" and (value is not None or key == "content"):
            read[key] = reader.read(value, f"{where}.{key}")
    _check_shape(read, where)
    return read


def _read_role(role: object, where: str, template: str) -> str:
    if not isinstance(role, str):
        raise RequestError(f"{where} is {role!r}; it must be one of {', '.join(ROLES)}", where)
    if role == "developer" and role not in template:
        return "system"  # what OpenAI's newer models call it
    named = role.replace("_", "").isalpha() and (f"'{role}'" in template or f'"{role}"' in template)
    if role not in ROLES and not named:
        raise RequestError(
            f"{where} is {role[:40]!r}; known roles: {', '.join(ROLES)}, and those the model's"
            " chat template names",
            where,
        )
    return role


def _joined(content: object, where: str) -> object:
    """Join a list of text parts."""
    if not isinstance(content, list | tuple):
        return content
    texts: list[str] = []
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
        if not isinstance(part, Mapping) or kind != "text":
            raise RequestError(
                f"{where}[{index}] is of type {kind!r}; this version reads parts of type 'text'",
                f"{where}[{index}].type",
            )
        text = part.get("text")
        if not isinstance(text, str):
            raise RequestError(f"{where}[{index}].text is no string", f"{where}[{index}].text")
        texts.append(text)
    return "".join(texts)


def _check_shape(message: dict[str, object], where: str) -> None:
    """Check the fields that templates rely on."""
    content = message.get("content")
    silent = message["role"] == "assistant" and "tool_calls" in message
    if not isinstance(content, str) and not (content is None and silent):
        raise RequestError(
            f"{where}.content is {_kind(content)}; it must be a string or a list of text parts",
            f"{where}.content",
        )
    for key in ("name", "reasoning_content", "tool_call_id"):
        if not isinstance(message.get(key, ""), str):
            raise RequestError(f"{where}.{key} is no string", f"{where}.{key}")
    calls = message.get("tool_calls", [])
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise RequestError(f"{where}.tool_calls is no list of objects", f"{where}.tool_calls")


def _kind(value: object) -> str:
    return "missing" if value is None else f"of type {type(value).__name__}"
