"""The families' formats of thoughts, and what in a chat template tells which its model writes."""

from dataclasses import dataclass

from wgslm.chat.output.styles import Calls, Routed, Thinking

HY = ":opensource>"
K3 = "<|close|>"


@dataclass(frozen=True)
class Rule:
    """A format, and the texts that a template must all have for it."""

    name: str
    needs: tuple[str, ...]
    part: Thinking | Calls | Routed
    dropped: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


THINKING = (
    Rule("MiniMax M3", ("<mm:think>",), Thinking("<mm:think>", "</mm:think>")),
    Rule("Hunyuan 3", ("<think{}>", ":opensource"), Thinking("<think" + HY, "</think" + HY)),
    Rule("Seed", ("<seed:think>",), Thinking("<seed:think>", "</seed:think>")),
    Rule("Mistral", ("[THINK]",), Thinking("[THINK]", "[/THINK]")),
    Rule(
        "Command",
        ("<|START_THINKING|>",),
        Thinking("<|START_THINKING|>", "<|END_THINKING|>", anywhere=True),
        ("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"),
    ),
    Rule(
        "Gemma 4",
        ("<|channel>", "<channel|>"),
        Thinking("<|channel>thought\n", "<channel|>", anywhere=True, head="<|channel>"),
    ),
    Rule(
        "Kimi K3",
        ("<|open|>", "<|sep|>", "think"),
        Thinking("<|open|>think<|sep|>", "<|close|>think<|sep|>", anywhere=True),
        (
            "<|open|>response<|sep|>",
            f"{K3}response<|sep|>",
            f"{K3}message<|sep|>",
            "<|end_of_msg|>",
        ),
    ),
    Rule(
        "Solar",
        ("<|think|>", "<|content|>", "<|begin|>"),
        Thinking("<|think|>", "<|end|>", anywhere=True),
        ("<|begin|>assistant", "<|content|>"),
    ),
    Rule(
        "Apriel",
        ("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),
        Thinking("Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]"),
        ("[END FINAL RESPONSE]",),
    ),
    Rule(
        "Granite 3.2",
        ("Here is my thought process:", "Here is my response:"),
        Thinking("Here is my thought process:", "Here is my response:"),
    ),
    Rule(
        "Apertus",
        ("<|inner_prefix|>",),
        Thinking("<|inner_prefix|>", "<|inner_suffix|>", anywhere=True),
    ),
    Rule("EXAONE", ("<thought>",), Thinking("<thought>", "</thought>"), lacks=("<think>",)),
    Rule(
        "Granite 3.3", ("<think>", "<response>"), Thinking("<think>", "</think>"),
        ("<response>", "</response>"), ("minimax",),
    ),
    Rule("<think>", ("</think>",), Thinking("<think>", "</think>")),
    Rule("<think>", ("<think>",), Thinking("<think>", "</think>")),
)  # fmt: skip
