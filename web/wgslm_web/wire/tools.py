"""Reads the tools of a request, and what it gives a chat template besides.

What would need the answer to be constrained is refused by name: a call that must come, a schema
that must hold, one call at most.
"""

import re

from wgslm.errors import RequestError
from wgslm_web.wire.fields import Fields

TOOL_LIMIT = 1024
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_NAME = re.compile(r"[\w.\-]{1,128}")
_CONSTRAINED = "needs constrained decoding, which is not supported yet for tool calls"


def read_tools(fields: Fields) -> list[dict[str, object]] | None:
    """Return the tools that the model may call: none of them where `tool_choice` is "none"."""
    tools = fields.items("tools") or []
    if len(tools) > TOOL_LIMIT:
        raise fields.error("tools", tools[:1], f"a list of at most {TOOL_LIMIT:,} tools")
    read = [_tool(tool, f"tools[{index}].") for index, tool in enumerate(tools)]
    choice = fields.take("tool_choice")
    parallel = fields.boolean("parallel_tool_calls")
    if choice == "required" or isinstance(choice, dict):
        raise RequestError(f"'tool_choice' {_shown(choice)} {_CONSTRAINED}", "tool_choice")
    if choice not in (None, "none", "auto"):
        raise fields.error("tool_choice", choice, "'none' or 'auto'")
    if read and parallel is False:
        raise RequestError(f"'parallel_tool_calls': false {_CONSTRAINED}", "parallel_tool_calls")
    return None if choice == "none" or not read else read


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


def _tool(item: object, path: str) -> dict[str, object]:
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
        raise RequestError(f"'{path}function.strict' {_CONSTRAINED}", f"{path}function.strict")
    function.finish("name, description, parameters, strict")
    empty = {"type": "object", "properties": {}}
    read = {
        "name": name,
        "description": description or "",
        "parameters": empty if parameters is None else parameters,
    }
    return {"type": "function", "function": read}


def _shown(choice: object) -> str:
    return "'required'" if choice == "required" else "with a function's name"
