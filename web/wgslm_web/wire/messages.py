"""Reads the conversation of a request: OpenAI's messages, with thoughts as DeepSeek names them."""

from wgslm.errors import RequestError
from wgslm_web.wire.fields import Fields

Message = dict[str, object]

ROLES = ("system", "developer", "user", "assistant", "tool")
MESSAGE_LIMIT = 10_000  # of a conversation, and of the parts and calls of a message


def read_messages(value: list[object] | None) -> list[Message]:
    """Check and translate the conversation."""
    if not value:
        raise RequestError(
            "'messages' is missing or empty; it must hold the conversation", "messages"
        )
    if len(value) > MESSAGE_LIMIT:
        raise RequestError(
            f"'messages' holds {len(value):,} messages; at most {MESSAGE_LIMIT:,} are read",
            "messages",
        )
    return [_message(item, f"messages[{index}].") for index, item in enumerate(value)]


def _message(item: object, path: str) -> Message:
    if not isinstance(item, dict):
        raise RequestError(f"'{path[:-1]}' is not an object", path[:-1])
    fields = Fields(item, path)
    role = fields.required("role")
    for name in ("function_call", "audio", "refusal"):
        if fields.take(name) not in (None, []):
            raise RequestError(f"'{path}{name}' is not supported yet", path + name)
    if role not in ROLES:
        wanted = ", ".join(ROLES)
        raise RequestError(f"'{path}role' is {role!r}; known: {wanted}", path + "role")
    calls = _calls(fields)
    thoughts = fields.string("reasoning_content")
    answers = fields.string("tool_call_id")
    if role != "assistant" and (calls or thoughts is not None):
        name = "tool_calls" if calls else "reasoning_content"
        raise RequestError(f"'{path}{name}' is only for the role 'assistant'", path + name)
    if answers is not None and role != "tool":
        raise RequestError(
            f"'{path}tool_call_id' is only for the role 'tool'", path + "tool_call_id"
        )
    message: Message = {"role": role, "content": _content(fields, may_be_absent=bool(calls))}
    extra = {
        "reasoning_content": thoughts,
        "tool_calls": calls or None,
        "tool_call_id": answers,
        "name": fields.string("name"),
    }
    fields.finish("role, content, name, reasoning_content, tool_calls, tool_call_id")
    return message | {name: value for name, value in extra.items() if value is not None}


def _calls(fields: Fields) -> list[object]:
    calls = fields.items("tool_calls") or []
    if len(calls) > MESSAGE_LIMIT:
        raise fields.error("tool_calls", calls[:1], f"a list of at most {MESSAGE_LIMIT:,} calls")
    return [_call(call, f"{fields.path}tool_calls[{i}].") for i, call in enumerate(calls)]


def _call(item: object, path: str) -> Message:
    if not isinstance(item, dict):
        raise RequestError(f"'{path[:-1]}' is not an object", path[:-1])
    fields = Fields(item, path)
    fields.take("index")
    kind = fields.string("type") or "function"
    if kind != "function":
        raise fields.error("type", kind, "'function'")
    id = fields.string("id")
    function = Fields(fields.mapping("function") or {}, f"{path}function.")
    name = function.required("name")
    arguments = function.take("arguments")
    if not isinstance(arguments, str | dict | None):
        raise function.error("arguments", arguments, "JSON in a string, or an object")
    function.finish("name, arguments")
    fields.finish("id, type, function")
    given = {"name": name, "arguments": "{}" if arguments in (None, "") else arguments}
    called: Message = {"type": "function", "function": given}
    return called if id is None else {"id": id, **called}


def _content(fields: Fields, *, may_be_absent: bool) -> str:
    value = fields.take("content")
    if value is None and may_be_absent:
        return ""
    if isinstance(value, list) and len(value) > MESSAGE_LIMIT:
        raise fields.error("content", value[:1], f"a list of at most {MESSAGE_LIMIT:,} parts")
    if isinstance(value, list) and value:
        return "\n".join(_part(part, f"{fields.path}content[{i}].") for i, part in enumerate(value))
    if not isinstance(value, str):
        raise fields.error("content", value, "a string or a list of text parts")
    return value


def _part(item: object, path: str) -> str:
    if not isinstance(item, dict):
        raise RequestError(f"'{path[:-1]}' is not an object", path[:-1])
    fields = Fields(item, path)
    kind = fields.required("type")
    if kind != "text":
        raise RequestError(f"'{path}type' is {kind!r}; only 'text' is supported yet", path + "type")
    text = fields.string("text")
    if text is None:
        raise RequestError(f"'{path}text' is missing", path + "text")
    fields.finish("type, text")
    return text
