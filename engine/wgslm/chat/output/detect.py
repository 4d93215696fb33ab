"""Says how a model writes its answers, from the text of its chat template."""

from wgslm.chat.output.formats import CALLS, ROUTED
from wgslm.chat.output.routed import MARKS
from wgslm.chat.output.styles import Calls, Format, Routed, Thinking
from wgslm.chat.output.thoughts import THINKING, Rule


def detect(template: str) -> Format:
    """Say how a model writes, from the text of its chat template, and why."""
    reasons: list[str] = []
    routed = _first(ROUTED, template, reasons)
    if routed and isinstance(routed.part, Routed):
        return Format(routed=routed.part, reasons=tuple(reasons))
    thinking = _first(THINKING, template, reasons)
    calls = _first(CALLS, template, reasons)
    dropped = thinking.dropped if thinking else ()
    return Format(
        thinking=thinking.part if thinking and isinstance(thinking.part, Thinking) else None,
        calls=calls.part if calls and isinstance(calls.part, Calls) else None,
        dropped=dropped,
        reasons=tuple(reasons),
    )


def marks(format: Format, *, has_tools: bool) -> tuple[str, ...]:
    """Give every text that a format goes by: control tokens among them must reach the parser."""
    found = list(format.dropped)
    if format.routed:
        found += MARKS
    if format.thinking:
        found += [format.thinking.open, format.thinking.close]
    if format.calls and has_tools:
        style = format.calls.style
        found += [*format.calls.open, *format.calls.close]
        for value in vars(style).values():
            texts = [value] if isinstance(value, str) else value if isinstance(value, tuple) else []
            found += [text.replace("\\", "") for text in texts]  # some are expressions
    return tuple(found)


def _first(rules: tuple[Rule, ...], template: str, reasons: list[str]) -> Rule | None:
    for rule in rules:
        if all(need in template for need in rule.needs) and not any(
            lack in template for lack in rule.lacks
        ):
            kind = {Thinking: "thinks", Calls: "calls tools", Routed: "answers"}[type(rule.part)]
            shown = " and ".join(map(repr, rule.needs))
            reasons.append(f"{kind} as {rule.name}: the template has {shown}")
            return rule
    return None
