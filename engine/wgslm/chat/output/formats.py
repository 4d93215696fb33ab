"""The families' formats of calls, and what in a chat template tells which its model writes.

Sources: the templates themselves, and the formats' documents where there are any (OpenAI's
Harmony, Mistral's tool calling, Gemma 4's and Kimi's model cards).
"""

from typing import Literal

from wgslm.chat.output.routed import ATEM
from wgslm.chat.output.styles import (
    Calls,
    GemmaStyle,
    JsonStyle,
    NamedStyle,
    NestedStyle,
    PythonStyle,
    Routed,
    TaggedStyle,
)
from wgslm.chat.output.thoughts import HY, K3, Rule

_DEEPSEEK = (
    "<\uff5ctool▁calls▁begin\uff5c>",
    "<\uff5ctool_calls_begin\uff5c>",
    "<\uff5ctool calls begin\uff5c>",
)
_DEEPSEEK_END = (
    "<\uff5ctool▁calls▁end\uff5c>",
    "<\uff5ctool_calls_end\uff5c>",
    "<\uff5ctool calls end\uff5c>",
)
_QWEN_XML = TaggedStyle(
    "<function=", ">", "<parameter=", ">", "</parameter>", "</function>", lines=True
)
_GLM = TaggedStyle("", "", "<arg_key>", "</arg_key>", "</arg_value>", "", value="<arg_value>")
_LLAMA = JsonStyle(between=r'", "parameters": ')


def _invoke(before: str, typed: Literal["", "string"] = "") -> TaggedStyle:
    return TaggedStyle(
        f'<{before}invoke name="',
        ">",
        f'<{before}parameter name="',
        ">",
        f"</{before}parameter>",
        f"</{before}invoke>",
        typed=typed,
    )


ROUTED = (
    Rule("Harmony", ("<|channel|>", "<|message|>", "<|start|>"), Routed("harmony")),
    Rule("Muse", ("<|message|>", "atem:function_calls"), Routed("atem")),
    Rule("functionary v3.2", (">>>", "all"), Routed("functionary"), lacks=("<tool_call>",)),
)

CALLS = (
    Rule(
        "MiniMax M3",
        ("]<]minimax[>[",),
        Calls(
            NestedStyle("]<]minimax[>["),
            ("]<]minimax[>[<tool_call>",),
            ("]<]minimax[>[</tool_call>",),
        ),
    ),
    Rule(
        "MiniMax M2",
        ("<minimax:tool_call>",),
        Calls(
            _invoke(""),
            ("<minimax:tool_call>",),
            ("</minimax:tool_call>",),
            ends_thinking=True,
            unopened=('<invoke name="',),
        ),
    ),
    Rule(
        "DeepSeek V3.2",
        ("DSML", "function_calls"),
        Calls(
            _invoke("\uff5cDSML\uff5c", "string"),
            ("<\uff5cDSML\uff5cfunction_calls>",),
            ("</\uff5cDSML\uff5cfunction_calls>",),
            unopened=('<\uff5cDSML\uff5cinvoke name="',),
        ),
    ),
    Rule(
        "DeepSeek V4",
        ("DSML", "tool_calls"),
        Calls(
            _invoke("\uff5cDSML\uff5c", "string"),
            ("<\uff5cDSML\uff5ctool_calls>",),
            ("</\uff5cDSML\uff5ctool_calls>",),
            unopened=('<\uff5cDSML\uff5cinvoke name="',),
        ),
    ),
    Rule("Muse", ("atem:function_calls",), Calls(ATEM, ("<atem:function_calls>",))),
    Rule(
        "Kimi K3",
        ("<|open|>", "<|sep|>", "tools"),
        Calls(
            TaggedStyle(
                '<|open|>call tool="',
                "<|sep|>",
                '<|open|>argument key="',
                "<|sep|>",
                f"{K3}argument<|sep|>",
                f"{K3}call<|sep|>",
                typed="type",
            ),
            ("<|open|>tools<|sep|>",),
            (f"{K3}tools<|sep|>",),
            ends_thinking=True,
        ),
    ),
    Rule(
        "Kimi K2",
        ("<|tool_call_argument_begin|>",),
        Calls(
            NamedStyle(
                "<|tool_call_begin|>",
                "<|tool_call_argument_begin|>",
                r"(?P<id>(?:functions\.)?(?P<name>[^:]+?)(?::\d+)?)",
                ("<|tool_call_end|>",),
                before=r"functions\.",
                after=r":\d{1,2}",
            ),
            ("<|tool_calls_section_begin|>",),
            ("<|tool_calls_section_end|>",),
            ends_thinking=True,
            unopened=("<|tool_call_begin|>",),
        ),
    ),
    Rule(
        "DeepSeek R1",
        ("<\uff5ctool▁calls▁begin\uff5c>", "```json"),
        Calls(
            NamedStyle(
                "<\uff5ctool▁call▁begin\uff5c>",
                "```json",
                r"(?:function<\uff5ctool▁sep\uff5c>)?(?P<name>[^\s<]+)",
                ("```", "<\uff5ctool▁call▁end\uff5c>"),
                before="function<\uff5ctool▁sep\uff5c>",
                after=r"\n",
            ),
            _DEEPSEEK,
            _DEEPSEEK_END,
            ends_thinking=True,
            unopened=("<\uff5ctool▁call▁begin\uff5c>",),
        ),
    ),
    Rule(
        "DeepSeek V3.1",
        ("<\uff5ctool▁calls▁begin\uff5c>",),
        Calls(
            NamedStyle(
                "<\uff5ctool▁call▁begin\uff5c>",
                "<\uff5ctool▁sep\uff5c>",
                r"(?P<name>[^\s<]+)",
                ("<\uff5ctool▁call▁end\uff5c>",),
            ),
            _DEEPSEEK,
            _DEEPSEEK_END,
            ends_thinking=True,
            unopened=("<\uff5ctool▁call▁begin\uff5c>",),
        ),
    ),
    Rule(
        "Solar",
        ("<|tool_call:begin|>",),
        Calls(
            NamedStyle(
                "<|tool_call:begin|>",
                "<|tool_call:args|>",
                r"(?P<id>.*?)<\|tool_call:name\|>(?P<name>.+)",
                ("<|tool_call:end|>",),
                before=r"[A-Za-z0-9_\-]{1,32}<\|tool_call:name\|>",
            ),
            ("<|tool_calls|>",),
            ("<|calls|>",),
        ),
    ),
    Rule(
        "Mistral",
        ("[TOOL_CALLS]", "[ARGS]"),
        Calls(
            NamedStyle(
                "",
                "[ARGS]",
                r"(?P<name>.+?)(?:\[CALL_ID\](?P<id>.*))?",
                after=r"(?:\[CALL_ID\][A-Za-z0-9]{9})?",
            ),
            ("[TOOL_CALLS]",),
        ),
    ),
    Rule(
        "Mistral Nemo",
        ("[TOOL_CALLS]",),
        Calls(
            JsonStyle(is_list=True, after=r', "id": "[A-Za-z0-9]{9}"\}'),
            ("[TOOL_CALLS]",),
        ),
    ),
    Rule(
        "Command R7B",
        ("<|START_ACTION|>",),
        Calls(
            JsonStyle(
                is_list=True,
                before=r'\{"tool_call_id": "\d{1,2}", "tool_name": "',
                between=r'", "parameters": ',
            ),
            ("<|START_ACTION|>",),
            ("<|END_ACTION|>",),
        ),
    ),
    Rule(
        "Command R+",
        ("Action:", "```json", "tool_name"),
        Calls(
            JsonStyle(
                is_list=True,
                before=r'\{[ \n]{0,9}"tool_name": "',
                between=r'",[ \n]{1,9}"parameters": ',
                after=r"[ \n]{0,9}\}",
            ),
            ("Action: ```json", "Action:```json"),
            ("```",),
        ),
    ),
    Rule(
        "Gemma 4",
        ("<|tool_call>", "<tool_call|>"),
        Calls(GemmaStyle(), ("<|tool_call>",), ("<tool_call|>",), ends_thinking=True),
    ),
    Rule(
        "LFM2",
        ("<|tool_call_start|>",),
        Calls(PythonStyle(), ("<|tool_call_start|>",), ("<|tool_call_end|>",)),
    ),
    Rule(
        "LFM2",
        ("List of tools: ", "<|im_start|>"),
        Calls(PythonStyle(), ("<|tool_call_start|>",), ("<|tool_call_end|>",)),
    ),
    Rule(
        "Olmo 3",
        ("<function_calls>", "<functions>"),
        Calls(PythonStyle(is_list=False), ("<function_calls>",), ("</function_calls>",)),
    ),
    Rule(
        "Hunyuan 3",
        ("<tool_calls{}>", ":opensource"),
        Calls(
            TaggedStyle(
                "<tool_call" + HY,
                "<tool_sep" + HY,
                "<arg_key" + HY,
                "</arg_key" + HY,
                "</arg_value" + HY,
                "</tool_call" + HY,
                value="<arg_value" + HY,
            ),
            ("<tool_calls" + HY,),
            ("</tool_calls" + HY,),
        ),
    ),
    Rule(
        "Seed",
        ("<seed:tool_call>",),
        Calls(_QWEN_XML, ("<seed:tool_call>",), ("</seed:tool_call>",), ends_thinking=True),
    ),
    Rule(
        "GLM",
        ("<arg_key>", "<tool_call>"),
        Calls(_GLM, ("<tool_call>",), ("</tool_call>",), ends_thinking=True),
    ),
    Rule(
        "Qwen3-Coder",
        ("<tool_call>", "<function="),
        Calls(
            _QWEN_XML,
            ("<tool_call>",),
            ("</tool_call>",),
            ends_thinking=True,
            unopened=("<function=",),
        ),
    ),
    Rule(
        "MiniCPM 5",
        ('<function name="', "<param name="),
        Calls(
            TaggedStyle('name="', ">", '<param name="', ">", "</param>", "</function>"),
            ("<function",),
        ),
    ),
    Rule("Hermes", ("<tool_call>",), Calls(JsonStyle(), ("<tool_call>",), ("</tool_call>",))),
    Rule(
        "Nemotron",
        ("<TOOLCALL>",),
        Calls(JsonStyle(is_list=True), ("<TOOLCALL>",), ("</TOOLCALL>",)),
    ),
    Rule(
        "Apriel",
        ("<tool_calls>",),
        Calls(
            JsonStyle(is_list=True, after=r'(?:, "id": "[A-Za-z0-9_\-]{1,32}")?\}'),
            ("<tool_calls>",),
            ("</tool_calls>",),
        ),
    ),
    Rule(
        "Phi 4 mini",
        ("<|tool_call|>", "<|/tool_call|>"),
        Calls(JsonStyle(is_list=True), ("<|tool_call|>",), ("<|/tool_call|>",)),
    ),
    Rule(
        "Granite 3",
        ("<|tool_call|>",),
        Calls(JsonStyle(is_list=True), ("<|tool_call|>", "<tool_call>")),
    ),
    Rule(
        "Apertus",
        ("<|tools_prefix|>",),
        Calls(
            JsonStyle(is_keyed=True, is_list=True, before=r'\{"', between='": '),
            ("<|tools_prefix|>",),
            ("<|tools_suffix|>",),
        ),
    ),
    Rule(
        "InternLM 2",
        ("<|action_start|>",),
        Calls(
            JsonStyle(between=r'", "parameters": '),
            ("<|action_start|><|plugin|>",),
            ("<|action_end|>",),
        ),
    ),
    Rule("GigaChat 3.1", ("<|function_call|>",), Calls(JsonStyle(), ("<|function_call|>",))),
    Rule(
        "GigaChat 3",
        ("function call", "<|role_sep|>"),
        Calls(JsonStyle(), ("<|message_sep|>\n\nfunction call<|role_sep|>",)),
    ),
    Rule("FireFunction", ("functools[",), Calls(JsonStyle(is_list=True), ("functools",))),
    Rule(
        "functionary v3.1",
        ("<function=", "<|python_tag|>"),
        Calls(
            NamedStyle("", ">", r"(?P<name>[\w.\-]+)", ("</function>",)),
            ("<function=",),
        ),
    ),
    Rule(
        "Llama 3",
        ("ipython", '"parameters"'),
        Calls(_LLAMA, ("<|python_tag|>",), only_known=True),
    ),
    Rule("Llama 3", ("<|python_tag|>",), Calls(_LLAMA, ("<|python_tag|>",), only_known=True)),
    Rule(
        "Llama, Python",
        ("<|python_start|>",),
        Calls(PythonStyle(), ("<|python_start|>",), ("<|python_end|>",), only_known=True),
    ),
    Rule("Llama, Python", ("func_name1(",), Calls(PythonStyle(), (), only_known=True)),
)
