"""The prompt formats of files that bring no chat template, and what tells which one is meant.

Compared with llama.cpp's expected prompts of models that do bring theirs.
"""

from collections.abc import Collection
from dataclasses import dataclass

FROM_FILE = "from the file"


@dataclass(frozen=True)
class BuiltIn:
    """A format, the control tokens that only its models have, and words of its models' names."""

    name: str
    turns: str  # what is written for `message`, in Jinja
    prompt: str  # what asks for the answer
    tokens: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    begin: str = ""
    refuses_system: bool = False  # a system message joins the user's first instead

    @property
    def source(self) -> str:
        """The whole template."""
        system = (
            "{%- if message.role == 'system' -%}{{- raise_exception('no system role') -}}"
            "{%- endif -%}"
        )
        return (
            f"{{%- if tools -%}}{{{{- raise_exception('the built-in {self.name} format has no"
            " tools; this model file brings no chat template that has them') -}}{%- endif -%}"
            f"{self.begin}{{%- for message in messages -%}}"
            "{%- if message.tool_calls or message.role == 'tool' -%}"
            f"{{{{- raise_exception('the built-in {self.name} format has no tools; this model file"
            " brings no chat template that has them') -}}{%- endif -%}"
            "{%- set role = message.role -%}{%- set content = message.content or '' -%}"
            f"{system if self.refuses_system else ''}{self.turns}{{%- endfor -%}}"
            f"{{%- if add_generation_prompt -%}}{self.prompt}{{%- endif -%}}"
        )


def _roles(user: str, assistant: str, system: str = "") -> str:
    """Write a turn by its role."""
    if system:
        system = f"{{%- if role == 'system' -%}}{system}{{%- elif role == 'user' -%}}"
    return (
        f"{system or '''{%- if role == 'user' -%}'''}{user}{{%- else -%}}{assistant}{{%- endif -%}}"
    )


_LLAMA2_SYSTEM = "{%- set ns.system = '<<SYS>>\\n' + content + '\\n<</SYS>>\\n\\n' -%}"

BUILT_INS = (
    BuiltIn(
        "Llama 3",
        "{{- '<|start_header_id|>' + role + '<|end_header_id|>\\n\\n' + content|trim"
        " + '<|eot_id|>' -}}",
        "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}",
        ("<|start_header_id|>", "<|eot_id|>"),
        begin="{{- bos_token -}}",
    ),
    BuiltIn(
        "Llama 4",
        "{{- '<|header_start|>' + role + '<|header_end|>\\n\\n' + content|trim + '<|eot|>' -}}",
        "{{- '<|header_start|>assistant<|header_end|>\\n\\n' -}}",
        ("<|header_start|>", "<|eot|>"),
        begin="{{- bos_token -}}",
    ),
    BuiltIn(
        "ChatML",
        "{{- '<|im_start|>' + role + '\\n' + content + '<|im_end|>\\n' -}}",
        "{{- '<|im_start|>assistant\\n' -}}",
        ("<|im_start|>", "<|im_end|>"),
    ),
    BuiltIn(
        "Gemma",
        "{{- '<start_of_turn>' + ('model' if role == 'assistant' else role) + '\\n'"
        " + content|trim + '<end_of_turn>\\n' -}}",
        "{{- '<start_of_turn>model\\n' -}}",
        ("<start_of_turn>", "<end_of_turn>"),
        begin="{{- bos_token -}}",
        refuses_system=True,
    ),
    BuiltIn(
        "GLM 4",
        "{{- '<|' + role + '|>\\n' + content -}}",
        "{{- '<|assistant|>\\n' -}}",
        ("[gMASK]", "<sop>", "<|user|>"),
        begin="{{- '[gMASK]<sop>' -}}",
    ),
    BuiltIn(
        "Phi 3",
        "{{- '<|' + role + '|>\\n' + content + '<|end|>\\n' -}}",
        "{{- '<|assistant|>\\n' -}}",
        ("<|user|>", "<|assistant|>", "<|end|>"),
    ),
    BuiltIn(
        "Granite",
        "{{- '<|start_of_role|>' + role + '<|end_of_role|>' + content + '<|end_of_text|>\\n' -}}",
        "{{- '<|start_of_role|>assistant<|end_of_role|>' -}}",
        ("<|start_of_role|>", "<|end_of_role|>"),
    ),
    BuiltIn(
        "Command R",
        "{{- '<|START_OF_TURN_TOKEN|><|' + ('CHATBOT' if role == 'assistant' else role|upper)"
        " + '_TOKEN|>' + content|trim + '<|END_OF_TURN_TOKEN|>' -}}",
        "{{- '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' -}}",
        ("<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>"),
        begin="{{- bos_token -}}",
    ),
    BuiltIn(
        "DeepSeek",
        _roles(
            "{{- '<\uff5cUser\uff5c>' + content -}}",
            "{{- '<\uff5cAssistant\uff5c>' + content + eos_token -}}",
            "{{- content -}}",
        ),
        "{{- '<\uff5cAssistant\uff5c>' -}}",
        ("<\uff5cUser\uff5c>", "<\uff5cAssistant\uff5c>"),
        begin="{{- bos_token -}}",
    ),
    BuiltIn(
        "EXAONE",
        "{{- '[|' + role + '|]' + content + ('\\n' if role == 'user' else '[|endofturn|]\\n') -}}",
        "{{- '[|assistant|]' -}}",
        ("[|user|]", "[|assistant|]"),
    ),
    BuiltIn(
        "Megrez",
        "{{- '<|role_start|>' + role + '<|role_end|>' + content + '<|turn_end|>' -}}",
        "{{- '<|role_start|>assistant<|role_end|>' -}}",
        ("<|role_start|>", "<|turn_end|>"),
    ),
    BuiltIn(
        "OpenChat",
        "{{- 'GPT4 Correct ' + role|title + ': ' + content + '<|end_of_turn|>' -}}",
        "{{- 'GPT4 Correct Assistant:' -}}",
        ("<|end_of_turn|>",),
        begin="{{- bos_token -}}",
    ),
    BuiltIn(
        "Mistral",
        _roles("{{- '[INST]' + content + '[/INST]' -}}", "{{- content + eos_token -}}"),
        "",
        ("[INST]", "[/INST]"),
        begin="{{- bos_token -}}",
        refuses_system=True,
    ),
    BuiltIn(
        "Vicuna",
        _roles(
            "{{- 'USER: ' + content + '\\n' -}}",
            "{{- 'ASSISTANT: ' + content + '</s>\\n' -}}",
            "{{- content + '\\n\\n' -}}",
        ),
        "{{- 'ASSISTANT:' -}}",
        names=("vicuna",),
    ),
    BuiltIn(
        "Alpaca",
        _roles(
            "{{- '### Instruction:\\n' + content + '\\n\\n' -}}",
            "{{- '### Response:\\n' + content + eos_token + '\\n\\n' -}}",
            "{{- content + '\\n\\n' -}}",
        ),
        "{{- '### Response:\\n' -}}",
        names=("alpaca", "wizardcoder"),
    ),
    BuiltIn(
        "Mistral v1",
        _roles("{{- '[INST] ' + content + ' [/INST]' -}}", "{{- content + eos_token -}}"),
        "",
        names=("mistral",),
        begin="{{- bos_token -}}",
        refuses_system=True,
    ),
    BuiltIn(
        "Llama 2",
        _roles(
            "{{- bos_token + '[INST] ' + ns.system + content|trim + ' [/INST]' -}}"
            "{%- set ns.system = '' -%}",
            "{{- ' ' + content|trim + ' ' + eos_token -}}",
            _LLAMA2_SYSTEM,
        ),
        "",
        names=("llama-2", "llama 2", "llama2", "llama v2", "llama-v2", "tinyllama-chat"),
        begin="{%- set ns = namespace(system='') -%}",
    ),
)
CHATML = next(built_in for built_in in BUILT_INS if built_in.name == "ChatML")
BUILT_IN = "ChatML (the file has no template)"


def choose(tokens: Collection[str], model: str = "") -> tuple[BuiltIn, str]:
    """Choose a format by the tokens of a vocabulary, else by a model's name; say why.

    ChatML, which most models were tuned on, where neither tells.
    """
    evidence = {token for built_in in BUILT_INS for token in built_in.tokens}
    known = evidence.intersection(tokens)  # a set of all would take 4 MB
    for built_in in BUILT_INS:
        if built_in.tokens and known.issuperset(built_in.tokens):
            first = built_in.tokens[0]
            return built_in, (
                f"{built_in.name} (the file has no template; its vocabulary has {first!r})"
            )
    for built_in in BUILT_INS:
        for name in built_in.names:
            if name in model.lower():
                return (
                    built_in,
                    f"{built_in.name} (the file has no template; its name has {name!r})",
                )
    return CHATML, BUILT_IN
