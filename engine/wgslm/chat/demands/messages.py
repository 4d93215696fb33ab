"""Demanded calls in answers of several messages with heads: Harmony, Muse, functionary."""

from wgslm.chat.demands.styles import Script, tagged
from wgslm.chat.output.routed import ATEM, HARMONY, MUSE, Kin
from wgslm.chat.output.styles import Routed
from wgslm.errors import RequestError
from wgslm.grammar.expression import EMPTY, Expression, Repeat, either, optional, row
from wgslm.grammar.search import marked, until, without

MOST_BEFORE = 8  # thoughts before a call that must come
NO_TOOLS = ("self", "user", "all")  # recipients that are no functions


def routed_answer(routed: Routed, script: Script, *, required: bool, is_begun: bool) -> Expression:
    """Return the answers; `is_begun` where the prompt has begun functionary's first head."""
    for function in script.functions:
        if function.name in NO_TOOLS:
            raise RequestError(
                f"the model's calls cannot name {function.name!r}: for it that is no tool", "tools"
            )
    match routed.kind:
        case "harmony":
            return _harmony(script, required=required)
        case "atem":
            return _muse(script, required=required)
        case "functionary":
            return _functionary(script, required=required, is_begun=is_begun)


def _body(kin: Kin, end: str) -> Expression:
    """Return a message's text and its end."""
    return until(end, [mark for mark in (*kin.ends, kin.message) if mark != end])


def _last(kin: Kin) -> Expression:
    """Return the text of a message that ends the answer, by a token that says so or a text."""
    ends = [mark for mark in kin.ends if mark not in (kin.start, *kin.begins)]
    return row(without([*kin.ends, kin.message]), optional(either(ends)))


def _harmony(script: Script, *, required: bool) -> Expression:
    message, channel = "<|message|>", "<|channel|>"
    again = "<|start|>assistant"
    thought = row(f"{channel}analysis{message}", _body(HARMONY, "<|end|>"), again)
    remark = row(f"{channel}commentary{message}", _body(HARMONY, "<|end|>"), again)
    kind = optional(row(optional(either([" "])), optional(either(["<|constrain|>"])), "json"))
    call = script.each(
        lambda i, name: row(
            either(
                [
                    row(f" to=functions.{name}{channel}commentary", kind),
                    row(f"{channel}commentary to=functions.{name}", kind),
                ]
            ),
            message,
            script.json(i),
            optional(either(["<|call|>"])),
        )
    )
    if required:
        return row(Repeat(thought, 0, MOST_BEFORE), call)
    final = row(f"{channel}final", optional(either([" <|constrain|>json"])), message)
    cut = row(f"{channel}analysis{message}", _last(HARMONY))
    ends = either([call, row(final, _last(HARMONY)), cut, EMPTY])
    return row(Repeat(either([thought, remark])), ends)


def _muse(script: Script, *, required: bool) -> Expression:
    again = row("<|eom|>", "<|start|>assistant")
    thought = row(" to=self<|message|>", _body(MUSE, "<|eom|>"), "<|start|>assistant")
    remark = row(
        optional(either([" to=user"])), "<|message|>", _body(MUSE, "<|eom|>"), "<|start|>assistant"
    )
    name = either([function.name for function in script.functions])
    block = row(
        " to=", name, "<|message|><atem:function_calls>\n",
        tagged(ATEM, script), "\n</atem:function_calls>",
    )  # fmt: skip
    calls = row(script.several(block, again), optional(either(["<|eom|>", "<|eot|>"])))
    if required:
        return row(Repeat(thought, 0, MOST_BEFORE), calls)
    final = row(optional(either([" to=user", " to=self"])), "<|message|>", _last(MUSE))
    return row(Repeat(either([thought, remark])), either([calls, final, EMPTY]))


def _functionary(script: Script, *, required: bool, is_begun: bool) -> Expression:
    call = script.each(lambda i, name: row(name, "\n", script.json(i)))
    between = row(optional(either(["\n"])), ">>>")
    calls = script.several(call, between)
    start = EMPTY if is_begun else optional(either([">>>"]))
    said = marked({">>>": calls}, {})
    return row(start, calls if required else either([calls, row("all\n", said)]))
