"""Reads the tools of a request, what it demands of their calls, and what its template reads."""

import re

from wgslm.chat.demands.demand import FREE, Demand
from wgslm.errors import RequestError
from wgslm_web.wire.fields import Fields

TOOL_LIMIT = 1024
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
CHOICES = "'none', 'auto', 'required' or {'type': 'function', 'function': {'name': ...}}"
_NAME = re.compile(r"[\w.\-]{1,128}")
Json = dict[str, object]


def read_tools(fields: Fields) -> tuple[list[Json] | None, Demand]:
    """Return the tools that the model may call, and what is demanded of their calls.

    There are none where `tool_choice` is "none".
    """
    items = fields.items("tools") or []
    if len(items) > TOOL_LIMIT:
        raise fields.error("tools", items[:1], f"a list of at most {TOOL_LIMIT:,} tools")
    strict: set[str] = set()
    tools = [_tool(tool, f"tools[{index}].", strict) for index, tool in enumerate(items)]
    choice = fields.take("tool_choice")
    parallel = fields.boolean("parallel_tool_calls")
    name = _named(fields, choice)
    if name is None and choice not in (None, "none", "auto", "required"):
        raise fields.error("tool_choice", choice, CHOICES)
    if choice == "none" or (not tools and choice in (None, "auto")):
        return None, FREE
    if not tools:
        raise RequestError("'tool_choice' demands a call, but there are no tools", "tool_choice")
    return tools, Demand(choice == "required", name, parallel is not False, frozenset(strict))


def read_variables(fields: Fields) -> dict[str, object]:
    """Return what the chat template reads besides the conversation, its own name among it."""
    variables = dict(fields.mapping("chat_template_kwargs") or {})
    template, effort = fields.string("chat_template"), fields.string("reasoning_effort")
    if template is not None:
        variables["chat_template"] = template
    if effort is None:
        return variables
    if effort not in EFFORTS:
        raise fields.error("reasoning_effort", effort, f"one of {', '.join(EFFORTS)}")
    return {"reasoning_effort": effort, **variables}


def _named(fields: Fields, choice: object) -> str | None:
    """Return the name of the function that must be called, if one is named."""
    if not isinstance(choice, dict):
        return None
    given = Fields(choice, "tool_choice.")
    kind = given.required("type")
    if kind != "function":
        raise given.error("type", kind, "'function'")
    inner = Fields(given.mapping("function") or {}, "tool_choice.function.")
    given.finish("type, function")
    name = inner.required("name")
    inner.finish("name")
    return name


def _tool(item: object, path: str, strict: set[str]) -> Json:
    """Return one tool; its name is put among the strict if it is."""
    if not isinstance(item, dict):
        raise RequestError(f"'{path[:-1]}' is not an object", path[:-1])
    fields = Fields(item, path)
    kind = fields.required("type")
    if kind != "function":
        raise fields.error("type", kind, "'function'")
    given = fields.mapping("function")
    if given is None:
        raise RequestError(f"'{path}function' is missing", f"{path}function")
    fields.finish("type, function")
    function = Fields(given, f"{path}function.")
    name = function.required("name")
    if not _NAME.fullmatch(name):
        raise function.error("name", name, "up to 128 letters, digits, '_', '-' and '.'")
    description, parameters = function.string("description"), function.mapping("parameters")
    if function.boolean("strict"):
        strict.add(name)
    function.finish("name, description, parameters, strict")
    empty = {"type": "object", "properties": {}}
    read = {
        "name": name,
        "description": description or "",
        "parameters": empty if parameters is None else parameters,
    }
    return {"type": "function", "function": read}
