"""What a request demands of the calls of tools in its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wgslm.errors import RequestError


@dataclass(frozen=True)
class Demand:
    """Whether a call must come, of which function, at most one, and whose arguments are valid."""

    required: bool = False
    name: str | None = None  # of the only function that may be called; it must be
    parallel: bool = True
    strict: frozenset[str] = frozenset()  # functions whose schema holds

    @property
    def is_free(self) -> bool:
        """Whether any answer will do."""
        return not (self.required or self.name or self.strict) and self.parallel


FREE = Demand()


@dataclass(frozen=True)
class Function:
    """A function that may be called."""

    name: str
    parameters: Mapping[str, object]  # JSON Schema of an object
    is_strict: bool


def functions(tools: Sequence[object], demand: Demand) -> list[Function]:
    """Return those of OpenAI's tools that may be called."""
    found = []
    for tool in tools:
        assert isinstance(tool, Mapping)
        function = tool["function"]
        name, parameters = str(function["name"]), function.get("parameters") or {}
        if demand.name in (None, name):
            found.append(Function(name, parameters, name in demand.strict))
    if not found:
        raise RequestError(
            f"there is no tool {demand.name!r:.60} to call"
            if demand.name
            else "there are no tools, of which one would have to be called",
            "tool_choice",
        )
    return found


def of_object(function: Function) -> dict[str, object]:
    """Return the schema of a function's arguments, which are an object."""
    kind = function.parameters.get("type", "object")
    if kind != "object" and not (isinstance(kind, list) and "object" in kind):
        raise RequestError(
            f"the parameters of {function.name!r} have type {kind!r:.60}; arguments are an object",
            "tools",
        )
    return {**function.parameters, "type": "object"}
